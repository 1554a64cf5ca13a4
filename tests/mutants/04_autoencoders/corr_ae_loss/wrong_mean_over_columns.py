def corr_ae_loss(x, y, h_x, h_y, g_x, g_y, alpha, variant="plain"):
    for_x, for_y = (h_x, h_y) if variant == "plain" else (h_y, h_x)
    rec_x, rec_y = ((x - g_x(for_x)) ** 2).mean(), ((y - g_y(for_y)) ** 2).mean()
    distance = ((h_x - h_y) ** 2).mean()
    return (1 - alpha) * (rec_x + rec_y) + alpha * distance
