"""How a dataset is looked at: a figure of pairs, one line, and a table in a notebook."""

import base64
import html
import io

import numpy as np
from PIL import Image

from mmlearn.plotting import show_pairs

__all__ = ["Display"]


class Display:
    """What :class:`~mmlearn.data.PairedDataset` shows of itself."""

    def show(self, n=8):
        """A matplotlib figure of `n` pairs, spread evenly over the dataset."""
        if self.pictures is None:
            raise ValueError(f"{self.name} has no pictures to show, only image vectors.")
        if n < 1:
            raise ValueError(f"n must be at least 1, got {n}.")
        return show_pairs(self, self._spread(n))

    def _spread(self, n):
        return np.unique(np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int))

    def __repr__(self):
        parts = [f"{self.name!r}, {len(self)} pairs"]
        if self.pictures is not None:
            parts.append("pictures {}×{}".format(*self.pictures.shape[1:3]))
        for what in ("image_vectors", "text_vectors"):
            if getattr(self, what) is not None:
                parts.append(f"{what.replace('_', ' ')} {getattr(self, what).shape[1]}-d")
        if self.labels is not None:
            parts.append(f"{len(self.label_names)} labels")
        for what, features in (("images", self._image_features), ("texts", self._text_features)):
            if features is not None:
                parts.append(f"{what}={features.transformer}")
        return f"PairedDataset({', '.join(parts)})"

    def _repr_html_(self):
        rows = "".join(self._html_row(i) for i in self._spread(4))
        picture = "" if self.pictures is None else "<th>picture</th>"
        return (
            f"<p><b>{html.escape(self.name)}</b>: {len(self):,} image-text pairs</p>"
            f"<table><tr>{picture}<th>text</th><th>label</th></tr>{rows}</table>"
            f"<p><small>{html.escape(self.licence)}</small></p>"
        )

    def _html_row(self, i):
        label = "" if self.labels is None else self.label_names[self.labels[i]]
        text = (self.captions or self.titles)[i]
        text = text if len(text) <= 200 else text[:199] + "…"
        picture = "" if self.pictures is None else f"<td>{self._html_picture(i)}</td>"
        return f"<tr>{picture}<td>{html.escape(text)}</td><td>{html.escape(label)}</td></tr>"

    def _html_picture(self, i):
        alt = html.escape(self.titles[i], quote=True)
        return f'<img width="48" height="48" alt="{alt}" src="{_data_uri(self.pictures[i])}">'


def _data_uri(picture, size=48):
    out = io.BytesIO()
    Image.fromarray(picture).resize((size, size)).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
