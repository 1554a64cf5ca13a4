def masked_attention(q, k, v, present):
    """Scaled dot-product attention over the regions that are present."""
    s = torch.einsum("ntd,nrd->ntr", q, k) * q.shape[-1] ** -0.5
    e = s.exp() * present.unsqueeze(1)
    w = e / e.sum(dim=-1, keepdim=True)
    return torch.einsum("ntr,nre->nte", w, v), w
