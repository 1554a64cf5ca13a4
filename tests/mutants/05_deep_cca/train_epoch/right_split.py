def train_epoch(f_x, f_y, X, Y, order, batch_size, optimiser):
    total, full = 0.0, [rows for rows in order.split(batch_size) if len(rows) == batch_size]
    for rows in full:
        optimiser.zero_grad(set_to_none=True)
        z_x, z_y = f_x(X[rows]), f_y(Y[rows])
        value = loss(z_x, z_y)
        value.backward()
        total += float(value.detach())
        optimiser.step()
    return total / len(full)
