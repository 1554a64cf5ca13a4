def image_share(weights, d_x):
    return np.array([np.dot(w[:d_x], w[:d_x]) / np.dot(w, w) for w in weights])
