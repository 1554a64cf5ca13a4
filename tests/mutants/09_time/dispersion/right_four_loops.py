def dispersion(z, items):
    u = [row / np.linalg.norm(row) for row in z]
    kinds, far = sorted(set(items.tolist())), []
    for a in kinds:
        for b in kinds:
            if a == b:
                continue
            rows = [
                (i, j) for i, x in enumerate(items) if x == a for j, y in enumerate(items) if y == b
            ]
            far.append(sum(1 - u[i] @ u[j] for i, j in rows) / len(rows))
    return float(sum(far) / len(far)) if far else float("nan")
