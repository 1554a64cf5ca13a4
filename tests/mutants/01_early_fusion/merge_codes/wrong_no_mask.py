def merge_codes(h_x, h_y, has_image, has_text):
    return torch.cat([h_x, h_y], dim=1)
