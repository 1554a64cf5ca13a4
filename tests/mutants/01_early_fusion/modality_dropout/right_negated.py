def modality_dropout(u, p):
    half = 0.5 * p
    no_image = torch.lt(u, half)
    no_text = torch.ge(u, 1 - half)
    return no_image.logical_not(), no_text.logical_not()
