def fused_code(x, present, encoders):
    inputs = [v.masked_fill(~p[:, None], 0.0) for v, p in zip(x, present.T)]
    return torch.stack([f(v) for f, v in zip(encoders, inputs)]).sum(dim=0)
