def reversal(z, lam):
    return -lam * z
