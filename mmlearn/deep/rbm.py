"""The restricted Boltzmann machine, trained by one step of contrastive divergence."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from mmlearn.training import History

__all__ = ["RBM"]


class RBM(nn.Module):
    r"""Restricted Boltzmann machine: binary hidden units h that explain visible units v.

    ::

        E(v, h) = -aᵀv - bᵀh - vᵀW h             (visible = "bernoulli", v binary or in [0, 1])
        E(v, h) = ½||v - a||² - bᵀh - vᵀW h      (visible = "gaussian", v of variance one)
        p(v) ∝ Σ_h exp(-E(v, h)) = exp(-F(v))

    As no two units of one layer are connected, each layer is sampled in one go, given the other::

        p(h_j = 1 | v) = σ(b + vᵀW)_j
        p(v_i = 1 | h) = σ(a + W h)_i,   or   v | h ~ N(a + W h, I)

    and the free energy F has a closed form (:meth:`free_energy`). The gradient of log p(v) is
    ⟨v hᵀ⟩ under the data minus ⟨v hᵀ⟩ under the model; the latter would take a long Markov chain,
    and contrastive divergence is content with its first step (:meth:`contrastive_divergence`).

    Parameters
    ----------
    n_visible, n_hidden : int
    visible : "bernoulli" (default) or "gaussian"

    Attributes
    ----------
    weights : W (n_visible, n_hidden), visible_bias : a (n_visible,), hidden_bias : b (n_hidden,)

    Raises
    ------
    ValueError: unknown `visible`, or rows that are not (n, n_visible), not finite or (for
        "bernoulli") not between 0 and 1

    References
    ----------
    Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation
    14(8), 2002; Hinton, A Practical Guide to Training Restricted Boltzmann Machines, 2010.

    Examples
    --------
    >>> v = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).repeat(50, 1)
    >>> _ = torch.manual_seed(0)  # of the first weights
    >>> rbm = RBM(n_visible=3, n_hidden=2).fit(v, epochs=200)
    >>> odd = torch.tensor([[1.0, 0.0, 0.0]])  # no such row was seen: its free energy is higher
    >>> bool(rbm.free_energy(odd) > rbm.free_energy(v).max())
    True
    """

    def __init__(self, n_visible, n_hidden, visible="bernoulli"):
        super().__init__()
        if visible not in ("bernoulli", "gaussian"):
            raise ValueError(f'visible must be "bernoulli" or "gaussian", got {visible!r}.')
        self.visible = visible
        self.weights = _parameter(0.01 * torch.randn(n_visible, n_hidden))
        self.visible_bias = _parameter(torch.zeros(n_visible))
        self.hidden_bias = _parameter(torch.zeros(n_hidden))
        self.history = History()

    def forward(self, v):
        """p(h = 1 | v): (n, n_visible) to (n, n_hidden)."""
        return torch.sigmoid(self.hidden_bias + v @ self.weights)

    def reconstruct(self, h):
        """The mean of p(v | h): (n, n_hidden) to (n, n_visible)."""
        v = self.visible_bias + h @ self.weights.T
        return torch.sigmoid(v) if self.visible == "bernoulli" else v

    def free_energy(self, v):
        """F(v) = -log Σ_h exp(-E(v, h)), (n,): low where the model expects data.

        ::

            F(v) = -aᵀv - Σ_j log(1 + exp(b + vᵀW)_j)     or with ½||v - a||² in place of -aᵀv
        """
        v = self._checked(v)
        if self.visible == "bernoulli":
            alone = -v @ self.visible_bias
        else:
            alone = ((v - self.visible_bias) ** 2).sum(dim=1) / 2
        return alone - F.softplus(self.hidden_bias + v @ self.weights).sum(dim=1)

    @torch.no_grad()
    def contrastive_divergence(self, v, generator=None):
        """The direction in which CD-1 moves the parameters, uphill.

        From the data v_0 one step to h_0 ~ p(h | v_0) and back to v_1 ~ p(v | h_0)::

            ΔW = ⟨v_0 p(h | v_0)ᵀ⟩ - ⟨v_1 p(h | v_1)ᵀ⟩,   Δa = ⟨v_0 - v_1⟩,
            Δb = ⟨p(h | v_0) - p(h | v_1)⟩,               means over the rows

        Parameters
        ----------
        v : (n, n_visible);  generator : torch.Generator of the samples, optional

        Returns
        -------
        ΔW (n_visible, n_hidden), Δa (n_visible,), Δb (n_hidden,)
        """
        p_0 = self(v)
        h_0 = torch.bernoulli(p_0, generator=generator)
        v_1 = self._sample(self.reconstruct(h_0), generator)
        p_1 = self(v_1)
        delta_w = (v.T @ p_0 - v_1.T @ p_1) / len(v)
        return delta_w, (v - v_1).mean(dim=0), (p_0 - p_1).mean(dim=0)

    @torch.no_grad()
    def fit(
        self,
        v,
        epochs=30,
        batch_size=64,
        learning_rate=None,
        momentum=0.5,
        weight_decay=2e-4,
        seed=0,
    ):
        """Train on rows v (n, n_visible) by CD-1 with momentum; returns the machine itself.

        `learning_rate` is 0.1 by default, 0.01 with Gaussian units, where larger steps diverge.
        ``history.loss`` holds the mean squared error of one step down and up, by epoch; it is easy
        to watch, and not what is being minimised.
        """
        v = self._checked(v)
        if learning_rate is None:
            learning_rate = 0.1 if self.visible == "bernoulli" else 0.01
        generator = torch.Generator(device=v.device).manual_seed(int(seed))
        parameters = self.weights, self.visible_bias, self.hidden_bias
        velocity = [torch.zeros_like(p) for p in parameters]
        for _ in range(epochs):
            order = torch.randperm(len(v), generator=generator, device=v.device)
            for rows in order.split(int(batch_size)):
                uphill = self.contrastive_divergence(v[rows], generator)
                for p, m, g in zip(parameters, velocity, uphill, strict=True):
                    m.mul_(momentum).add_(g, alpha=learning_rate)
                    p.add_(m)
                self.weights.mul_(1 - learning_rate * weight_decay)
            error = float(((v - self.reconstruct(self(v))) ** 2).mean())
            if not math.isfinite(error):
                raise ValueError("the machine diverged; scale v to variance one, or learn slower.")
            self.history.loss.append(error)
        return self

    def _sample(self, mean, generator):
        if self.visible == "bernoulli":
            return torch.bernoulli(mean, generator=generator)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return mean + noise

    def _checked(self, v):
        if v.ndim != 2 or v.shape[1] != len(self.weights) or len(v) == 0:
            raise ValueError(
                f"v must be a matrix (n, {len(self.weights)}), got shape {tuple(v.shape)}."
            )
        if not bool(torch.isfinite(v).all()):
            raise ValueError("v holds NaN or infinite values; fill or drop them first.")
        if self.visible == "bernoulli" and not bool(((v >= 0) & (v <= 1)).all()):
            raise ValueError(
                'v must lie between 0 and 1 for Bernoulli units; use visible="gaussian".'
            )
        return v


def _parameter(values):
    """Saved and moved with the module, but left alone by optimisers."""
    return nn.Parameter(values, requires_grad=False)
