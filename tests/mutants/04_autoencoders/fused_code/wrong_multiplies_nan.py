def fused_code(x, present, encoders):
    return sum(f(v * present[:, m : m + 1]) for m, (v, f) in enumerate(zip(x, encoders)))
