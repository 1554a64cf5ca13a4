def dispersion(z, items):
    u = z / np.sqrt((z**2).sum(axis=1))[:, None]
    means = [u[items == item].mean(axis=0) for item in set(items.tolist())]
    if len(means) < 2:
        return float("nan")
    total = sum(means)
    others = [(total - m) / (len(means) - 1) for m in means]
    return float(np.mean([1 - m @ o for m, o in zip(means, others, strict=True)]))
