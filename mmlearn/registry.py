"""Every method of the course, listed once; the scoreboard and the tests read this."""

from dataclasses import dataclass, field
from importlib import import_module

__all__ = ["Method", "get_method", "methods"]


@dataclass(frozen=True)
class Method:
    """One method: where its class is, what kind it is and where it comes from.

    `params` holds the settings that the scoreboard uses; they were chosen on a
    validation part of the emoji training sets (seeds 0 to 2), never on a test part.
    """

    name: str
    title: str
    path: str
    kind: str  # "joint", "coordinated" or "pair"
    supervised: bool
    reference: str
    webinar_row: str | None = None
    params: dict = field(default_factory=dict)

    @property
    def cls(self):
        """The class itself, imported on first use."""
        module, name = self.path.split(":")
        return getattr(import_module(module), name)

    def build(self, random_state=0):
        """A new, unfitted estimator with the scoreboard's settings."""
        params = dict(self.params)
        if "random_state" in self.cls().get_params():
            params["random_state"] = random_state
        return self.cls(**params)


_METHODS = (
    Method(
        "early_fusion",
        "Early fusion",
        "mmlearn.neural.fusion:EarlyFusion",
        "joint",
        supervised=False,
        params={"n_components": 20},
        reference="Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and "
        "Taxonomy, IEEE TPAMI 2019",
    ),
    Method(
        "joint_fusion",
        "Joint (late) fusion",
        "mmlearn.neural.fusion:JointFusion",
        "joint",
        supervised=True,
        params={"modality_dropout": 0.3},
        reference="Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and "
        "Taxonomy, IEEE TPAMI 2019",
    ),
    Method(
        "cca",
        "CCA",
        "mmlearn.linear.cca:CCA",
        "coordinated",
        supervised=False,
        reference="Hotelling, Relations Between Two Sets of Variates, Biometrika 1936",
        webinar_row="CCA",
        params={"n_components": 8, "shrinkage": 0.7},
    ),
    Method(
        "cfa",
        "CFA",
        "mmlearn.linear.cfa:CFA",
        "coordinated",
        supervised=False,
        reference="Li, Dimitrova, Li, Sethi, Multimedia Content Processing Through Cross-Modal "
        "Association, ACM Multimedia 2003",
        webinar_row="CFA",
        params={"n_components": 10},
    ),
)


def methods():
    """All methods, in the order in which the course teaches them."""
    return list(_METHODS)


def get_method(name):
    """The method called `name`; an unknown name gets the list of known ones."""
    for method in _METHODS:
        if method.name == name:
            return method
    known = ", ".join(method.name for method in _METHODS)
    raise ValueError(f"unknown method {name!r}; known methods: {known}.")
