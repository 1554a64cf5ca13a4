def centre_new(k, K):
    return k - k.mean(axis=1, keepdims=True) - K.mean(axis=0) - K.mean()
