def group_scores(s):
    """Text, image and group score."""
    own0, own1 = s[:, 0, 0], s[:, 1, 1]
    text = np.concatenate([own0 > s[:, 1, 0], own1 > s[:, 0, 1]])
    image = np.concatenate([own0 > s[:, 0, 1], own1 > s[:, 1, 0]])
    return float(text.mean()), float(image.mean()), float((text & image).mean())
