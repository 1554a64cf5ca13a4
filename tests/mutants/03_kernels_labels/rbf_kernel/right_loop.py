def rbf_kernel(A, B, width):
    return np.array([[np.exp(-0.5 * np.linalg.norm((a - b) / width) ** 2) for b in B] for a in A])
