def modality_dropout(u, p):
    return u >= p, u < 1 - p
