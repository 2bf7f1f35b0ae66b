"""Topics of articles, by their words: what a split by event needs where a corpus names no topic."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data import Examples, Text

MOST_TOPICS = 40
LEAST_ARTICLES = 10
"""With fewer articles nothing is clustered: each is a topic of its own."""
ARTICLES_OF_A_TOPIC = 8
"""On average, where that gives no more than `MOST_TOPICS`."""
OWN_TOPICS = frozenset({"house"})
"""Corpora whose groups are events already."""
_DIMENSIONS = 100
_MOST_WORDS = 20_000


def wholes(examples: Examples) -> Text:
    """Give what each row was cut from: its article, or its group where articles are single rows.

    Corpora of single sentences call each one an article; their groups are pages, or blocks of
    neighbouring rows.
    """
    names = examples.article.copy()
    for corpus in np.unique(examples.corpus):
        own = examples.corpus == corpus
        if len(np.unique(examples.article[own])) == own.sum():
            names = names.astype(np.promote_types(names.dtype, examples.group.dtype))
            names[own] = examples.group[own]
    return names


def topics(texts: Sequence[str], names: Text, *, seed: int = 0) -> NDArray[np.intp]:
    """Give each row the topic of its article.

    Parameters
    ----------
    texts : sequence of str, length n
    names : ndarray of str, shape (n,)
        The article of each row; an article is clustered whole.
    seed : int

    Returns
    -------
    ndarray of intp, shape (n,)
    """
    _, article = np.unique(names, return_inverse=True)
    order = np.argsort(article, kind="stable")
    ends = np.flatnonzero(np.diff(article[order])) + 1
    joined = [" ".join(texts[row] for row in rows) for rows in np.split(order, ends)]
    return clusters(joined, seed=seed)[article]


def clusters(texts: Sequence[str], *, seed: int = 0) -> NDArray[np.intp]:
    """Cluster texts: TF-IDF of single words, a truncated SVD of it, and k-means on the sphere.

    The vocabulary, the SVD and the clusters see every text, and no label.

    Parameters
    ----------
    texts : sequence of str
        One an article.
    seed : int
        Of the SVD and of the first centres; the same texts and seed give the same topics.

    Returns
    -------
    ndarray of intp, shape (n,)
        Numbers of topics, by falling size.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    n = len(texts)
    if n < LEAST_ARTICLES:
        return np.arange(n)
    vectorizer = TfidfVectorizer(
        stop_words="english",
        sublinear_tf=True,
        # A word of one text says nothing of a topic, nor does one of most texts.
        min_df=2,
        max_df=0.5,
        max_features=_MOST_WORDS,
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:  # no word is in two texts, and not in most of them
        return np.arange(n)
    if weights.shape[1] > 2:
        dimensions = min(_DIMENSIONS, n - 1, weights.shape[1] - 1)
        weights = TruncatedSVD(dimensions, random_state=seed).fit_transform(weights)
    number = min(MOST_TOPICS, max(LEAST_ARTICLES // 2, n // ARTICLES_OF_A_TOPIC))
    means = KMeans(number, n_init=4, random_state=seed)
    with warnings.catch_warnings():
        # Of texts that are alike: some topics stay empty then.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = means.fit_predict(normalize(weights))
    by_size = np.argsort(-np.bincount(found, minlength=number), kind="stable")
    rank = np.empty(number, np.intp)
    rank[by_size] = np.arange(number)
    ranked: NDArray[np.intp] = rank[found]
    return ranked
