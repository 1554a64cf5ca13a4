"""How far a reconstruction is from its original, and the two codes of a pair from each other."""

import torch  # noqa: F401 - for the examples

from mmlearn.arrays import check_finite
from mmlearn.losses.checks import DIVERGED, as_flags, as_two, check_paired, full_precision

__all__ = ["correspondence_loss", "reconstruction_loss"]


@full_precision
def reconstruction_loss(x, x_hat, present=None):
    """Mean squared error of a reconstruction, over the rows that are present::

        L = mean_ij (x_ij - x̂_ij)²

    Parameters
    ----------
    x, x_hat : (n, d) what was to be reconstructed, and the reconstruction
    present : (n,) booleans, optional. Rows marked False count for nothing, whatever they hold.

    Raises
    ------
    ValueError: shapes that differ, or a mask that is not (n,)

    >>> x, x_hat = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, 4.0], [9.0, 9.0]])
    >>> reconstruction_loss(x, x_hat, present=torch.tensor([True, False]))
    tensor(2.)
    """
    x, x_hat = as_two(x, x_hat, ("x", "x_hat"))
    if x.shape != x_hat.shape:
        raise ValueError(
            f"x and x_hat must have one shape, got {tuple(x.shape)} and {tuple(x_hat.shape)}."
        )
    if present is not None:
        present = as_flags(present, "present").to(x.device)
        if present.shape != x.shape[:1]:
            raise ValueError(
                f"present must have shape ({len(x)},), one flag a row, got {tuple(present.shape)}."
            )
        x, x_hat = x[present], x_hat[present]
    x, x_hat = check_finite(x, "x", DIVERGED), check_finite(x_hat, "x_hat", DIVERGED)
    squared = (x - x_hat) ** 2
    return squared.sum() / max(squared.numel(), 1)


@full_precision
def correspondence_loss(zx, zy):
    """Squared distance of the two codes of a pair: L = mean_i ||zx_i - zy_i||².

    It is least when all codes are one point; something else has to keep them apart.

    Parameters
    ----------
    zx, zy : (n, k)

    Raises
    ------
    ValueError: shapes that differ

    References
    ----------
    Feng, Wang, Li, Cross-modal Retrieval with Correspondence Autoencoder, ACM MM 2014.

    >>> correspondence_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
    tensor(25.)
    """
    zx, zy = check_paired(zx, zy)
    return ((zx - zy) ** 2).sum(dim=1).mean()
