def occlusion(score, present, labels):
    """How far the probability of the right answer falls without each region."""

    def right(mask):
        return score(mask).softmax(dim=1)[torch.arange(len(labels)), labels]

    drops = []
    for j in range(present.shape[1]):
        without = present.clone()
        without[:, j] = ~present[:, j]
        drops.append(right(present) - right(without))
    return torch.stack(drops, dim=1)
