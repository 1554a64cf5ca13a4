def reversal(z, lam):
    return -lam * z + (1 - lam) * z.detach()
