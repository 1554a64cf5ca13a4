def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    return F.scaled_dot_product_attention(q, k, v)
