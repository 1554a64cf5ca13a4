def permutation_p(statistic, values, n, seed):
    rng, observed, shuffled, hits = np.random.default_rng(seed), statistic(values), [], 1
    for _ in range(n):
        shuffled.append(statistic(rng.permutation(values)))
        hits += shuffled[-1] >= observed
    return observed, np.array(shuffled), hits / (n + 1)
