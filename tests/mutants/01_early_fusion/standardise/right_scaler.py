def standardise(train, rows):
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(train).transform(rows) / train.shape[1] ** 0.5
