"""Every method of the course, listed once; the scoreboard and the tests read this.

The settings that the scoreboard uses stand in `scoreboard/settings.toml`. They were chosen on
validation parts of the training sets; `tools/tune.py` says how.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files

__all__ = ["PARTS", "SCIKIT_LEARN", "Method", "get_method", "methods", "saved_class", "saved_name"]


@dataclass(frozen=True)
class Method:
    """One method: where its class is and where it comes from.

    ``webinar_row`` is its row of the webinar's table. What kind of method it is, its class
    declares, see :mod:`mmlearn.contract`.
    """

    name: str
    title: str
    path: str
    reference: str
    webinar_row: str | None = None

    @property
    def cls(self):
        """The class itself, imported on first use."""
        return _find(self.path)

    @property
    def kind(self):
        """How it embeds: "joint", "coordinated" or, where it only scores pairs, "pair"."""
        return self.cls.kind

    @property
    def supervised(self):
        """Whether it learns from labels."""
        return self.cls.supervised

    @property
    def multilabel(self):
        """Whether it can learn from several labels an item, shape (n, t)."""
        return self.cls.multilabel

    @property
    def timed(self):
        """Whether fitting and embedding need `times` as well."""
        return self.cls.timed

    def settings(self, dataset="emoji"):
        """The scoreboard's settings on a dataset: {"params": {...}, "features": {...}}.

        ``features`` names what the method asks for in place of the dataset's usual features.
        """
        found = dict(_settings().get(self.name, {}).get(dataset, {}))
        return {"features": found.pop("features", {}), "params": found}

    def build(self, random_state=0, settings=None):
        """A new, unfitted estimator with these settings (the scoreboard's on emoji if None)."""
        params = dict((settings or self.settings())["params"])
        if "random_state" in self.cls().get_params():
            params["random_state"] = random_state
        return self.cls(**params)


@cache
def _settings():
    return tomllib.loads((files("mmlearn") / "scoreboard" / "settings.toml").read_text("utf-8"))


SURVEY = (
    "Baltrušaitis, Ahuja, Morency, Multimodal Machine Learning: A Survey and Taxonomy, "
    "IEEE TPAMI 2019"
)
RASIWASIA = (
    "Rasiwasia et al., A New Approach to Cross-Modal Multimedia Retrieval, ACM Multimedia 2010"
)

_METHODS = (
    Method(
        "early_fusion",
        "Early fusion",
        "mmlearn.classical.early_fusion:EarlyFusion",
        SURVEY,
    ),
    Method(
        "joint_fusion",
        "Joint fusion",
        "mmlearn.deep.joint_fusion:JointFusion",
        SURVEY,
    ),
    Method(
        "cca",
        "CCA",
        "mmlearn.classical.cca:CCA",
        "Hotelling, Relations Between Two Sets of Variates, Biometrika 1936",
        webinar_row="CCA",
    ),
    Method(
        "cfa",
        "CFA",
        "mmlearn.classical.cfa:CFA",
        "Li, Dimitrova, Li, Sethi, Multimedia Content Processing Through Cross-Modal "
        "Association, ACM Multimedia 2003",
        webinar_row="CFA",
    ),
    Method(
        "kcca",
        "KCCA",
        "mmlearn.classical.kcca:KCCA",
        "Hardoon, Szedmak, Shawe-Taylor, Canonical Correlation Analysis: An Overview with "
        "Application to Learning Methods, Neural Computation 2004",
        webinar_row="KCCA",
    ),
    Method(
        "sm",
        "SM",
        "mmlearn.classical.semantic:SM",
        RASIWASIA,
    ),
    Method(
        "scm",
        "SCM",
        "mmlearn.classical.semantic:SCM",
        RASIWASIA,
    ),
    Method(
        "lgcfl",
        "LGCFL",
        "mmlearn.classical.lgcfl:LGCFL",
        "Kang, Xiang, Liao, Xu, Pan, Learning Consistent Feature Representation for Cross-Modal "
        "Multimedia Retrieval, IEEE Transactions on Multimedia 2015",
        webinar_row="LGCFL",
    ),
    Method(
        "jrl",
        "JRL",
        "mmlearn.classical.jrl:JRL",
        "Zhai, Peng, Xiao, Learning Cross-Media Joint Representation With Sparse and "
        "Semisupervised Regularization, IEEE TCSVT 2014",
        webinar_row="JRL",
    ),
    Method(
        "multimodal_ae",
        "Multimodal autoencoder",
        "mmlearn.deep.autoencoders:MultimodalAutoencoder",
        "Ngiam, Khosla, Kim, Nam, Lee, Ng, Multimodal Deep Learning, ICML 2011",
    ),
    Method(
        "corr_ae",
        "Corr-AE",
        "mmlearn.deep.autoencoders:CorrespondenceAutoencoder",
        "Feng, Wang, Li, Cross-modal Retrieval with Correspondence Autoencoder, "
        "ACM Multimedia 2014",
        webinar_row="Corr-AE",
    ),
    Method(
        "dcca",
        "Deep CCA",
        "mmlearn.deep.dcca:DCCA",
        "Andrew, Arora, Bilmes, Livescu, Deep Canonical Correlation Analysis, ICML 2013",
        webinar_row="DCCA",
    ),
    Method(
        "cmdn",
        "CMDN",
        "mmlearn.deep.cmdn:CMDN",
        "Peng, Huang, Qi, Cross-Media Shared Representation by Hierarchical Learning with "
        "Multiple Deep Networks, IJCAI 2016",
        webinar_row="CMDN",
    ),
    Method(
        "deep_sm",
        "Deep-SM",
        "mmlearn.deep.deep_sm:DeepSM",
        "Wei et al., Cross-Modal Retrieval With CNN Visual Features: A New Baseline, "
        "IEEE Transactions on Cybernetics 2017",
        webinar_row="Deep-SM",
    ),
    Method(
        "acmr",
        "ACMR",
        "mmlearn.deep.acmr:ACMR",
        "Wang, Yang, Xu, Hanjalic, Shen, Adversarial Cross-Modal Retrieval, ACM Multimedia 2017",
        webinar_row="ACMR",
    ),
    Method(
        "ccl",
        "CCL",
        "mmlearn.deep.ccl:CCL",
        "Peng, Qi, Huang, Yuan, CCL: Cross-modal Correlation Learning With Multigrained Fusion "
        "by Hierarchical Network, IEEE Transactions on Multimedia 2018",
        webinar_row="CCL",
    ),
    Method(
        "triplet",
        "Triplet",
        "mmlearn.deep.triplet:TripletEmbedding",
        "Schroff, Kalenichenko, Philbin, FaceNet: A Unified Embedding for Face Recognition and "
        "Clustering, CVPR 2015",
    ),
    Method(
        "sam",
        "SAM (adaptive triplet)",
        "mmlearn.deep.triplet:SAM",
        "Semedo, Magalhães, Cross-Modal Subspace Learning with Scheduled Adaptive Margin "
        "Constraints, ACM Multimedia 2019",
        webinar_row="SAM",
    ),
    Method(
        "infonce",
        "InfoNCE (CLIP)",
        "mmlearn.deep.contrastive:InfoNCE",
        "van den Oord, Li, Vinyals, Representation Learning with Contrastive Predictive Coding, "
        "2018; Radford et al., Learning Transferable Visual Models, ICML 2021",
    ),
    Method(
        "siglip",
        "SigLIP",
        "mmlearn.deep.contrastive:SigLIP",
        "Zhai, Mustafa, Kolesnikov, Beyer, Sigmoid Loss for Language Image Pre-Training, ICCV 2023",
    ),
    Method(
        "supcon",
        "Supervised contrastive",
        "mmlearn.deep.contrastive:SupCon",
        "Khosla et al., Supervised Contrastive Learning, NeurIPS 2020",
    ),
    Method(
        "diachronic",
        "Diachronic (DCM)",
        "mmlearn.deep.diachronic:Diachronic",
        "Semedo, Magalhães, Diachronic Cross-modal Embeddings, ACM Multimedia 2019",
    ),
    Method(
        "vilbert",
        "ViLBERT (co-attention)",
        "mmlearn.pairs.vilbert:ViLBERT",
        "Lu, Batra, Parikh, Lee, ViLBERT: Pretraining Task-Agnostic Visiolinguistic "
        "Representations for Vision-and-Language Tasks, NeurIPS 2019",
    ),
    Method(
        "twelve_in_one",
        "12-in-1 (multi-task)",
        "mmlearn.pairs.twelve_in_one:TwelveInOne",
        "Lu, Goswami, Rohrbach, Parikh, Lee, 12-in-1: Multi-Task Vision and Language "
        "Representation Learning, CVPR 2020",
    ),
    Method(
        "r2c",
        "R2C",
        "mmlearn.pairs.r2c:R2C",
        "Zellers, Bisk, Farhadi, Choi, From Recognition to Cognition: Visual Commonsense "
        "Reasoning, CVPR 2019",
    ),
)


def methods(timed=False, pairs=False):
    """All methods that embed, in the order in which the course teaches them.

    Those that need times have no place on a scoreboard of data without; `timed` adds them. Those
    that score pairs have no embedding to rank by; `pairs` adds them.
    """
    return [m for m in _METHODS if (timed or not m.timed) and (pairs or m.kind != "pair")]


def get_method(name):
    """The method called `name`; an unknown name gets the list of known ones."""
    for method in _METHODS:
        if method.name == name:
            return method
    known = ", ".join(method.name for method in _METHODS)
    raise ValueError(f"unknown method {name!r}; known methods: {known}.")


# What is saved beside methods, features and parts of methods: the name in a file, and the class.
PARTS = {
    "bag_of_words": "mmlearn.features.text:BagOfWords",
    "block_scale": "mmlearn.scaling:BlockScale",
    "cnn_features": "mmlearn.features.image:CNNFeatures",
    "co_attention_config": "mmlearn.pairs.streams:CoAttentionConfig",
    "colour_histogram": "mmlearn.features.image:ColourHistogram",
    "dense": "mmlearn.features.matrices:Dense",
    "history": "mmlearn.training:History",
    "hog": "mmlearn.features.image:HOG",
    "joined_features": "mmlearn.features.joined:JoinedFeatures",
    "kernel_logistic": "mmlearn.classical.semantic:KernelLogistic",
    "kernel_map": "mmlearn.classical.kernels:KernelMap",
    "late_fusion": "mmlearn.pairs.mean_pooling:LateFusion",
    "logarithm": "mmlearn.features.vectors:Logarithm",
    "lsa": "mmlearn.features.text:LSA",
    "one_scale": "mmlearn.scaling:OneScale",
    "pair_moments": "mmlearn.classical.moments:PairMoments",
    "r2c_config": "mmlearn.pairs.r2c:R2CConfig",
    "region_scaler": "mmlearn.pairs.regions:RegionScaler",
    "square_root": "mmlearn.features.vectors:SquareRoot",
    "standardizer": "mmlearn.scaling:Standardizer",
    "text_parts": "mmlearn.features.text:TextParts",
    "tfidf": "mmlearn.features.text:TfIdf",
}

# Of these a file holds the settings and what was fitted, so that another version reads it as well.
SCIKIT_LEARN = {
    "count_vectorizer": "sklearn.feature_extraction.text:CountVectorizer",
    "feature_union": "sklearn.pipeline:FeatureUnion",
    "hashing_vectorizer": "sklearn.feature_extraction.text:HashingVectorizer",
    "max_abs_scaler": "sklearn.preprocessing:MaxAbsScaler",
    "min_max_scaler": "sklearn.preprocessing:MinMaxScaler",
    "nmf": "sklearn.decomposition:NMF",
    "normalizer": "sklearn.preprocessing:Normalizer",
    "pca": "sklearn.decomposition:PCA",
    "pipeline": "sklearn.pipeline:Pipeline",
    "standard_scaler": "sklearn.preprocessing:StandardScaler",
    "tfidf_transformer": "sklearn.feature_extraction.text:TfidfTransformer",
    "tfidf_vectorizer": "sklearn.feature_extraction.text:TfidfVectorizer",
    "truncated_svd": "sklearn.decomposition:TruncatedSVD",
    "word_counts": "mmlearn.features.text:WordCounts",
    "word_weights": "mmlearn.features.text:WordWeights",
}


def saved_name(kind):
    """The name by which a saved file calls a class; None for what is no method or part of one."""
    for name, path in _saved_paths().items():
        if path.endswith(f":{kind.__qualname__}") and _find(path) is kind:
            return name
    return None


def saved_class(name):
    """The class that a saved file calls `name`; None where there is no such name."""
    path = _saved_paths().get(name)
    return None if path is None else _find(path)


def _saved_paths():
    return {method.name: method.path for method in _METHODS} | PARTS | SCIKIT_LEARN


def _find(path):
    module, name = path.split(":")
    return getattr(import_module(module), name)
