def reversal(z, lam):
    return -z + 2 * z.detach()
