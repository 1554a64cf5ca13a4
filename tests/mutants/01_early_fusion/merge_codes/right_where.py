def merge_codes(h_x, h_y, has_image, has_text):
    a = torch.where(has_image[:, None], h_x, torch.zeros_like(h_x))
    b = torch.where(has_text[:, None], h_y, torch.zeros_like(h_y))
    return torch.hstack((a, b))
