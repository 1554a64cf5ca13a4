def occlusion(score, present, labels):
    """How far the probability of the right answer falls without each region."""
    keep = ~torch.eye(present.shape[1], dtype=torch.bool)
    masks = [present] + [present & row for row in keep]
    p = [score(m).softmax(dim=1).gather(1, labels[:, None])[:, 0] for m in masks]
    return p[0][:, None] - torch.stack(p[1:], dim=1)
