def mine_semi_hard(s, relevant, margin):
    triplets = []
    for a in range(len(s)):
        for p in np.flatnonzero(relevant[a]):
            allowed = ~relevant[a] & (s[a] <= s[a, p]) & (s[a, p] < s[a] + margin)
            if allowed.any():
                triplets.append((a, int(p), int(np.where(allowed, s[a], -np.inf).argmax())))
    return triplets
