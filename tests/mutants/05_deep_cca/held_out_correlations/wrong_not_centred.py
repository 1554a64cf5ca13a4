def held_out_correlations(train_x, train_y, held_x, held_y, k):
    cca = CCA(k, shrinkage=0).fit(train_x, train_y)
    u, v = cca.embed_images(held_x), cca.embed_texts(held_y)
    return (u * v).mean(axis=0)
