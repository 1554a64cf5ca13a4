def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.unflatten(2, (heads, d // heads)) for a in (q, k, v))
    w = torch.einsum("nthe,nrhe->nhtr", q, k).div((d // heads) ** 0.5).softmax(dim=3)
    return torch.einsum("nhtr,nrhe->nthe", w, v).flatten(2)
