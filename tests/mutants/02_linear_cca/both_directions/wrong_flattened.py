def both_directions(similarity, labels):
    relevant = labels[:, None] == labels
    return ap(similarity.ravel(), relevant.ravel()), ap(-similarity.ravel(), relevant.ravel())
