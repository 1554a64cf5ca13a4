def perfect_recall(labels, k):
    return float((k / np.bincount(labels)[labels]).mean())
