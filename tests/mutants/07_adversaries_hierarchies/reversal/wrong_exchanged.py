def reversal(z, lam):
    return (1 + lam) * z - lam * z.detach()
