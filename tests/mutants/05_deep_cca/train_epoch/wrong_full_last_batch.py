def train_epoch(f_x, f_y, X, Y, order, batch_size, optimiser):
    losses = []
    for start in range(0, len(order) - batch_size, batch_size):
        rows = order[start : start + batch_size]
        value = loss(f_x(X[rows]), f_y(Y[rows]))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return sum(losses) / len(losses)
