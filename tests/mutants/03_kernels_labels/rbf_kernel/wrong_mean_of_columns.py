def rbf_kernel(A, B, width):
    squares = ((A[:, None] - B[None]) ** 2).mean(axis=2)
    return np.exp(-squares / (2 * width**2))
