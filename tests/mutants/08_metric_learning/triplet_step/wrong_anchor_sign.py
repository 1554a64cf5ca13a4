def triplet_step(a, p, n, margin):
    a_hat, p_hat, n_hat = (v / np.linalg.norm(v) for v in (a, p, n))
    s_ap, s_an = a_hat @ p_hat, a_hat @ n_hat
    loss = margin - s_ap + s_an
    if loss <= 0:
        return 0.0, np.zeros(len(a)), np.zeros(len(a)), np.zeros(len(a))
    grad_a = -(-(p_hat - s_ap * a_hat) + (n_hat - s_an * a_hat)) / np.linalg.norm(a)
    grad_p = -(a_hat - s_ap * p_hat) / np.linalg.norm(p)
    grad_n = (a_hat - s_an * n_hat) / np.linalg.norm(n)
    return float(loss), grad_a, grad_p, grad_n
