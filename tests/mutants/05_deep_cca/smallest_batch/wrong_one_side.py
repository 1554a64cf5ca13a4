def smallest_batch(k_x, k_y, excess):
    return max(int(np.ceil(k_x / excess)) + 1, k_x + k_y + 1)
