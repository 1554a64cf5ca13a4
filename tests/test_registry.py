"""Every registered method can be built and keeps its contract; importing the package is light."""

import subprocess
import sys

import numpy as np
import pytest

import mmlearn
from mmlearn.base import CoordinatedEmbedding, JointEmbedding
from mmlearn.registry import get_method
from mmlearn.scoreboard import published

QUICK = {"n_components": 4, "epochs": 2, "device": "cpu"}


@pytest.mark.parametrize("method", mmlearn.methods(), ids=lambda m: m.name)
def test_method_keeps_the_contract_of_its_kind(method, rng):
    model = method.build(random_state=0)
    model.set_params(**{k: v for k, v in QUICK.items() if k in model.get_params()})
    x, y, labels = rng.normal(size=(60, 8)), rng.normal(size=(60, 6)), np.arange(60) % 3
    assert model.fit(x, y, labels=labels) is model
    assert isinstance(model, JointEmbedding if method.kind == "joint" else CoordinatedEmbedding)
    z_x, z_y = model.embed_images(x[:7]), model.embed_texts(y[:9])
    assert (z_x.shape, z_y.shape) == ((7, 4), (9, 4))
    assert model.similarity(z_x, z_y).shape == (7, 9)
    assert 0 <= model.score(x, y, labels) <= 1
    bad = x.copy()
    bad[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.embed_images(bad)


def test_names_are_unique():
    names = [m.name for m in mmlearn.methods()]
    assert len(names) == len(set(names))


def test_unknown_method_gets_the_list_of_known_ones():
    with pytest.raises(ValueError, match="known methods: early_fusion"):
        get_method("ccca")


def test_webinar_rows_exist_in_the_published_table():
    rows = {row["method"] for row in published()}
    named = {m.webinar_row for m in mmlearn.methods() if m.webinar_row}
    assert named <= rows
    assert len(published()) == 12 * 3


def test_published_means_are_the_means_of_both_directions():
    for row in published():
        assert row["mean"] == pytest.approx((row["i2t"] + row["t2i"]) / 2, abs=1.01e-3), row


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, mmlearn; "
        "print([m for m in ('torch', 'torchvision', 'transformers', 'matplotlib', 'sklearn') "
        "if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
