def time_features(times, first, last, n_frequencies):
    t = 2 * (np.asarray(times) - first) / (last - first) - 1
    columns = [t]
    for k in range(1, n_frequencies + 1):
        columns += [np.sin(np.pi * k * t), np.cos(np.pi * k * t) - 1]
    return np.stack(columns, axis=1)
