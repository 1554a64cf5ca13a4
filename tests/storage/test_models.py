"""Saved methods: what a file holds, what it refuses to be, and networks of one's own."""

import json
import os

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

import mmlearn
from mmlearn.classical import CCA
from mmlearn.contract import CoordinatedEmbedding
from mmlearn.deep import InfoNCE
from mmlearn.registry import PARTS
from mmlearn.storage.models import FORMAT


def small(rng, **params):
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 5))
    return InfoNCE(4, hidden=8, epochs=1, device="cpu", **params).fit(x, y), x, y


def test_a_file_cut_in_half_is_named(tmp_path, rng):
    path = tmp_path / "cca"
    mmlearn.save(CCA(2).fit(rng.normal(size=(30, 3)), rng.normal(size=(30, 3))), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="cca is damaged or no saved method"):
        mmlearn.load(path)


def test_a_file_that_is_no_saved_method_or_is_not_there_is_named(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(ValueError, match="no saved method"):
        mmlearn.load(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        mmlearn.load(tmp_path / "nothing")


def write(path, description):
    save_file({"x": torch.zeros(1)}, path, metadata={"mmlearn": json.dumps(description)})
    return path


@pytest.mark.parametrize(
    "name",
    ["os:system", "builtins:dict", "mmlearn.classical.cca:CCA", "sklearn.svm:SVC", "nothing"],
)
def test_a_file_names_methods_and_their_parts_and_no_other_class(tmp_path, name):
    model = {"$object": name, "state": {}, "own_encoders": []}
    with pytest.raises(ValueError, match=f"the file names {name!r}, which this version does not"):
        mmlearn.load(write(tmp_path / "evil", {"format": FORMAT, "model": model}))


def test_no_two_classes_of_a_file_share_a_name():
    names = [*PARTS, *(method.name for method in mmlearn.methods(timed=True, pairs=True))]
    assert len(names) == len(set(names))


def test_a_file_of_another_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has format 99"):
        mmlearn.load(write(tmp_path / "new", {"format": 99, "model": None}))


def test_an_unfitted_method_and_a_missing_folder_are_refused(tmp_path, rng):
    with pytest.raises(NotFittedError):
        mmlearn.save(CCA(2), tmp_path / "cca")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        mmlearn.save(CCA(2).fit(*rng.normal(size=(2, 30, 3))), tmp_path / "nowhere" / "cca")
    assert os.listdir(tmp_path) == []


class Students(CoordinatedEmbedding):
    def fit(self, images, texts, labels=None):
        self.fitted_ = True
        return self


def test_a_class_of_ones_own_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="only methods and features of the course"):
        mmlearn.save(Students().fit(None, None), tmp_path / "own")
    assert os.listdir(tmp_path) == []


def test_a_class_of_ones_own_is_refused_even_under_the_name_of_a_method(tmp_path):
    own = type("CCA", (CCA,), {})
    with pytest.raises(ValueError, match="only methods and features of the course"):
        mmlearn.save(own(1).fit(*np.eye(4)[None].repeat(2, axis=0)), tmp_path / "own")


def own_encoder():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, 4))


def test_an_encoder_of_ones_own_is_used_and_never_changed(rng):
    encoder = own_encoder()
    before = [p.clone() for p in encoder.parameters()]
    model, x, _ = small(rng, image_encoder=encoder)
    assert isinstance(model.module_.image_encoder[1], nn.Tanh)
    assert all(torch.equal(a, b) for a, b in zip(before, encoder.parameters(), strict=True))
    assert model.embed_images(x).shape == (40, 4)
    assert isinstance(clone(model).image_encoder[1], nn.Tanh)


def test_an_encoder_of_ones_own_is_given_again_to_load(tmp_path, rng):
    model, x, _ = small(rng, image_encoder=own_encoder())
    mmlearn.save(model, tmp_path / "model")
    with pytest.raises(ValueError, match=r"pass them again: load\(path, image_encoder=...\)"):
        mmlearn.load(tmp_path / "model")
    again = mmlearn.load(tmp_path / "model", image_encoder=own_encoder())
    np.testing.assert_array_equal(again.embed_images(x), model.embed_images(x))
