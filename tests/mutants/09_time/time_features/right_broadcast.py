def time_features(times, first, last, n_frequencies):
    middle, half = (first + last) / 2, (last - first) / 2
    t = np.minimum(1, np.maximum(-1, (np.asarray(times, dtype=float) - middle) / half))
    angle = np.pi * np.outer(t, np.arange(1, n_frequencies + 1))
    pairs = np.dstack([np.sin(angle), -2 * np.sin(angle / 2) ** 2]).reshape(len(t), -1)
    return np.column_stack([t, pairs])
