def centre_new(k, K):
    k -= k.mean(axis=1, keepdims=True)
    k -= K.mean(axis=0)
    k += K.mean()
    return k
