def both_directions(similarity, labels):
    value = float(np.mean([ap(row, labels == labels[i]) for i, row in enumerate(similarity)]))
    return value, value
