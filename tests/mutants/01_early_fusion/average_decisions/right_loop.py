def average_decisions(p_x, p_y, a, b):
    rows = []
    for x, y, has_x, has_y in zip(p_x, p_y, a, b):
        there = [p for p, has in ((x, has_x), (y, has_y)) if has]
        rows.append(sum(there) / len(there))
    return np.array(rows)
