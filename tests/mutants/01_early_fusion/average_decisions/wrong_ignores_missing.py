def average_decisions(p_x, p_y, a, b):
    return (p_x + p_y) / 2
