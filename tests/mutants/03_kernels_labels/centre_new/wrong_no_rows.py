def centre_new(k, K):
    return k - K.mean(axis=0) + K.mean()
