def smallest_batch(k_x, k_y, excess):
    return 10 * max(k_x, k_y)
