def modality_dropout(u, p):
    other = u.flip(0) * 0 + u  # the same draw decides both in the same direction
    return u >= p / 2, other >= p / 2
