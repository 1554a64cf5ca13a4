def softmax_loss(o, labels):
    loss, gradient = 0.0, []
    for row, label in zip(o, labels):
        b = row.max()
        e = np.exp(row - b)
        loss += b + np.log(e.sum()) - row[label]
        gradient.append(e / e.sum() - (np.arange(len(row)) == label))
    return loss / len(o), np.array(gradient) / len(o)
