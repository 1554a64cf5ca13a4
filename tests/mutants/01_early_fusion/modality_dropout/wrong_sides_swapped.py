def modality_dropout(u, p):
    return u < 1 - p / 2, u >= p / 2
