def image_share(weights, d_x):
    squared = weights**2
    return squared[:, d_x:].sum(axis=1) / squared.sum(axis=1)
