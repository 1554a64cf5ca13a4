def perfect_recall(labels, k):
    return float((np.bincount(labels)[labels] <= k).mean())
