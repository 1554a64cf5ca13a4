def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.view(n, -1, d // heads, heads).permute(0, 3, 1, 2) for a in (q, k, v))
    o = F.scaled_dot_product_attention(q, k, v)
    return o.permute(0, 2, 3, 1).reshape(n, T, d)
