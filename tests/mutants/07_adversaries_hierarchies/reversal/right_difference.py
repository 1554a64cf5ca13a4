def reversal(z, lam):
    return z.detach() - lam * (z - z.detach())
