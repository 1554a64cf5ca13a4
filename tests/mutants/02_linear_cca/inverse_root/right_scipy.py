def inverse_root(Sigma):
    from scipy.linalg import inv, sqrtm

    return inv(np.real(sqrtm(Sigma)))
