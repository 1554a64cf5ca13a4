"""What is said of the scenes, as padded arrays: one class for all tasks."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from mmlearn.data.scenes.vocabulary import NAMES, decode, encode, join
from mmlearn.special_tokens import CLS, PAD, SEP

__all__ = ["Items", "fill_pattern"]

PER_ITEM = (
    "scene",
    "tokens",
    "tags",
    "label",
    "kind",
    "answers",
    "answer_tags",
    "rationales",
    "rationale_tags",
    "rationale_label",
)


@dataclass(eq=False, repr=False)
class Items:
    """m texts about scenes. Integers are int64, padding is 0 in tokens and -1 in tags.

    task : str
    scene : (m,), for statements (m, 2): rows of the scenes' arrays
    tokens, tags : (m, L): "[CLS] text [SEP]", and the region each token names, -1 for none
    label : (m,): the right answer (questions, captions), the region (expressions), 1 for true
        (statements), or 0 entailment, 1 neutral, 2 contradiction
    kind : (m,): index into the list `kind_names`
    answers, answer_tags : (m, 4, La): "text [SEP]"; None without choices
    rationales, rationale_tags : (m, 4, Lr): "text [SEP]", for the right answer; None without
    rationale_label : (m,), the right one; None without
    """

    task: str
    kind_names: tuple
    scene: np.ndarray
    tokens: np.ndarray
    tags: np.ndarray
    label: np.ndarray
    kind: np.ndarray
    answers: np.ndarray | None = None
    answer_tags: np.ndarray | None = None
    rationales: np.ndarray | None = None
    rationale_tags: np.ndarray | None = None
    rationale_label: np.ndarray | None = None

    @classmethod
    def collect(cls, task, kind_names, records):
        """From dicts with scene, text, label, kind and maybe answers, rationales, right_rationale.

        Texts are pairs (ids, tags) as :func:`say` makes them.
        """
        if not records:
            raise ValueError(
                f"these scenes allow no {task}; take more scenes or more objects a scene."
            )

        def column(key):
            return np.array([record[key] for record in records], dtype=np.int64)

        tokens, tags = _pad([record["text"] for record in records], [CLS])
        columns = [column("scene"), tokens, tags, column("label"), column("kind")]
        if "answers" in records[0]:
            columns += _choices([record["answers"] for record in records])
        if "rationales" in records[0]:
            columns += _choices([record["rationales"] for record in records])
            columns.append(column("right_rationale"))
        return cls(task, tuple(kind_names), *columns)

    def __len__(self):
        return len(self.label)

    def __getitem__(self, rows):
        """The items at `rows` (ints, slice or bool mask)."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        kept = {key: getattr(self, key) for key in PER_ITEM}
        return dataclasses.replace(
            self, **{key: None if a is None else a[rows] for key, a in kept.items()}
        )

    def __repr__(self):
        return f"Items({self.task!r}, {len(self):,} of {', '.join(self.kind_names)})"

    def answer_choices(self):
        """Tokens and tags (m, 4, L) of "[CLS] question [SEP] answer [SEP]".

        Raises
        ------
        ValueError: items without four answers
        """
        self._check("answers")
        tokens = [self.tokens[:, None], self.answers]
        tags = [self.tags[:, None], self.answer_tags]
        return join(*tokens), join(*tags, padding=-1, where=tokens)

    def rationale_choices(self):
        """Tokens and tags (m, 4, L) of "[CLS] question [SEP] right answer [SEP] rationale [SEP]".

        Raises
        ------
        ValueError: items without rationales
        """
        self._check("rationales")
        right = np.arange(len(self))[:, None], self.label[:, None]
        tokens = [self.tokens[:, None], self.answers[right], self.rationales]
        tags = [self.tags[:, None], self.answer_tags[right], self.rationale_tags]
        return join(*tokens), join(*tags, padding=-1, where=tokens)

    def _check(self, what):
        if getattr(self, what) is None:
            raise ValueError(f"{self.task} have no {what}; only questions have all of them.")

    def text(self, i):
        """All texts of item i on lines of their own, with the right ones marked by a star."""
        lines = [self._words(self.tokens[i], self.tags[i])]
        if self.answers is None:
            return f"{lines[0]} -> {self.label[i]}"
        for tokens, tags, right in (
            (self.answers, self.answer_tags, self.label),
            (self.rationales, self.rationale_tags, self.rationale_label),
        ):
            for j in range(0 if tokens is None else tokens.shape[1]):
                mark = "*" if j == right[i] else " "
                lines.append(f"  {mark} {self._words(tokens[i, j], tags[i, j])}")
        return "\n".join(lines)

    def _words(self, tokens, tags):
        words = [
            decode([token]) + (f"[{tag}]" if tag >= 0 else "")
            for token, tag in zip(tokens, tags, strict=True)
            if token not in (PAD, CLS, SEP)
        ]
        return " ".join(words)


_NAME_IDS = [encode(name)[0] for name in NAMES]
_IDS = {}


def fill_pattern(pattern, state=None, **slots):
    """A pattern with its {slots} filled: (ids, tags).

    A slot is a str; an int, a region of `state`, which is named and tagged; or ("object", o),
    which is named without a tag.
    """
    ids, tags = [], []
    for word in pattern.split():
        slot = slots[word[1:-1]] if word[0] == "{" else word
        if isinstance(slot, int):
            ids.append(_NAME_IDS[state.objects[slot]])
            tags.append(slot)
        elif isinstance(slot, tuple):
            ids.append(_NAME_IDS[slot[1]])
            tags.append(-1)
        else:
            found = _IDS.get(slot)
            if found is None:
                found = _IDS.setdefault(slot, encode(slot))
            ids += found
            tags += [-1] * len(found)
    return ids, tags


def _pad(texts, start=()):
    """(ids, tags) of m texts as arrays (m, L), between `start` and [SEP]."""
    before = len(start)
    length = before + max(len(ids) for ids, _ in texts) + 1
    tokens = np.full((len(texts), length), PAD, dtype=np.int64)
    marks = np.full((len(texts), length), -1, dtype=np.int64)
    tokens[:, :before] = start
    for i, (ids, tags) in enumerate(texts):
        end = before + len(ids)
        tokens[i, before:end], marks[i, before:end], tokens[i, end] = ids, tags, SEP
    return tokens, marks


def _choices(rows):
    """m lists of k texts as arrays (m, k, L)."""
    return [a.reshape(len(rows), len(rows[0]), -1) for a in _pad([t for row in rows for t in row])]
