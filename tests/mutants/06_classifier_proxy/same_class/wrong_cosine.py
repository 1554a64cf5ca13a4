def same_class(o_x, o_y, tau=1.0):
    p_x, p_y = softmax(o_x / tau), softmax(o_y / tau)
    p_x, p_y = (p / np.linalg.norm(p, axis=1, keepdims=True) for p in (p_x, p_y))
    return p_x @ p_y.T
