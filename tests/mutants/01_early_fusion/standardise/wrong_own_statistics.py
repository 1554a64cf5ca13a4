def standardise(train, rows):
    mu, sigma = rows.mean(axis=0), rows.std(axis=0)
    sigma = np.where(sigma > 0, sigma, 1.0)
    return (rows - mu) / (sigma * np.sqrt(train.shape[1]))
