def merge_codes(h_x, h_y, has_image, has_text):
    text = (h_y * has_text.unsqueeze(1)).expand(-1, h_x.shape[1])
    return torch.cat([h_x * has_image.unsqueeze(1), text])
