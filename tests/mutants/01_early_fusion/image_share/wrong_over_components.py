def image_share(weights, d_x):
    squared = weights**2
    return squared[:, :d_x].sum(axis=0) / squared[:, :d_x].sum()
