def fused_code(x, present, encoders):
    return sum(f(torch.nan_to_num(v)) for f, v in zip(encoders, x)) + 0 * present.sum()
