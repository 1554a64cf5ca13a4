"""What an answer takes from a library, and which answers of a class are alike."""

from pathlib import Path

import pytest

from mmlearn.grading.judge.authorship import alike, borrowed, shape
from mmlearn.grading.judge.rebuild import Other, load_lab

SETUP = """
import numpy as np
import torch
import torch.nn.functional as F
import mmlearn
from mmlearn import losses
from mmlearn.losses import info_nce, reverse_gradient as flip
from sklearn.metrics import average_precision_score
"""
BUILT_ON = {
    "05_deep_cca": {"held_out_correlations": ["mmlearn.classical.CCA"]},
    "07_adversaries_hierarchies": {
        "acmr_loss": [
            "mmlearn.losses.reverse_gradient",
            "mmlearn.losses.triplet_loss",
            "torch.nn.functional.binary_cross_entropy_with_logits",
            "torch.nn.functional.cross_entropy",
        ]
    },
}
SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").glob("*.ipynb"))

ANSWERS = {
    "a call": ("def f(x, y):\n    return info_nce(x, y)", ["mmlearn.losses.info_nce"]),
    "another name": ("reversal = flip", ["mmlearn.losses.reverse_gradient"]),
    "a name for a name": (
        "g = losses\ndef f(x, y):\n    return g.siglip(x, y)",
        ["mmlearn.losses", "mmlearn.losses.siglip"],
    ),
    "from the package's root": (
        "def f(x, y):\n    return mmlearn.losses.siglip(x, y)",
        ["mmlearn.losses.siglip"],
    ),
    "imported inside": (
        "def f(x):\n    from mmlearn.classical import CCA as C\n    return C(2).fit(x, x)",
        ["mmlearn.classical.CCA"],
    ),
    "with a star": ("from mmlearn.losses import *\nf = supcon", ["mmlearn.losses.supcon"]),
    "another library": (
        "def f(s, r):\n    return average_precision_score(r, s)",
        ["sklearn.metrics.average_precision_score"],
    ),
    "the loss of a tool": ("f = F.cross_entropy", ["torch.nn.functional.cross_entropy"]),
    "as a default": ("def f(x, y, g=info_nce):\n    return g(x, y)", ["mmlearn.losses.info_nce"]),
    "by a string": (
        "def f(x):\n    return __import__('mmlearn.losses').losses.info_nce(x, x)",
        ["__import__", "mmlearn.losses"],
    ),
    "by importlib": (
        "import importlib\nm = importlib.import_module('mmlearn.losses')",
        ["importlib.import_module", "mmlearn.losses"],
    ),
    "by a table of modules": (
        "import sys\nf = sys.modules['mmlearn.losses'].info_nce",
        ["sys.modules"],
    ),
    "by a text that is run": ("exec('from mmlearn.losses import info_nce as f')", ["exec"]),
    "its own work": (
        "def f(x):\n    x = np.asarray(x)\n    return F.normalize(torch.tensor(x), dim=1)",
        [],
    ),
    "an argument of that name": ("def f(info_nce):\n    return info_nce + 1", []),
    "an own function of that name": (
        "def info_nce(x, y):\n    return x\ndef f(x):\n    return info_nce(x, x)",
        [],
    ),
    "a variable of that name": ("def f(x):\n    losses = [x]\n    return losses[0]", []),
    "no Python": ("def f(:", []),
    "lines for IPython": ("%time 1\n!ls\nf = info_nce", ["mmlearn.losses.info_nce"]),
    "nested for ever": ("f = " + "(" * 5000 + "1" + ")" * 5000, []),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_takes_from_a_library_is_named_in_full(name):
    source, expected = ANSWERS[name]
    assert borrowed(source, SETUP) == expected


@pytest.mark.parametrize("allowed", ["mmlearn.losses.info_nce", "mmlearn.losses", "mmlearn"])
def test_what_an_exercise_allows_is_not_named(allowed):
    source = "def f(x, y):\n    return info_nce(x, y)"
    assert borrowed(source, SETUP, [allowed]) == []
    assert borrowed(source, SETUP, ["mmlearn.losses.info"]) == ["mmlearn.losses.info_nce"]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_courses_own_solutions_build_on_the_package_where_the_exercise_says_so_alone(path):
    lab = load_lab(path)
    setup = "\n".join(item.source for item in lab.items if isinstance(item, Other))
    found = {e.grade_id: borrowed(e.source, setup) for e in lab.exercises}
    assert {name: taken for name, taken in found.items() if taken} == BUILT_ON.get(lab.unit, {})


ANSWER = '''
def average_precision(scores, relevant):
    """The mean of the precision at the hits."""
    order = np.argsort(-scores)
    hits = relevant[order]
    ranks = np.arange(1, len(hits) + 1)
    return (np.cumsum(hits) / ranks)[hits > 0].mean()
'''
RENAMED = '''
def average_precision(s, rel):
    # my own
    o = np.argsort( -s )
    rel_sorted: np.ndarray = rel[o]
    """so far"""
    r = np.arange(1, len(rel_sorted) + 1)
    return (np.cumsum(rel_sorted) / r)[rel_sorted > 0].mean()
'''
ANOTHER = """
def average_precision(scores, relevant):
    pairs = sorted(zip(scores, relevant), reverse=True)
    found, total = 0, 0.0
    for rank, (_, hit) in enumerate(pairs, 1):
        if hit:
            found += 1
            total += found / rank
    return total / found
"""


def test_names_comments_and_layout_change_no_shape_but_another_thought_does():
    assert shape(ANSWER) == shape(RENAMED)
    assert not set(shape(ANSWER)[1:]) & set(shape(ANOTHER)[1:])
    assert shape(ANSWER.replace("+ 1", "+ 2")) != shape(ANSWER)
    assert shape("def f(:") == []


def test_the_likest_answers_of_a_class_come_first_and_the_common_ones_not_at_all():
    own = {f"student {i}": shape(ANOTHER.replace("0.0", f"{i}.0 * {i}")) for i in range(6)}
    shapes = {"anna": shape(ANSWER), "ben": shape(RENAMED), **own, "absent": []}
    pairs = alike(shapes)
    assert pairs[0][:3] == ("anna", "ben", pytest.approx(1, abs=0.2))
    everybody_alike = {f"student {i}": shape(ANSWER) for i in range(10)}
    assert alike(everybody_alike) == []
