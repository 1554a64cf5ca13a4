"""Texts as vectors: bag of words, TF-IDF, latent semantic analysis.

What a word is, :mod:`mmlearn.features.words` says: composed (NFC), in lower case, at least two
letters or digits with their marks; in scripts without spaces each character and each pair of
neighbours.
"""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from mmlearn.contract import check_number
from mmlearn.features.matrices import dense_matrix, fit_copy, repeatable, transformed
from mmlearn.features.words import runs_of_words, words
from mmlearn.labels import check_strings

__all__ = ["LSA", "BagOfWords", "TextParts", "TfIdf"]

EMPTY_ROWS = 0.1  # the share of texts without a known word from which on a warning says so
NO_KNOWN_WORD = "no known word"


class WordCounts(CountVectorizer):
    """scikit-learn's counts, of the course's words."""

    def build_analyzer(self):
        return words


class WordWeights(TfidfVectorizer):
    """scikit-learn's TF-IDF, of the course's words."""

    def build_analyzer(self):
        return words


class BagOfWords(TransformerMixin, BaseEstimator):
    """How often each word of the training texts occurs in a text.

        x_j = number of times that word j occurs

    Words are lower-cased runs of at least two letters or digits; :mod:`mmlearn.features.words` says
    what that means in every script. Words never met in training are ignored, so a text of unknown
    words is a row of zeros; a warning says so where it is more than a tenth of the texts.

    Parameters
    ----------
    min_df : int, default 2
        Leave out words that fewer than so many training texts hold. Where the default leaves none,
        as in a handful of short texts, all words are kept and a warning says so.
    max_features : int or None, default 2000
        Keep at most so many words, the most frequent first.

    Attributes
    ----------
    vocabulary_ : list of str, the word of each column
    feature_groups_ : list of one slice: all columns are one group

    Raises
    ------
    TypeError
        If the texts are not a list of str.
    ValueError
        If no word is frequent enough, or there is none at all.

    Examples
    --------
    >>> BagOfWords(min_df=1).fit_transform(["red car", "red red rose"])
    array([[1., 1., 0.],
           [0., 2., 1.]])
    """

    def __init__(self, min_df=2, max_features=2000):
        self.min_df = min_df
        self.max_features = max_features

    def fit(self, X, y=None):
        """Collect the vocabulary of a list of texts."""
        self.vectorizer_ = _fit_vectorizer(self._vectorizer(), X)
        self.feature_groups_ = [slice(0, len(self.vectorizer_.vocabulary_))]
        return self

    @property
    def vocabulary_(self):
        check_is_fitted(self)
        return self.vectorizer_.get_feature_names_out().tolist()

    def transform(self, X):
        """Dense float64 matrix (n, words)."""
        check_is_fitted(self)
        counts = self.vectorizer_.transform(_check_texts(X))
        return _warn_of_empty(dense_matrix(counts, type(self).__name__))

    def _vectorizer(self):
        return WordCounts(min_df=self.min_df, max_features=self.max_features, dtype=np.float64)


class TfIdf(BagOfWords):
    """Words weighted by how telling they are; every row has unit length.

        x_j = (1 + ln tf_j) · (1 + ln((1 + n) / (1 + df_j))),   then x / ‖x‖

    tf_j: occurrences of word j in the text (0 stays 0); df_j: how many of the n training texts
    hold it. Parameters, attributes and errors as :class:`BagOfWords`.

    References
    ----------
    K. Spärck Jones, A statistical interpretation of term specificity and its application in
    retrieval, Journal of Documentation 28, 1972.

    Examples
    --------
    >>> TfIdf(min_df=1).fit_transform(["red car", "red rose"]).round(2)
    array([[0.81, 0.58, 0.  ],
           [0.  , 0.58, 0.81]])
    """

    def _vectorizer(self):
        return WordWeights(
            min_df=self.min_df, max_features=self.max_features, sublinear_tf=True, dtype=np.float64
        )


class LSA(TransformerMixin, BaseEstimator):
    """Latent semantic analysis: TF-IDF projected on its leading singular directions.

        T ≈ U S Vᵀ,   x = t V

    T (n, words) is the TF-IDF matrix of the training texts, V (words, n_components). Words that
    occur together share directions, so two texts can be close without a word in common.

    Parameters
    ----------
    n_components : int, default 100
        Where the texts do not have so many directions, as many as they have, and a warning says so.
    min_df : int, default 2; see :class:`BagOfWords`
    random_state : int, default 0; the SVD is randomised

    Attributes
    ----------
    components_ : Vᵀ, float64 (n_components, words)
    n_components_ : int, the number of directions
    vocabulary_ : list of str, the words
    feature_groups_ : list of one slice

    Raises
    ------
    ValueError
        If `n_components` is no whole number of at least 1, or the texts have no word.

    References
    ----------
    S. Deerwester, S. T. Dumais, G. W. Furnas, T. K. Landauer and R. Harshman, Indexing by latent
    semantic analysis, Journal of the American Society for Information Science 41, 1990.

    Examples
    --------
    >>> LSA(n_components=2, min_df=1).fit_transform(["red car", "red rose", "blue car"]).shape
    (3, 2)
    """

    def __init__(self, n_components=100, min_df=2, random_state=0):
        self.n_components = n_components
        self.min_df = min_df
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the words and their directions from a list of texts."""
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit on the texts and return their vectors, float64 (n, n_components_)."""
        return _warn_of_empty(self._fit(X))

    def _fit(self, X):
        check_number(self.n_components, "n_components", 1, whole=True)
        self.tfidf_ = TfIdf(min_df=self.min_df, max_features=None).fit(X)
        # The SVD works on the sparse matrix: with many words the dense one would not fit.
        weights = self.tfidf_.vectorizer_.transform(X)
        self.svd_ = TruncatedSVD(
            min(self.n_components, *weights.shape), n_iter=10, random_state=self.random_state
        ).set_output(transform="default")
        projected = self.svd_.fit_transform(weights)
        found = _directions(self.svd_)
        if found < self.n_components:
            self.svd_.components_ = self.svd_.components_[:found]
            warnings.warn(
                f"{weights.shape[0]} texts with {weights.shape[1]} words have {found} directions "
                f"(dimensions), fewer than n_components={self.n_components}: LSA keeps {found}.",
                stacklevel=3,
            )
        self.feature_groups_ = [slice(0, found)]
        return projected[:, :found]

    @property
    def n_components_(self):
        return self.feature_groups_[0].stop

    @property
    def components_(self):
        return self.svd_.components_

    @property
    def vocabulary_(self):
        return self.tfidf_.vocabulary_

    def transform(self, X):
        """Dense float64 matrix (n, n_components_); a text of unknown words is a row of zeros."""
        check_is_fitted(self)
        weights = self.tfidf_.vectorizer_.transform(_check_texts(X))
        return _warn_of_empty(self.svd_.transform(weights))


class TextParts(TransformerMixin, BaseEstimator):
    """A text as a whole and in consecutive parts, all through the same features.

        x = [x_whole, x_part 1, ..., x_part p]

    A text of m words is cut into p runs whose lengths differ by one word at most, the longer ones
    first; words are what white space separates, and in scripts without spaces the characters. A
    text of fewer words than parts leaves its last parts empty: rows of zeros. The features are
    fitted on whole texts, so that all parts live in one space.

    Parameters
    ----------
    transformer : name or transformer of texts, default "lsa"
    parts : int, default 3

    Attributes
    ----------
    transformer_ : the fitted transformer
    feature_groups_ : list of 1 + parts slices, the whole first

    Raises
    ------
    ValueError
        If `parts` is no whole number from 1 to 100.

    Examples
    --------
    >>> texts = ["red car", "red rose", "blue car"]
    >>> TextParts(BagOfWords(min_df=2), parts=2).fit_transform(texts)  # columns: car, red
    array([[1., 1., 0., 1., 1., 0.],
           [0., 1., 0., 1., 0., 0.],
           [1., 0., 0., 0., 1., 0.]])
    """

    def __init__(self, transformer="lsa", parts=3):
        self.transformer = transformer
        self.parts = parts

    def fit(self, X, y=None):
        """Fit the features on the whole texts."""
        from mmlearn.features import make_text_features

        whole = isinstance(self.parts, int | np.integer) and not isinstance(self.parts, bool)
        if not whole or not 1 <= self.parts <= 100:
            raise ValueError(f"parts must be a whole number from 1 to 100, got {self.parts!r}.")
        self.transformer_ = fit_copy(make_text_features(self.transformer), _check_texts(X))
        with _no_warning_of_empty():
            d = transformed(self.transformer_, X[:1]).shape[1]
        self.feature_groups_ = [slice(i * d, (i + 1) * d) for i in range(1 + self.parts)]
        return self

    def transform(self, X):
        """Features (n, d · (1 + parts)) of a list of texts."""
        check_is_fitted(self)
        cut = [runs_of_words(text, self.parts) for text in _check_texts(X)]
        whole = self._features(X)
        with _no_warning_of_empty():  # of a part that is natural
            parts = [self._features([runs[i] for runs in cut]) for i in range(self.parts)]
        return np.hstack([whole, *parts])

    def _features(self, texts):
        x = np.array(transformed(self.transformer_, list(texts)))
        x[[not text.strip() for text in texts]] = 0  # whatever the features make of nothing
        return x


def _check_texts(texts):
    return check_strings(repeatable(texts), "texts", "item", any_text=True)


def _fit_vectorizer(vectorizer, texts):
    texts = _check_texts(texts)
    try:
        return vectorizer.fit(texts)
    except ValueError as error:
        reason = error
    if not any(map(words, texts)):
        raise ValueError(f"none of these {len(texts)} texts has a word; give other texts.")
    if vectorizer.min_df == 2:
        warnings.warn(
            f"no word stands in two of these {len(texts)} texts: all are kept, as by min_df=1. "
            "Give more texts, so that words can tell them apart.",
            stacklevel=3,
        )
        return vectorizer.set_params(min_df=1).fit(texts)
    raise ValueError(
        f"no vocabulary can be made of these {len(texts)} texts ({reason}); "
        "lower min_df or give longer texts."
    )


def _directions(svd):
    """How many singular values are more than rounding: copies of a text add no direction."""
    return int((svd.singular_values_ > 1e-9 * svd.singular_values_.max()).sum())


def _warn_of_empty(vectors):
    """The vectors of texts; a warning where many are of texts that hold no known word."""
    empty = int((~vectors.any(axis=1)).sum())
    if empty > EMPTY_ROWS * len(vectors):
        warnings.warn(
            f"{empty} of {len(vectors)} texts ({empty / len(vectors):.0%}) have {NO_KNOWN_WORD} "
            "and are rows of zeros; lower min_df, or fit on more texts.",
            stacklevel=4,
        )
    return vectors


@contextmanager
def _no_warning_of_empty():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f".*{NO_KNOWN_WORD}")
        yield
