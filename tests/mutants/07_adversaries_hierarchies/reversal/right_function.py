def reversal(z, lam):
    class Turned(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.view_as(z)

        @staticmethod
        def backward(ctx, gradient):
            return -lam * gradient

    return Turned.apply(z)
