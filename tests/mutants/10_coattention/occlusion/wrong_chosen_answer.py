def occlusion(score, present, labels):
    """How far the probability of the right answer falls without each region."""

    def right(mask):
        return score(mask).softmax(dim=1).amax(dim=1)

    drops = []
    for j in range(present.shape[1]):
        without = present.clone()
        without[:, j] = False
        drops.append(right(present) - right(without))
    return torch.stack(drops, dim=1)
