"""Texts as vectors: bag of words, TF-IDF, latent semantic analysis."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

__all__ = ["LSA", "BagOfWords", "TextParts", "TfIdf"]


class BagOfWords(TransformerMixin, BaseEstimator):
    """How often each word of the training texts occurs in a text.

        x_j = number of times that word j occurs

    Words are lower-cased runs of at least two letters or digits. Words never met in training are
    ignored, so a text of unknown words is a row of zeros.

    Parameters
    ----------
    min_df : int, default 2
        Leave out words that fewer than so many training texts hold.
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
        If no word is frequent enough.

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
        self.vocabulary_ = self.vectorizer_.get_feature_names_out().tolist()
        self.feature_groups_ = [slice(0, len(self.vocabulary_))]
        return self

    def transform(self, X):
        """Dense float64 matrix (n, words)."""
        check_is_fitted(self)
        return self.vectorizer_.transform(_check_texts(X)).toarray()

    def _vectorizer(self):
        return CountVectorizer(min_df=self.min_df, max_features=self.max_features, dtype=np.float64)


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
        return TfidfVectorizer(
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
    min_df : int, default 2
    random_state : int, default 0; the SVD is randomised

    Attributes
    ----------
    components_ : Vᵀ, float64 (n_components, words)
    vocabulary_ : list of str, the words
    feature_groups_ : list of one slice

    Raises
    ------
    ValueError
        If `n_components` exceeds the number of words or texts.

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
        self.fit_transform(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit on the texts and return their vectors, float64 (n, n_components)."""
        self.tfidf_ = TfIdf(min_df=self.min_df, max_features=None).fit(X)
        self.vocabulary_ = self.tfidf_.vocabulary_
        # The SVD works on the sparse matrix: with many words the dense one would not fit.
        weights = self.tfidf_.vectorizer_.transform(X)
        if not 1 <= self.n_components <= min(weights.shape):
            raise ValueError(
                f"n_components={self.n_components} directions cannot be had from "
                f"{weights.shape[0]} texts with {weights.shape[1]} words; "
                f"use 1 to {min(weights.shape)}."
            )
        self.svd_ = TruncatedSVD(self.n_components, n_iter=10, random_state=self.random_state)
        self.feature_groups_ = [slice(0, self.n_components)]
        projected = self.svd_.fit_transform(weights)
        self.components_ = self.svd_.components_
        return projected

    def transform(self, X):
        """Dense float64 matrix (n, n_components); a text of unknown words is a row of zeros."""
        check_is_fitted(self)
        return self.svd_.transform(self.tfidf_.vectorizer_.transform(_check_texts(X)))


class TextParts(TransformerMixin, BaseEstimator):
    """A text as a whole and in consecutive parts, all through the same features.

        x = [x_whole, x_part 1, ..., x_part p]

    A text of m words is cut into p runs whose lengths differ by one word at most, the longer ones
    first; words are what white space separates. A text of fewer words than parts leaves its last
    parts empty: rows of zeros. The features are fitted on whole texts, so that all parts live in
    one space.

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
        self.transformer_ = clone(make_text_features(self.transformer)).fit(_check_texts(X))
        d = np.asarray(self.transformer_.transform(X[:1])).shape[1]
        self.feature_groups_ = [slice(i * d, (i + 1) * d) for i in range(1 + self.parts)]
        return self

    def transform(self, X):
        """Features (n, d · (1 + parts)) of a list of texts."""
        check_is_fitted(self)
        cut = [np.array_split(text.split(), self.parts) for text in _check_texts(X)]
        columns = [[" ".join(of_one[i]) for of_one in cut] for i in range(self.parts)]
        return np.hstack([self._features(texts) for texts in (X, *columns)])

    def _features(self, texts):
        x = np.array(self.transformer_.transform(list(texts)))
        x[[not text.strip() for text in texts]] = 0  # whatever the features make of nothing
        return x


def _check_texts(texts):
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("texts must be a list of str, one per item.")
    return texts


def _fit_vectorizer(vectorizer, texts):
    texts = _check_texts(texts)
    try:
        return vectorizer.fit(texts)
    except ValueError as error:
        raise ValueError(
            f"no vocabulary can be made of these {len(texts)} texts ({error}); "
            "lower min_df or give longer texts."
        ) from None
