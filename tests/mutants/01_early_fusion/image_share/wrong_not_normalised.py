def image_share(weights, d_x):
    return (weights[:, :d_x] ** 2).sum(axis=1)
