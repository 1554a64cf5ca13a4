def fused_code(x, present, encoders):
    total = None
    for m in range(len(x)):
        given = torch.zeros_like(x[m])
        given[present[:, m]] = x[m][present[:, m]]
        total = encoders[m](given) if total is None else total + encoders[m](given)
    return total
