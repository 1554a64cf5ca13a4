def both_directions(similarity, labels):
    def mean_ap(s):
        return float(np.mean([ap(row, np.arange(len(s)) == i) for i, row in enumerate(s)]))

    return mean_ap(similarity), mean_ap(similarity.T)
