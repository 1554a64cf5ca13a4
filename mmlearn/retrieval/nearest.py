"""The nearest items of a gallery."""

import torch

from mmlearn.arrays import (
    check_matrix,
    check_sides,
    promoted,
    to_numpy,
    unit_rows,
)
from mmlearn.kinds import as_tensor
from mmlearn.retrieval.ranking import CELLS, check_k
from mmlearn.torch_state import ordinary_torch

__all__ = ["search"]


@ordinary_torch()
def search(*given, **options):
    """The k items of a gallery that are most similar to each query.

    Call signatures::

        search(queries, gallery, k=10)
        search(model, queries, gallery, k=10, query="text")

    The first compares by cosine, two matrices of embeddings of any origin. The second compares by
    the `similarity` of a fitted method, which need not be a cosine (SM, JRL and Deep-SM have their
    own), so that the ranking is the one that :func:`evaluate_retrieval` scores; it is the same as
    the first where the method's similarity is the cosine.

    Parameters
    ----------
    model : a fitted method that embeds, with ``similarity(image_embeddings, text_embeddings)``
    queries : (q, d), gallery : (m, d) embeddings, arrays or tensors (a tensor's device is used)
    k : int, at most m are returned
    query : "text" or "image": which side the queries are of; the gallery is of the other.
        Texts find images by default.

    Returns
    -------
    indices (q, k) and similarities (q, k), best first, as numpy arrays; items that tie come in
    the order of the gallery; no query gives no rows. Beside its results it holds a bounded number
    of similarities at a time and, in the first form, the gallery scaled to length one.

    Raises
    ------
    ValueError: NaN or infinity, another number of columns, an empty gallery, k or query as above

    >>> import numpy as np
    >>> search(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [2.0, 0.1]]), k=1)[0]
    array([[1]])
    >>> from mmlearn.classical import SM
    >>> x, labels = np.array([[0.0], [0.1], [1.0], [1.1]]), [0, 0, 1, 1]
    >>> sm = SM().fit(x, x, labels)
    >>> search(sm, sm.embed_texts(x[:2]), sm.embed_images(x[2:]), k=1, query="text")[0].shape
    (2, 1)
    """
    first = given[0] if given else options.get("model")
    if callable(getattr(first, "similarity", None)):
        return _by_model(*given, **options)
    return _by_cosine(*given, **options)


def _by_cosine(queries, gallery, k=10):
    sides = _checked(queries, gallery)
    device = next((z.device for z in sides if isinstance(z, torch.Tensor)), "cpu")
    queries, gallery = (as_tensor(z).to(device) for z in sides)
    # As in `cosine_similarity`, but the gallery is scaled once, and not for each block of queries.
    gallery = promoted(queries[:0], unit_rows(gallery))[1]
    return _best(
        lambda some: promoted(unit_rows(some), gallery[:0])[0] @ gallery.T, queries, len(gallery), k
    )


def _by_model(model, queries, gallery, k=10, query="text"):
    if query not in ("text", "image"):
        raise ValueError(f'query must be "text" or "image", what the queries are; got {query!r}.')
    queries, gallery = _checked(queries, gallery)
    if query == "image":
        return _best(lambda some: model.similarity(some, gallery), queries, len(gallery), k)
    return _best(lambda some: model.similarity(gallery, some).T, queries, len(gallery), k)


def _checked(queries, gallery):
    gallery = check_matrix(gallery, "gallery")
    queries, gallery = check_sides(queries, gallery, ("queries", "gallery"))
    return tuple(z.detach() if isinstance(z, torch.Tensor) else z for z in (queries, gallery))


def _best(compare, queries, m, k):
    """The k best of m items for each query, from ``compare(some queries)``, (some, m) scores."""
    check_k(k)
    k, step = min(int(k), m), max(1, CELLS // m)
    found = [
        _top(as_tensor(compare(queries[i : i + step]), "similarity"), k)
        for i in range(0, max(len(queries), 1), step)
    ]
    values, indices = (to_numpy(torch.cat(parts)) for parts in zip(*found, strict=True))
    return indices, values


def _top(scores, k):
    """The k largest of each row, ties in the order of the columns: values and columns."""
    values, columns = scores.topk(k, dim=1)
    if bool(values.isnan().any()):
        raise ValueError("the similarity holds NaN: check the embeddings and the model.")
    tied = (scores >= values[:, -1:]).sum(dim=1) > k  # more than k are as good as the last
    if bool(tied.any()):
        columns[tied] = scores[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
    columns = columns.sort(dim=1).values
    values, order = scores.gather(1, columns).sort(dim=1, descending=True, stable=True)
    return values, columns.gather(1, order)
