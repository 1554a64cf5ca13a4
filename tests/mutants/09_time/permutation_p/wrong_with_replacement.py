def permutation_p(statistic, values, n, seed):
    rng = np.random.default_rng(seed)
    observed = statistic(values)
    shuffled = np.array([statistic(rng.choice(values, len(values))) for _ in range(n)])
    return observed, shuffled, float((1 + (shuffled >= observed).sum()) / (1 + n))
