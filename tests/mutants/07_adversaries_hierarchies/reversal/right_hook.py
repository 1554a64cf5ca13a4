def reversal(z, lam):
    out = z.clone()
    out.register_hook(lambda gradient: -lam * gradient)
    return out
