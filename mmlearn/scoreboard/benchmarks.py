"""The datasets of the scoreboard, and what is relevant in each."""

from dataclasses import dataclass, field

__all__ = ["BENCHMARKS", "RELEVANT", "Benchmark"]

TEST_SIZE = 0.25


@dataclass(frozen=True)
class Benchmark:
    """A dataset as the scoreboard uses it.

    ``loader`` names a function of :mod:`mmlearn.data`. Features are those of `image` and `text`
    unless a method asks for others; None takes the vectors that came with the data. ``official``:
    the dataset's own split, so that seeds differ in the methods' random states only.
    ``relevant`` is what makes an item relevant to a query, as in
    :func:`mmlearn.retrieval.evaluate_retrieval`. ``settings`` names the dataset whose settings
    of `settings.toml` are used.
    """

    loader: str
    image: str | None = "cnn"
    text: str | None = "lsa"
    official: bool = False
    relevant: str = "labels"
    settings: str = "emoji"
    options: dict = field(default_factory=dict)  # of the loader

    def load(self):
        """The dataset, without features."""
        import mmlearn.data

        return getattr(mmlearn.data, self.loader)(**self.options)

    def split(self, data, seed, features=None):
        """Training and test part of split `seed`, with the usual features or those given."""
        chosen = data.features(**{"image": self.image, "text": self.text} | (features or {}))
        if self.official:
            return chosen.official_split()
        return chosen.split(TEST_SIZE, seed=seed, stratify=data.labels is not None)


RELEVANT = {  # what may be relevant to a query, and what it is called in a sentence
    "labels": "classes",
    "sublabels": "finer classes",
    "tags": "several labels an item",
    "pairs": "pairs alone",
}
BENCHMARKS = {
    "emoji": Benchmark("load_emoji"),
    "wikipedia": Benchmark(
        "load_wikipedia", image=None, text=None, official=True, settings="wikipedia"
    ),
    "fashion": Benchmark("load_fashion", options={"n": 4000}),
    "captions": Benchmark("load_captions", relevant="pairs", options={"caption": "all"}),
}
