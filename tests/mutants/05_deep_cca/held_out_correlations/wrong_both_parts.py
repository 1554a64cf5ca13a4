def held_out_correlations(train_x, train_y, held_x, held_y, k):
    cca = CCA(k, shrinkage=0).fit(np.vstack([train_x, held_x]), np.vstack([train_y, held_y]))
    u, v = cca.embed_images(held_x), cca.embed_texts(held_y)
    return np.array([np.corrcoef(u[:, i], v[:, i])[0, 1] for i in range(k)])
