def triplet_step(a, p, n, margin):
    vectors = [torch.tensor(v, dtype=torch.double, requires_grad=True) for v in (a, p, n)]
    a, p, n = vectors
    s = torch.nn.functional.cosine_similarity
    loss = (margin - s(a, p, dim=0) + s(a, n, dim=0)).relu()
    return loss.item(), *(g.numpy() for g in torch.autograd.grad(loss, vectors))
