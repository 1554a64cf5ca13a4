def average_precision(scores, relevant):
    total, hits = 0.0, 0
    for rank, item in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), start=1):
        if relevant[item]:
            hits += 1
            total += hits / rank
    return total / hits
