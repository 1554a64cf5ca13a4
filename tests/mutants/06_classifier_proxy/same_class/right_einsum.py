def same_class(o_x, o_y, tau=1.0):
    def posterior(o):
        o = np.asarray(o) / tau
        return np.exp(o - np.logaddexp.reduce(o, axis=1, keepdims=True))

    return np.einsum("ik,jk->ij", posterior(o_x), posterior(o_y))
