def rbf_kernel(A, B, width):
    squares = (A[:, None] - B[None]).sum(axis=2) ** 2
    return np.exp(-squares / (2 * width**2))
