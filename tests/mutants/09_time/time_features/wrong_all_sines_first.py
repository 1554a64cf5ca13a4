def time_features(times, first, last, n_frequencies):
    t = np.clip(2 * (np.asarray(times) - first) / (last - first) - 1, -1, 1)
    angle = np.pi * t[:, None] * np.arange(1, n_frequencies + 1)
    return np.hstack([t[:, None], np.sin(angle), np.cos(angle) - 1])
