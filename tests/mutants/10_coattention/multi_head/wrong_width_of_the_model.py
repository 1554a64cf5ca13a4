def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.view(n, -1, heads, d // heads).transpose(1, 2) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q, k, v, scale=d**-0.5)
    return o.transpose(1, 2).reshape(n, T, d)
