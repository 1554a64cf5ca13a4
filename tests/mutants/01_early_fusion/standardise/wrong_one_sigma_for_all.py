def standardise(train, rows):
    return (rows - train.mean(axis=0)) / (train.std() * np.sqrt(train.shape[1]))
