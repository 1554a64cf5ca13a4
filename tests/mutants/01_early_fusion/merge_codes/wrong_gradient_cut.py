def merge_codes(h_x, h_y, has_image, has_text):
    a = h_x.detach().numpy() * has_image.numpy()[:, None]
    b = h_y.detach().numpy() * has_text.numpy()[:, None]
    return torch.from_numpy(np.hstack([a, b]))
