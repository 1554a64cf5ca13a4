def held_out_correlations(train_x, train_y, held_x, held_y, k):
    return CCA(k, shrinkage=0).fit(train_x, train_y).correlations_
