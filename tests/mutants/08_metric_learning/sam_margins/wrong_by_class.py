def sam_margins(s, labels, kinship, base, g):
    sim = np.clip(kinship, 0, 1)
    margins = base * (1 - g * sim)
    spread = margins[labels][:, labels]
    same = labels[:, None] == labels[None]
    triplets = same[:, :, None] & ~same[:, None, :]
    loss = spread[:, None, :] - s[:, :, None] + s[:, None, :]
    return margins, float((loss > 0)[triplets].mean())
