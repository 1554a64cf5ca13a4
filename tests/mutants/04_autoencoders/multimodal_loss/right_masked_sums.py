def multimodal_loss(x, present, subsets, encoders, decoders):
    total = 0.0
    for S in subsets:
        inside = torch.tensor([m in S for m in range(len(x))])
        given = present & inside
        z = code(x, given, encoders)
        for m in range(len(x)):
            weight = (present[:, m] & given.any(dim=1)).float()[:, None]
            squared = (torch.nan_to_num(x[m]) - decoders[m](z)) ** 2 * weight
            total = total + squared.sum() / (weight.sum() * x[m].shape[1])
    return total / (len(subsets) * len(x))
