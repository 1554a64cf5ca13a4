def fused_code(x, present, encoders):
    inputs = [torch.where(p[:, None], v, torch.zeros_like(v)).detach() for v, p in zip(x, present.T)]
    return sum(f(v) for f, v in zip(encoders, inputs)).requires_grad_()
