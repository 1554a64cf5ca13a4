def corr_ae_loss(x, y, h_x, h_y, g_x, g_y, alpha, variant="plain"):
    mse = torch.nn.functional.mse_loss
    rec = mse(g_x(h_x), x) + mse(g_y(h_y), y)
    if variant == "cross":
        rec = mse(g_x(h_y), x) + mse(g_y(h_x), y)
    tie = torch.linalg.vector_norm(h_x - h_y, dim=1).square().sum() / len(x)
    return torch.lerp(rec, tie, alpha)
