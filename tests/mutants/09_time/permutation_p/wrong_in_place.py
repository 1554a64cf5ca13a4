def permutation_p(statistic, values, n, seed):
    rng = np.random.default_rng(seed)
    observed = statistic(values)
    shuffled = []
    for _ in range(n):
        rng.shuffle(values)
        shuffled.append(statistic(values))
    shuffled = np.array(shuffled)
    return observed, shuffled, float((1 + (shuffled >= observed).sum()) / (1 + n))
