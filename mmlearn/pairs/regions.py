"""Images as sets of regions: which features, where, and of what class."""

import copy

import numpy as np
import torch

from mmlearn.arrays import as_float32
from mmlearn.kinds import as_tensor
from mmlearn.torch_state import ordinary_torch

__all__ = ["RegionScaler", "Regions"]


class Regions:
    """n images, each a set of at most R regions; rows can be taken as from an array.

    Parameters
    ----------
    features : (t, d) floats, the features of every region there is; ROW 0 stands for padding and
        must be zeros. Regions that look the same share a row, so that it is projected once.
        Or (n, R, d): the features of each image's regions; then `rows` is left out.
    rows : (n, R) whole numbers, the row of `features` of each region; 0 where there is none
    boxes : (n, R, 5): x1, y1, x2, y2 and the area, as shares of the image
    classes : (n, R) whole numbers, optional: the class of each region, -1 where there is none.
        Masked-region modelling and R2C learn from them.
    mask : (n, R) booleans, only with features (n, R, d): True where there is a region

    Raises
    ------
    ValueError: shapes that do not fit together, NaN or infinite values, a row that is not there

    Examples
    --------
    >>> images = Regions(np.ones((2, 3, 4)), boxes=np.zeros((2, 3, 5)))
    >>> len(images), len(images[:1]), images.max_regions
    (2, 1, 3)
    """

    @ordinary_torch()
    def __init__(self, features, rows=None, boxes=None, classes=None, mask=None):
        features = as_float32(features, "features").detach()
        if rows is None:
            features, rows = _as_table(features, mask)
        self.features = features
        self.rows = as_tensor(rows, "rows").long()
        if boxes is None:
            raise ValueError("boxes are missing: give (n, R, 5), x1, y1, x2, y2 and the area.")
        self.boxes = as_float32(boxes, "boxes").detach()
        self.classes = None if classes is None else as_tensor(classes, "classes").long()
        self._check()

    def _check(self):
        if self.rows.ndim != 2 or self.boxes.shape != (*self.rows.shape, 5):
            raise ValueError(
                "rows must be (n, R) and boxes (n, R, 5), got shapes "
                f"{tuple(self.rows.shape)} and {tuple(self.boxes.shape)}."
            )
        if self.classes is not None and self.classes.shape != self.rows.shape:
            raise ValueError(
                f"classes must be {tuple(self.rows.shape)}, one a region, "
                f"got {tuple(self.classes.shape)}."
            )
        if self.features.ndim != 2 or bool((self.features[0] != 0).any()):
            raise ValueError(
                "features must be (t, d) with zeros in row 0, which stands for padding."
            )
        if not bool(torch.isfinite(self.features).all() & torch.isfinite(self.boxes).all()):
            raise ValueError(
                "features or boxes hold NaN or infinite values; fill or drop them first."
            )
        if self.rows.numel() and not 0 <= int(self.rows.min()) <= int(self.rows.max()) < self.t:
            raise ValueError(f"rows must lie between 0 and {self.t - 1}, the rows of features.")

    @classmethod
    def of(cls, scenes, index=None):
        """The regions of :func:`mmlearn.data.load_scenes`; `index` (m,) takes scenes as given.

        ``Regions.of(scenes, scenes.questions.scene)`` has one row a question.
        """
        images = cls(scenes.features, scenes.regions, scenes.boxes, scenes.objects)
        return images if index is None else images[index]

    @property
    def t(self):
        return len(self.features)

    @property
    def d(self):
        """Features a region."""
        return self.features.shape[1]

    @property
    def max_regions(self):
        return self.rows.shape[1]

    @property
    def present(self):
        """(n, R) booleans: True where there is a region."""
        return self.rows != 0

    def __len__(self):
        return len(self.rows)

    @ordinary_torch()
    def __getitem__(self, index):
        if not isinstance(index, torch.Tensor):  # whatever numpy takes: a slice, a mask, a list
            index = torch.as_tensor(np.atleast_1d(np.arange(len(self))[index]).copy())
        return self._with(
            rows=self.rows[index],
            boxes=self.boxes[index],
            classes=None if self.classes is None else self.classes[index],
        )

    def repeat(self, times):
        """Each image `times` over, in a row."""
        return self[torch.arange(len(self), device=self.rows.device).repeat_interleave(times)]

    def _with(self, **changes):
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def tensors(self):
        """Everything it holds, as a list of tensors."""
        held = (self.features, self.rows, self.boxes, self.classes)
        return [tensor for tensor in held if tensor is not None]

    def to(self, device):
        """The same on a device."""
        return self._with(
            **{k: v.to(device) for k, v in vars(self).items() if isinstance(v, torch.Tensor)}
        )

    # -- controls ----------------------------------------------------------------------------

    def blind(self):
        """The image-blind control: no region is left in any image."""
        return self._with(
            rows=torch.zeros_like(self.rows),
            boxes=torch.zeros_like(self.boxes),
            classes=None if self.classes is None else torch.full_like(self.classes, -1),
        )

    def place_blind(self):
        """The place-blind control: what is in each image stays, where it is and how large do not.

        >>> Regions(np.ones((1, 2, 3)), boxes=np.ones((1, 2, 5))).place_blind().boxes.sum()
        tensor(0.)
        """
        return self._with(boxes=torch.zeros_like(self.boxes))

    @ordinary_torch()
    def without(self, region):
        """The same images without one region each; all others, and what tags mean, stay.

        Parameters
        ----------
        region : int, or (n,) ints, one an image; an image that has no such region stays as it is

        >>> images = Regions(np.ones((2, 3, 4)), boxes=np.zeros((2, 3, 5)))
        >>> images.without([0, 2]).present
        tensor([[False,  True,  True],
                [ True,  True, False]])
        """
        region = as_tensor(region, "region").long().reshape(-1, 1).to(self.rows.device)
        if len(region) not in (1, len(self)):
            raise ValueError(f"region must be one int, or one an image: {len(self)} of them.")
        gone = torch.arange(self.max_regions, device=self.rows.device) == region
        return self._with(
            rows=self.rows.masked_fill(gone, 0),
            boxes=self.boxes.masked_fill(gone[..., None], 0.0),
            classes=None if self.classes is None else self.classes.masked_fill(gone, -1),
        )

    def mean_features(self):
        """(n, d) floats, the mean of the features of each image's regions: a vector for a tower."""
        held = self.features[self.rows].sum(dim=1)
        return (held / self.present.sum(dim=1, keepdim=True).clamp(min=1)).numpy()

    @ordinary_torch()
    def shuffled(self, seed=0):
        """The shuffled-objects control: what is in an image stays, but not where.

        Within each image features and classes move one place on in a random cycle, and boxes one
        place back: an object stands where another did, and a tag points at neither. (With two
        regions the boxes stay with the tags.)
        """
        on = _cycles(self.present.cpu(), seed).to(self.rows.device)
        return self._with(
            rows=self.rows.gather(1, on),
            boxes=self.boxes.gather(1, on.argsort(dim=1)[..., None].expand(-1, -1, 5)),
            classes=None if self.classes is None else self.classes.gather(1, on),
        )


def _cycles(present, seed):
    """(n, R): for each region that is there another one, all in one random cycle; else itself."""
    noise = torch.rand(present.shape, generator=torch.Generator().manual_seed(seed))
    order = (noise + 2.0 * ~present).argsort(dim=1)  # those that are there in random order, first
    place, count = torch.arange(present.shape[1]), present.sum(dim=1, keepdim=True)
    following = torch.where(place < count, (place + 1) % count.clamp(min=1), place)
    return torch.empty_like(order).scatter_(1, order, order.gather(1, following))


def _as_table(features, mask):
    """Features (n, R, d) as a table with a row a region, and the rows (n, R) of the regions."""
    if features.ndim != 3:
        raise ValueError(
            f"features must be (n, R, d), or (t, d) with rows; got shape {tuple(features.shape)}."
        )
    n, r, d = features.shape
    rows = torch.arange(1, n * r + 1).view(n, r)
    if mask is not None:
        mask = as_tensor(mask, "mask").bool()
        if mask.shape != (n, r):
            raise ValueError(f"mask must be ({n}, {r}), got {tuple(mask.shape)}.")
        rows = rows * mask
    return torch.cat([torch.zeros(1, d), features.reshape(n * r, d)]), rows


class RegionScaler:
    """Whitens the features of regions, and standardises their boxes.

    ::

        f ← (f - mean) V / s,   box ← (box - mean) / deviation

    with V the principal axes of the regions seen in training and s their deviations along them.
    Many features of a CNN say the same; whitened, what tells two objects apart counts as much as
    what tells an object from the ground.

    Parameters
    ----------
    images : Regions, of the training items
    components : int, or None to leave the features as they are

    Attributes
    ----------
    d : int, features a region has afterwards
    """

    def __init__(self, images, components=128):
        present, self.d = images.present, images.d
        if not bool(present.any()):  # an image-blind control: there is nothing to scale
            self.mean = self.axes = None
            self.box_mean, self.box_scale = torch.zeros(5), torch.ones(5)
            return
        boxes = images.boxes[present].double()
        scale = boxes.std(dim=0, correction=0)
        self.box_mean = boxes.mean(dim=0).float()
        self.box_scale = torch.where(scale > 1e-6, scale, torch.ones_like(scale)).float()
        seen = images.features[images.rows[present].unique()].double()
        self.mean = seen.mean(dim=0).float()
        self.axes = None if components is None else _whitening(seen, components)
        self.d = images.d if self.axes is None else self.axes.shape[1]

    def __call__(self, images):
        """The same images with scaled features and boxes."""
        features, present = images.features, images.present[..., None]
        if self.axes is not None:
            features = (features - self.mean) @ self.axes
            features[0] = 0.0
        boxes = ((images.boxes - self.box_mean) / self.box_scale) * present
        return images._with(features=features, boxes=boxes)


def _whitening(seen, components):
    """(d, k): the leading axes along which `seen` (t, d) varies, divided by the deviations."""
    _, s, v = torch.linalg.svd(seen - seen.mean(dim=0), full_matrices=False)
    k = max(1, min(components, int((s > 1e-4 * s[0]).sum())))
    if s[0] == 0:  # all regions look alike
        return v[:1].T.float()
    sign = torch.where(v[:k].gather(1, v[:k].abs().argmax(1, True)) < 0, -1.0, 1.0)
    return ((v[:k] * sign).T / s[:k] * len(seen) ** 0.5).float()
