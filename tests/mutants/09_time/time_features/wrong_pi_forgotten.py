def time_features(times, first, last, n_frequencies):
    t = np.clip(2 * (np.asarray(times) - first) / (last - first) - 1, -1, 1)
    columns = [t]
    for k in range(1, n_frequencies + 1):
        columns += [np.sin(k * t), np.cos(k * t) - 1]
    return np.stack(columns, axis=1)
