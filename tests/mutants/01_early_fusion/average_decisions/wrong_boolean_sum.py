def average_decisions(p_x, p_y, a, b):
    return (a[:, None] * p_x + b[:, None] * p_y) / (a + b)[:, None]
