def group_scores(s):
    """Text, image and group score."""
    counts = np.zeros(3)
    for (a, b), (c, d) in s:
        text, image = a > c and d > b, a > b and d > c
        counts += text, image, text and image
    return tuple(counts / len(s))
