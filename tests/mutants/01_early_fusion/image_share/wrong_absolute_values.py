def image_share(weights, d_x):
    return np.abs(weights[:, :d_x]).sum(axis=1) / np.abs(weights).sum(axis=1)
