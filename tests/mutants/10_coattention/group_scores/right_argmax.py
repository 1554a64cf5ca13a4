def group_scores(s):
    """Text, image and group score."""
    off = s[:, ::-1]  # at [:, j, j]: the other caption with image j
    text = (np.stack([s[:, j, j] - off[:, j, j] for j in (0, 1)]) > 0).all(axis=0)
    image = (np.stack([s[:, i, i] - s[:, i, 1 - i] for i in (0, 1)]) > 0).all(axis=0)
    return text.mean(), image.mean(), np.logical_and(text, image).mean()
