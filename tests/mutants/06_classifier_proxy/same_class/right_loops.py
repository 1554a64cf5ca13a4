def same_class(o_x, o_y, tau=1.0):
    p_x, p_y = softmax(np.array(o_x) / tau), softmax(np.array(o_y) / tau)
    return np.array([[sum(a * b) for b in p_y] for a in p_x])
