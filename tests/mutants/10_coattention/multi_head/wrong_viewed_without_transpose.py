def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.reshape(n, heads, -1, d // heads) for a in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).reshape(n, T, d)
