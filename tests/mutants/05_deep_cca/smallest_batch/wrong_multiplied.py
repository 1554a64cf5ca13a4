def smallest_batch(k_x, k_y, excess):
    import math

    return max(math.ceil(k_x * k_y * excess) + 1, k_x + k_y + 1)
