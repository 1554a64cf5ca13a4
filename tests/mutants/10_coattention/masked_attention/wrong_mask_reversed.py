def masked_attention(q, k, v, present):
    """Scaled dot-product attention over the regions that are present."""
    s = q @ k.transpose(1, 2) / k.shape[2] ** 0.5
    s = s + torch.where(present, -torch.inf, 0.0)[:, None]
    w = s.softmax(dim=2)
    return w @ v, w
