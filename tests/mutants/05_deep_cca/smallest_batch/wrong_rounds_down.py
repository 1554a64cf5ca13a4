def smallest_batch(k_x, k_y, excess):
    return max(int(k_x * k_y / excess) + 1, k_x + k_y + 1)
