def merge_codes(h_x, h_y, has_image, has_text):
    a = torch.where(has_image[:, None], h_x, h_x.mean(dim=0))
    b = torch.where(has_text[:, None], h_y, h_y.mean(dim=0))
    return torch.cat([a, b], dim=1)
