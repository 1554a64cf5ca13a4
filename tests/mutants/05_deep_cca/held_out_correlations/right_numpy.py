def held_out_correlations(train_x, train_y, held_x, held_y, k):
    cca = CCA(k, shrinkage=0).fit(train_x, train_y)
    u, v = cca.embed_images(held_x), cca.embed_texts(held_y)
    u, v = u - u.mean(axis=0), v - v.mean(axis=0)
    return (u * v).sum(axis=0) / np.sqrt((u**2).sum(axis=0) * (v**2).sum(axis=0))
