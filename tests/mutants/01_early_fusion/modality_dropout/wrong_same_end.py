def modality_dropout(u, p):
    return u >= p / 2, u >= p / 2
