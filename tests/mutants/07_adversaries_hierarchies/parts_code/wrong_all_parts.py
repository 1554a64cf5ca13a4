def parts_code(x, encoder):
    return encoder(x).mean(dim=1)
