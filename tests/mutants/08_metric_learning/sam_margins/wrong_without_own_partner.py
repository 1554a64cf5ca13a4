def sam_margins(s, labels, kinship, base, g):
    sim = np.clip(kinship, 0, 1)[labels][:, labels]
    margins = base * (1 - g * sim)
    same = labels[:, None] == labels[None]
    triplets = (same & ~np.eye(len(s), dtype=bool))[:, :, None] & ~same[:, None, :]
    loss = margins[:, None, :] - s[:, :, None] + s[:, None, :]
    return margins, float((loss > 0)[triplets].mean())
