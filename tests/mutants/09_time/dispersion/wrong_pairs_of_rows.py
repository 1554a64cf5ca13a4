def dispersion(z, items):
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    other = items[:, None] != items
    return float((1 - u @ u.T)[other].mean()) if other.any() else float("nan")
