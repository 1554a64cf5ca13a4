def parts_code(x, encoder):
    h, rows = encoder(x), []
    for i in range(len(x)):
        there = [h[i, j] for j in range(x.shape[1]) if bool((x[i, j] != 0).any())]
        rows.append(torch.stack(there).mean(dim=0) if there else torch.zeros_like(h[i, 0]))
    return torch.stack(rows)
