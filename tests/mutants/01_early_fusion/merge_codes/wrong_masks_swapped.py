def merge_codes(h_x, h_y, has_image, has_text):
    return torch.cat([h_x * has_text.unsqueeze(1), h_y * has_image.unsqueeze(1)], dim=1)
