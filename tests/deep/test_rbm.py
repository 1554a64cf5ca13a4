"""The RBM, small enough that every state can be counted."""

import itertools
import math

import pytest
import torch

from mmlearn.deep import RBM


def states(n):
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))


def machine(n_visible=5, n_hidden=3, visible="bernoulli", size=1.0):
    generator = torch.Generator().manual_seed(1)
    rbm = RBM(n_visible, n_hidden, visible)
    for p in rbm.parameters():
        p.copy_(size * torch.randn(p.shape, generator=generator))
    return rbm


def energy(rbm, v, h):
    """E of every v with every h, (n, m), from the definition."""
    a, b, w = rbm.visible_bias, rbm.hidden_bias, rbm.weights
    alone = -(v @ a) if rbm.visible == "bernoulli" else ((v - a) ** 2).sum(dim=1) / 2
    return alone[:, None] - (h @ b)[None] - v @ w @ h.T


def log_likelihood(rbm, v):
    """Mean exact log p(v): the partition function is a sum over all visible states."""
    log_z = torch.logsumexp(-rbm.free_energy(states(v.shape[1])), dim=0)
    return float((-rbm.free_energy(v) - log_z).mean())


def two_patterns(n=200):
    """Rows of two patterns over six units, one unit in ten flipped."""
    generator = torch.Generator().manual_seed(2)
    which = torch.arange(n) % 2
    v = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])[which]
    return (v - torch.bernoulli(torch.full(v.shape, 0.1), generator=generator)).abs()


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_free_energy_is_the_brute_force_sum_over_hidden_states(visible):
    rbm = machine(visible=visible)
    v = states(5) if visible == "bernoulli" else torch.randn(20, 5)
    expected = -torch.logsumexp(-energy(rbm, v, states(3)), dim=1)
    torch.testing.assert_close(rbm.free_energy(v), expected, rtol=1e-5, atol=1e-5)


def test_both_conditionals_are_those_of_the_joint_distribution():
    rbm, v, h = machine(), states(5), states(3)
    joint = torch.softmax(-energy(rbm, v, h).flatten(), dim=0).view(len(v), len(h))
    of_h = (joint / joint.sum(dim=1, keepdim=True)) @ h
    of_v = (joint / joint.sum(dim=0, keepdim=True)).T @ v
    torch.testing.assert_close(rbm(v), of_h, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(rbm.reconstruct(h), of_v, rtol=1e-4, atol=1e-5)


def test_gaussian_units_have_the_conditional_mean_of_least_energy():
    rbm, h = machine(visible="gaussian"), states(3)
    v = rbm.reconstruct(h).requires_grad_()
    energies = torch.stack([energy(rbm, v[i : i + 1], h[i : i + 1])[0, 0] for i in range(8)])
    energies.sum().backward()
    torch.testing.assert_close(v.grad, torch.zeros_like(v), rtol=0, atol=1e-5)


def test_cd1_is_on_average_what_the_definition_says():
    """Its mean over samples against the exact one: all h_0 and all v_1, weighed."""
    rbm, v, h = machine(), states(5)[[3, 12, 30]], states(3)
    p_0, v_all = rbm(v), states(5)
    p_h0 = torch.softmax(-energy(rbm, v, h), dim=1)
    p_v1 = p_h0 @ torch.softmax(-energy(rbm, v_all, h), dim=0).T  # (3, 32): h_0 summed out
    expected = (v.T @ p_0 - v_all.T @ (p_v1.sum(dim=0)[:, None] * rbm(v_all))) / 3
    many = v.repeat(20_000, 1)
    delta_w, delta_a, delta_b = rbm.contrastive_divergence(many, torch.Generator().manual_seed(0))
    torch.testing.assert_close(delta_w, expected, rtol=0, atol=0.01)
    torch.testing.assert_close(delta_a, (v - p_v1 @ v_all).mean(dim=0), rtol=0, atol=0.01)
    torch.testing.assert_close(delta_b, (p_0 - p_v1 @ rbm(v_all)).mean(dim=0), rtol=0, atol=0.01)
    assert expected.abs().max() > 0.1


def test_cd1_stands_still_where_the_model_is_the_data():
    rbm, v = machine(), states(5)
    p = torch.softmax(-rbm.free_energy(v), dim=0)
    generator = torch.Generator().manual_seed(0)
    own = v[torch.multinomial(p, 60_000, replacement=True, generator=generator)]
    for of_own, of_others in zip(
        rbm.contrastive_divergence(own, generator),
        rbm.contrastive_divergence(v.repeat(2000, 1), generator),
        strict=True,
    ):
        assert of_own.abs().max() < 0.01
        assert of_others.abs().max() > 0.05


def test_training_raises_the_exact_likelihood_towards_that_of_the_data():
    v = two_patterns()
    torch.manual_seed(0)
    rbm = RBM(6, 4)
    likelihoods = [log_likelihood(rbm, v)]
    for _ in range(4):
        likelihoods.append(log_likelihood(rbm.fit(v, epochs=25), v))
    assert likelihoods[0] == pytest.approx(-6 * math.log(2), abs=0.01)  # nothing is known yet
    assert all(after > before - 0.01 for before, after in itertools.pairwise(likelihoods))
    # The truth: which pattern, and for each unit whether it was flipped.
    truth = math.log(0.5) + 6 * (0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    assert likelihoods[-1] > truth - 0.35


def test_gaussian_machine_finds_where_the_data_are():
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[2.0, -2.0, 0.0], [-2.0, 2.0, 0.0]])
    v = centres[torch.arange(400) % 2] + torch.randn(400, 3, generator=generator)
    torch.manual_seed(0)
    rbm = RBM(3, 4, "gaussian").fit(v, epochs=60)
    assert rbm.free_energy(centres).max() < rbm.free_energy(torch.tensor([[2.0, 2.0, 0.0]])).min()
    assert rbm.history.loss[-1] < 0.6 * rbm.history.loss[0]


def test_training_twice_with_one_seed_gives_the_same_machine():
    trained = []
    for _ in range(2):
        torch.manual_seed(0)
        trained.append(RBM(6, 4).fit(two_patterns(), epochs=3, seed=5))
    torch.testing.assert_close(trained[0].weights, trained[1].weights, rtol=0, atol=0)


def test_optimisers_leave_the_machine_alone():
    rbm = RBM(3, 2)
    assert set(rbm.state_dict()) == {"weights", "visible_bias", "hidden_bias"}
    assert not any(p.requires_grad for p in rbm.parameters())


@pytest.mark.parametrize(
    ("v", "sentence"),
    [
        (torch.zeros(4, 2), r"matrix \(n, 3\)"),
        (torch.zeros(3), r"matrix \(n, 3\)"),
        (torch.full((4, 3), float("nan")), "NaN or infinite"),
        (torch.full((4, 3), 1.5), "between 0 and 1"),
    ],
)
def test_bad_rows_are_refused(v, sentence):
    with pytest.raises(ValueError, match=sentence):
        RBM(3, 2).fit(v)


def test_unknown_units_and_divergence_are_told(rng):
    with pytest.raises(ValueError, match="visible must be"):
        RBM(3, 2, "poisson")
    with pytest.raises(ValueError, match="diverged"):
        RBM(3, 2, "gaussian").fit(1e18 * torch.randn(50, 3), learning_rate=1e3)
