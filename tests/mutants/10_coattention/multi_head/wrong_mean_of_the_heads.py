def multi_head(q, k, v, heads):
    """Attention by heads, each on its own columns."""
    n, T, d = q.shape
    q, k, v = (a.view(n, -1, heads, d // heads).transpose(1, 2) for a in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).mean(dim=1).repeat(1, 1, heads)
