def masked_attention(q, k, v, present):
    """Scaled dot-product attention over the regions that are present."""
    s = torch.bmm(q, k.mT) / np.sqrt(q.size(2))
    w = torch.softmax(s.masked_fill(~present[:, None, :], -1e9), -1)
    return torch.bmm(w, v), w
