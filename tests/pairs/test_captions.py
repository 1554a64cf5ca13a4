"""Captions of one relation: where they are true, and read as questions with an answer."""

import numpy as np
import pytest

from mmlearn.data import load_scenes
from mmlearn.pairs import CaptionReader, Regions, holds, opposite_groups


@pytest.fixture(scope="module")
def scenes():
    return load_scenes(60, n_objects=5, kinds="relation")


def test_a_caption_holds_in_its_own_scene_and_not_in_the_opposite_one(scenes):
    rows, captions = opposite_groups(scenes)
    for k in (0, 1):
        true = holds(scenes, captions[:, k])
        assert true.shape == (len(rows), 60)
        assert true[np.arange(len(rows)), rows[:, k]].all()
        assert not true[np.arange(len(rows)), rows[:, 1 - k]].any()


def test_a_caption_is_read_as_a_question_with_its_answer(scenes):
    class Remembers:
        def score_pairs(self, images, texts):
            self.said = [scenes.decode(text) for text in texts[:, 0]]
            return texts[:, :, -2].astype(float)

    model = Remembers()
    texts = ("[CLS] the dog is left of the fox [SEP]", "[CLS] the cat is above the owl [SEP]")
    encoded = [scenes.encode(text) for text in texts]
    captions = np.array([encoded[0], encoded[1] + [0]])
    scores = CaptionReader(model, scenes).score_pairs(Regions.of(scenes)[:2], captions)
    assert scores.shape == (2,)
    assert model.said[0] == "[CLS] what is left of the fox ? [SEP] dog [SEP]"
    assert model.said[1].startswith("[CLS] what is above the")


@pytest.mark.parametrize("text", ["[CLS] the dog [SEP]", "[CLS] the dog is near of the fox [SEP]"])
def test_another_sentence_is_refused_in_a_sentence(scenes, text):
    with pytest.raises(ValueError, match="a caption must read"):
        holds(scenes, np.array([scenes.encode(text)]))
