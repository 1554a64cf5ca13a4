"""A p value is the share of shuffles that do as well, and never 0."""

import numpy as np
import pytest

from mmlearn.permutation import p_value, permutation_test


def difference_of(values):
    return lambda group: values[group == 1].mean() - values[group == 0].mean()


GROUP = np.repeat([0, 1], 30)


def test_identical_groups_differ_at_no_shuffle():
    assert permutation_test(difference_of(np.ones(60)), GROUP, n=50).p == 1.0


def test_separated_groups_reach_the_smallest_p_there_is(rng):
    values = rng.normal(size=60) + 5 * GROUP
    assert permutation_test(difference_of(values), GROUP, n=99).p == 0.01
    assert permutation_test(difference_of(-values), GROUP, n=99).p == 1.0
    assert permutation_test(difference_of(-values), GROUP, n=99, two_sided=True).p == 0.01


def test_the_p_value_is_never_0():
    assert p_value(10, [0.0]) == 0.5
    assert p_value(10, np.zeros(99)) == 0.01


def test_the_p_value_counts_ties_as_hits():
    assert p_value(0.3, [0.1 + 0.2, 0.3, 0.0]) == 0.75


def test_without_an_effect_every_p_is_as_likely(rng):
    p = [permutation_test(difference_of(rng.normal(size=60)), GROUP, n=19).p for _ in range(300)]
    for level in (0.1, 0.5):
        assert np.mean(np.array(p) <= level + 1e-9) == pytest.approx(level, abs=0.09)


def test_a_seed_gives_the_same_shuffles(rng):
    statistic = difference_of(rng.normal(size=60))
    one, again, other = (permutation_test(statistic, GROUP, n=9, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.shuffled, again.shuffled)
    assert not np.array_equal(one.shuffled, other.shuffled)


def test_the_values_are_left_as_they_were(rng):
    group = GROUP.copy()
    permutation_test(difference_of(rng.normal(size=60)), group, n=5)
    np.testing.assert_array_equal(group, GROUP)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: p_value(1.0, []), "shuffled must be one or more numbers"),
        (lambda: p_value(np.nan, [1.0]), "needs finite numbers"),
        (lambda: permutation_test(np.mean, [1.0]), "values must be two or more"),
        (lambda: permutation_test(np.mean, [1.0, 2.0], n=0), "n must be at least 1"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
