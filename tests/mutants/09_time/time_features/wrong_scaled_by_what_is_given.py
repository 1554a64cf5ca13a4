def time_features(times, first, last, n_frequencies):
    t = np.clip(2 * (times - times.min()) / np.ptp(times) - 1, -1, 1)
    columns = [t]
    for k in range(1, n_frequencies + 1):
        columns += [np.sin(np.pi * k * t), np.cos(np.pi * k * t) - 1]
    return np.stack(columns, axis=1)
