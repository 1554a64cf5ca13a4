def standardise(train, rows):
    mu, sigma = train.mean(axis=0), train.std(axis=0)
    return (rows - mu) / np.where(sigma > 0, sigma, 1.0)
