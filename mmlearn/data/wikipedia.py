"""The Wikipedia benchmark: 2,866 sections of articles, each with the picture printed beside it."""

import hashlib
import html
import re
import zipfile
from pathlib import Path

import numpy as np

from mmlearn.data.paired import PairedDataset
from mmlearn.storage.cache import cache_dir, local_folder

__all__ = ["load_wikipedia"]

FEATURES_AT = (
    "https://raw.githubusercontent.com/emanuetre/crossmodal/"
    "40db7f5338a150ef8feff2787f4bb8b3df809355/wikipedia_info/"
)
TEXTS_AT = (
    "https://github.com/sabirafik/aiml, folder wikipedia_dataset/texts, "
    "commit 1662663a859147b84e56d4c666b4b98f5c9826b6"
)
SHA256 = {
    "raw_features.mat": "ca628f765a69575e168ab29eb97f5ade12fadf47b31de1328c7ff631c7f225ae",
    "trainset_txt_img_cat.list": "30c1ba8afbe90da5986de9b12496b6dd2e4680d3876b79ab7aae2e437d5819a3",
    "testset_txt_img_cat.list": "ec3123ee31cc89dd95fbeb23eb73b2ecfd1d8909bba863723471aad99408c1eb",
    "categories.list": "4929f3ee00e9de9ffe11f9ab18fc8919b0f6182cc801309409df2f2d05e2b0f5",
}

LICENCE = (
    "Features: N. Rasiwasia et al., SVCL, UC San Diego, 2010; no licence is stated. "
    "Texts: Wikipedia's authors, CC BY-SA and GFDL."
)


def load_wikipedia(texts=None):
    """The benchmark of cross-modal retrieval: Wikipedia's featured articles, cut into sections.

    Each item is one section of an article and the picture that stands in it, in 10 classes. The
    pictures themselves are not part of it: `images` are bags of 128 SIFT words, and `texts` are
    the shares of 10 LDA topics, as the authors made them. The files are looked for in
    $MMLEARN_DATA/wikipedia and in :func:`mmlearn.data.cache_dir`, else downloaded there (1.3 MB)
    and checked.

    Three things to know before believing a score on it:

    * LDA's topic shares sum to 1, so their covariance is singular: CCA finds 9 components at most;
    * 552 of the 693 test documents are sections of articles of which other sections are in train;
    * 3 test image vectors also occur in train.

    Parameters
    ----------
    texts : bool or None
        The raw texts (2,866 XML files) have no fixed archive to be downloaded from. None: as
        `captions` where texts.zip or a folder texts/ lies beside the other files, else
        `captions` is None. True: an error if they are not there. False: never.

    Returns
    -------
    PairedDataset with `image_vectors` (2866, 128), `text_vectors` (2866, 10), labels and folds:
    use `official_split()` for the 2,173 training and 693 test documents. Titles are the
    articles' names where the texts are there, else the documents' numbers.

    Raises
    ------
    FileNotFoundError
        If a file is neither here nor to be downloaded, or texts=True and there are none.
    ValueError
        If a file is damaged.

    References
    ----------
    N. Rasiwasia, J. Costa Pereira, E. Coviello, G. Doyle, G. R. G. Lanckriet, R. Levy and
    N. Vasconcelos, A new approach to cross-modal multimedia retrieval, ACM Multimedia 2010.

    Examples
    --------
    >>> train, test = load_wikipedia().official_split()  # doctest: +SKIP
    >>> train.images.shape, test.texts.shape  # doctest: +SKIP
    ((2173, 128), (693, 10))
    >>> load_wikipedia().features(image=None, text="lsa")  # of the raw texts  # doctest: +SKIP
    """
    from scipy.io import loadmat

    features, train_list, test_list, categories = (_file(name) for name in SHA256)
    vectors = loadmat(features)
    train, test = _read_list(train_list), _read_list(test_list)
    documents = train + test
    names, captions = _read_texts([document for document, _ in documents], texts)
    return PairedDataset(
        "wikipedia",
        pictures=None,
        captions=captions,
        image_vectors=np.vstack([vectors["I_tr"], vectors["I_te"]]),
        text_vectors=np.vstack([vectors["T_tr"], vectors["T_te"]]),
        titles=names,
        labels=[label for _, label in documents],
        label_names=categories.read_text(encoding="utf-8").split(),
        folds=["train"] * len(train) + ["test"] * len(test),
        licence=LICENCE,
        source=f"{FEATURES_AT}; texts: {TEXTS_AT}",
    )


def _file(name):
    """The path of a file whose content is what it should be."""
    folder = local_folder("wikipedia")
    if folder is not None and (folder / name).is_file():
        return _checked(folder / name)
    return _download(name)


def _checked(path):
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256[path.name]:
        raise ValueError(
            f"{path} is damaged or another version: its SHA-256 is {found[:12]}…, not "
            f"{SHA256[path.name][:12]}…; delete it and take it from {FEATURES_AT}{path.name}."
        )
    return path


def _download(name):
    """The file of the cache folder, downloaded where it is missing or damaged there."""
    import pooch

    folder = cache_dir() / "wikipedia"
    try:
        path = pooch.retrieve(
            FEATURES_AT + name, known_hash=f"sha256:{SHA256[name]}", fname=name, path=folder
        )
    except OSError as error:  # requests' errors are OSErrors, too
        raise FileNotFoundError(
            f"{name} of the Wikipedia data is not on this machine and could not be downloaded "
            f"({type(error).__name__}); get {', '.join(SHA256)} from {FEATURES_AT} and put them "
            f"into {folder}, or into the folder wikipedia of $MMLEARN_DATA."
        ) from None
    except ValueError as error:
        raise ValueError(f"{FEATURES_AT}{name} no longer is the file it was: {error}") from error
    return Path(path)


def _read_list(path):
    """[(document, label), ...]; the file counts classes from 1."""
    lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [(document, int(category) - 1) for document, _, category in lines]


def _read_texts(documents, wanted):
    """The names of the articles, and the texts of the documents, None if not there or wanted."""
    root = None if wanted is False else _texts_root()
    if root is None and wanted:
        raise FileNotFoundError(
            f"the raw texts of the Wikipedia data are not on this machine; get the XML files from "
            f"{TEXTS_AT}, and put the folder texts, or a texts.zip that holds it, into "
            f"{cache_dir() / 'wikipedia'}, or into the folder wikipedia of $MMLEARN_DATA."
        )
    if root is None:
        return [f"document {document}" for document in documents], None
    names, texts = zip(*(_read_xml(root / f"{d}.xml") for d in documents), strict=True)
    return list(names), list(texts)


def _texts_root():
    """Where the XML files lie: texts.zip, a folder texts, or None."""
    for folder in (local_folder("wikipedia"), cache_dir() / "wikipedia"):
        if folder is not None and (folder / "texts.zip").is_file():
            try:
                return zipfile.Path(folder / "texts.zip") / "texts"
            except zipfile.BadZipFile as error:
                raise ValueError(_damaged(folder / "texts.zip", error)) from error
        if folder is not None and (folder / "texts").is_dir():
            return folder / "texts"
    return None


def _read_xml(path):
    """The article's name and the text of one file.

    By pattern, since a third of the files is no well-formed XML (bare "&", HTML's entities). The
    class written into the file is another classification than the benchmark's and is not read.
    """
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
        name = re.search(r'<document [^>]*name="([^"]*)"', content).group(1)
        text = re.search(r"<text>(.*?)</text>", content, re.DOTALL).group(1)
    except (OSError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(_damaged(path, error)) from error
    return html.unescape(name).replace("_", " "), html.unescape(text).strip()


def _damaged(path, error):
    return f"{path} is missing or damaged ({error}); get it anew from {TEXTS_AT}."
