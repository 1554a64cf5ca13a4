def perfect_recall(labels, k):
    return min(1.0, k / len(labels))
