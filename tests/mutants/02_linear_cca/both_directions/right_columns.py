def both_directions(similarity, labels):
    n = len(labels)
    rows = [ap(similarity[i, :], labels == labels[i]) for i in range(n)]
    columns = [ap(similarity[:, j], labels == labels[j]) for j in range(n)]
    return sum(rows) / n, sum(columns) / n
