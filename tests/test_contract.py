"""What a class of methods declares about itself, and how settings are checked."""

import inspect

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mmlearn
from mmlearn.classical import CCA, EarlyFusion
from mmlearn.contract import (
    CoordinatedEmbedding,
    Estimator,
    JointEmbedding,
    PairScorer,
    check_number,
)
from mmlearn.registry import get_method

KINDS = {"coordinated": CoordinatedEmbedding, "joint": JointEmbedding, "pair": PairScorer}


@pytest.mark.parametrize("name", [m.name for m in mmlearn.methods(timed=True, pairs=True)])
def test_a_method_is_what_its_class_declares(name):
    method = get_method(name)
    assert [kind for kind, base in KINDS.items() if issubclass(method.cls, base)] == [method.kind]
    assert method.supervised or not method.multilabel
    takes_times = "times" in inspect.signature(method.cls.fit).parameters
    assert method.timed == takes_times


def test_a_subclass_shows_the_settings_that_it_passes_on():
    class Parent(Estimator):
        def __init__(self, a=1, *, b=2):
            self.a, self.b = a, b

    class Child(Parent):
        def __init__(self, c=3, **settings):
            super().__init__(**settings)
            self.c = c

    assert str(inspect.signature(Child)) == "(c=3, *, a=1, b=2)"
    assert Child(b=5).get_params() == {"a": 1, "b": 5, "c": 3}


@pytest.mark.parametrize(
    ("value", "limits", "sentence"),
    [
        (0, {"least": 1, "whole": True}, "k must be a whole number of at least 1, got 0."),
        (2.0, {"least": 1, "whole": True}, "k must be a whole number of at least 1, got 2.0."),
        (None, {"least": 0, "whole": True}, "k must be a whole number of at least 0, got None."),
        (-1, {"least": 0}, "k must not be negative, got -1."),
        (0, {"above": 0}, "k must be above 0, got 0."),
        (np.nan, {"above": 0}, "k must be above 0, got nan."),
        ("1", {"above": 0}, "k must be above 0, got '1'."),
        (1.5, {"least": 0, "most": 1}, "k must lie between 0 and 1, got 1.5."),
        (1.0, {"least": 0, "below": 1}, "k must be in [0, 1), got 1.0."),
    ],
)
def test_a_setting_out_of_its_range_gets_one_sentence(value, limits, sentence):
    with pytest.raises(ValueError) as caught:
        check_number(value, "k", **limits)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", [1, np.int64(1), 0.5, np.float32(0.5)])
def test_a_setting_within_its_range_is_taken(value):
    check_number(value, "k", 0, 1)


def test_a_score_without_labels_says_how_to_pass_them():
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match=r"score needs labels: .*enable_metadata_routing=True"):
        CCA(2).fit(x, x).score(x, x)


def test_a_pipeline_passes_labels_on_to_its_last_step():
    x, labels = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    pipeline = make_pipeline(StandardScaler(), CCA(2))
    with sklearn.config_context(enable_metadata_routing=True):
        score = pipeline.fit(x, x).score(x, x, labels=labels)
        search = GridSearchCV(pipeline, {"cca__shrinkage": [0.1, 0.5]}, cv=2, error_score="raise")
        assert 0 < search.fit(x, x, labels=labels).best_score_ <= 1
    assert score == CCA(2).fit(scaled := StandardScaler().fit_transform(x), x).score(
        scaled, x, labels
    )


def test_a_global_setting_of_scikit_learn_changes_no_method():
    x = np.random.default_rng(0).normal(size=(20, 3))
    expected = EarlyFusion(2).fit(x, x).embed_images(x)
    with sklearn.config_context(transform_output="pandas"):
        np.testing.assert_array_equal(EarlyFusion(2).fit(x, x).embed_images(x), expected)
