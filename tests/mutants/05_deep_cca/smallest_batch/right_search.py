def smallest_batch(k_x, k_y, excess):
    n = k_x + k_y + 1
    while k_x * k_y / (n - 1) > excess:
        n += 1
    return n
