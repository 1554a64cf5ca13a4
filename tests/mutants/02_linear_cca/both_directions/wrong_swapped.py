def both_directions(similarity, labels):
    def mean_ap(s):
        return float(np.mean([ap(row, labels == labels[i]) for i, row in enumerate(s)]))

    return mean_ap(similarity.T), mean_ap(similarity)
