def centre_new(k, K):
    return k - k.mean(axis=1, keepdims=True) - k.mean(axis=0) + K.mean()
