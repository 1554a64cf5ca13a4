def modality_dropout(u, p):
    return u < p / 2, u >= 1 - p / 2
