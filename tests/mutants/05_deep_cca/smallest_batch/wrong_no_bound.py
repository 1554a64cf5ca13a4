def smallest_batch(k_x, k_y, excess):
    return int(np.ceil(k_x * k_y / excess)) + 1
