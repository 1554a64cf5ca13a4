def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.view(n, -1, heads, d // heads).transpose(1, 2) for a in (q, k, v))
    w = (q @ k.transpose(2, 3) / (d // heads) ** 0.5).softmax(dim=3).mean(dim=1, keepdim=True)
    return (w @ v).transpose(1, 2).reshape(n, T, d)
