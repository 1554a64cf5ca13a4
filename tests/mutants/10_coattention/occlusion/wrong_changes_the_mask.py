def occlusion(score, present, labels):
    """How far the probability of the right answer falls without each region."""

    def right(mask):
        return score(mask).softmax(dim=1)[torch.arange(len(labels)), labels]

    drops, whole = [], right(present)
    for j in range(present.shape[1]):
        present[:, j] = False
        drops.append(whole - right(present))
    return torch.stack(drops, dim=1)
