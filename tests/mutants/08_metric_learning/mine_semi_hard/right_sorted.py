def mine_semi_hard(s, relevant, margin):
    found = []
    for a, (row, own) in enumerate(zip(s, relevant)):
        order = [int(n) for n in np.argsort(-row) if not own[n]]
        for p in np.nonzero(own)[0]:
            for n in order:
                if row[n] < row[p]:
                    if row[p] - row[n] < margin:
                        found.append((a, int(p), n))
                    break
    return found
