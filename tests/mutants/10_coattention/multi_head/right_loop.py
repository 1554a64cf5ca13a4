def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    width, parts = d // heads, []
    for start in range(0, d, width):
        own = slice(start, start + width)
        w = (q[..., own] @ k[..., own].transpose(1, 2) / width**0.5).softmax(dim=2)
        parts.append(w @ v[..., own])
    return torch.cat(parts, dim=2)
