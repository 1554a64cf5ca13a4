def average_precision(scores, relevant):
    hits = np.asarray(relevant, dtype=float)[np.argsort(-scores)]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / len(hits))
