def multimodal_loss(x, present, subsets, encoders, decoders):
    errors = []
    for S in subsets:
        given = torch.zeros_like(present)
        given[:, S] = present[:, S]
        z = code(x, given, encoders)
        for m, g_m in enumerate(decoders):
            rows = present[:, m] & given.any(dim=1)
            errors.append(((x[m][rows] - g_m(z)[rows]) ** 2).sum(dim=1).mean())
    return sum(errors) / len(errors)
