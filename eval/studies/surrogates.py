"""Cheap models that stand for dear ones: surrogates of bundles, and topics in place of events.

A bundle takes too long to be trained for every split. Its surrogate reads the same text and has the
same kind of features, so that what a split costs the one tells what it costs the other: it is
refitted in seconds.

``words`` stands for the baseline: TF-IDF of one and two words, and a logistic regression.
``embeddings`` stands for the transformer: the word embeddings of the default encoder, which the
shipped bundle holds as they were before it was trained (it was trained with frozen embeddings), a
sentence being the mean over its tokens, and a logistic regression. The encoder's
own layers are not used: the bundle's have learned from the labels of these very rows, so that no
row would be held out from them, and the bundle gives out none of what lies between.

A split by event needs topics where a corpus names none: articles are clustered by their words.
`gather` puts the rows together that are split and read.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.bundles import default_path, read_manifest
from framescope.classifier.models import EMBEDDINGS, TOKENIZER, Embeddings, Reader, form_of
from framescope.classifier.records import fold
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.rows import Bools, Single, is_positive
from framescope.training.data import Examples, Text
from numpy.typing import NDArray

FOLDS = 5
MOST_TOKENS = 512
"""Tokens of a row that are read for its embedding."""
_MOST_NGRAMS = 100_000
# Inverse strengths of the penalty: embeddings are hundreds of dense columns of unit variance, all
# of which count at once, and TF-IDF's rows have unit length and few columns each.
_C_OF_WORDS, _C_OF_EMBEDDINGS = 1.0, 0.003


@dataclass(frozen=True)
class Features:
    """What a stand-in reads of every row, and how it is made ready within a fold.

    ``matrix``: shape (n, k). ``steps``: gives the steps before the regression, not fitted. ``c``:
    inverse strength of the penalty.
    """

    matrix: Any
    steps: Callable[[], list[Any]]
    c: float

    def of(self, rows: NDArray[np.intp]) -> Features:
        """Keep some rows."""
        return Features(self.matrix[rows], self.steps, self.c)


def words(texts: Sequence[str]) -> Features:
    """Count n-grams of one and two words, once for all folds.

    Which n-grams there are is taken from all texts; what they are worth, idf and weight, only from
    those a model is fitted on.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    counts = CountVectorizer(
        ngram_range=(1, 2),
        min_df=2,
        max_features=_MOST_NGRAMS,
        dtype=np.float32,
        token_pattern=r"(?u)\b\w+\b",
    )
    return Features(
        counts.fit_transform(texts), lambda: [TfidfTransformer(sublinear_tf=True)], _C_OF_WORDS
    )


def embeddings(texts: Sequence[str], folder: Path | None = None) -> Features | None:
    """Embed each text by the encoder's word embeddings: the mean over its tokens.

    ``folder``: a transformer's bundle; the one that ships unless given. Gives none where there's no
    such bundle, or its embeddings were trained: they would know the labels of rows that are to be
    held out.
    """
    from sklearn.preprocessing import StandardScaler
    from tokenizers import Tokenizer

    folder = default_path("transformer") if folder is None else folder
    if not (folder / EMBEDDINGS).is_file():
        return None
    settings = read_manifest(folder).get("settings")
    if not isinstance(settings, dict) or settings.get("freeze_embeddings") is not True:
        return None
    with np.load(folder / EMBEDDINGS, allow_pickle=False) as arrays:
        table = Embeddings(arrays["table"], arrays["scale"])
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    coded = tokenizer.encode_batch([fold(text) for text in texts], add_special_tokens=False)
    width = table.table.shape[1]
    found = np.zeros((len(texts), width), np.float32)
    for row, code in enumerate(coded):
        if code.ids:
            found[row] = table.look_up(np.array(code.ids, np.int64)).mean(axis=0)
    return Features(found, lambda: [StandardScaler()], _C_OF_EMBEDDINGS)


def out_of_fold(features: Features, truth: Bools, groups: Text | None, *, seed: int) -> Single:
    """Score every row by a model that was fitted without its group.

    ``truth``: shape (n,). ``groups`` of shape (n,): what stays whole in a fold; None: rows.
    ``seed``: of the folds. Gives shape (n,): all NaN where there are fewer groups than folds, or
    one part of a fold would have to be learned from a single answer.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    unknown = np.full(len(truth), math.nan, np.float32)
    too_few = groups is not None and len(np.unique(groups)) < FOLDS
    if too_few or min(int(truth.sum()), int((~truth).sum())) < FOLDS:
        return unknown
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    scores = unknown.copy()
    folds = kind(FOLDS, shuffle=True, random_state=seed).split(truth, truth, groups)
    for train, test in folds:
        scores[test] = fitted(features, truth, train, test)
    return unknown if np.isnan(scores).any() else scores


def fitted(
    features: Features, truth: Bools, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Single:
    """Fit on some rows, both answers weighing alike, and score others; NaN for a single answer."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if len(np.unique(truth[train])) < 2:
        return np.full(len(test), math.nan, np.float32)
    regression = LogisticRegression(C=features.c, class_weight="balanced", max_iter=200)
    model = make_pipeline(*features.steps(), regression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features.matrix[train], truth[train])
    proba: Single = model.predict_proba(features.matrix[test])[:, 1].astype(np.float32)
    return proba


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

    ``names`` of shape (n,): the article of each row; an article is clustered whole. Gives shape
    (n,).
    """
    _, article = np.unique(names, return_inverse=True)
    order = np.argsort(article, kind="stable")
    ends = np.flatnonzero(np.diff(article[order])) + 1
    joined = [" ".join(texts[row] for row in rows) for rows in np.split(order, ends)]
    return clusters(joined, seed=seed)[article]


def clusters(texts: Sequence[str], *, seed: int = 0) -> NDArray[np.intp]:
    """Cluster texts: TF-IDF of single words, a truncated SVD of it, and k-means on the sphere.

    The vocabulary, the SVD and the clusters see every text, and no label.

    ``texts``: one an article. ``seed``: of the SVD and of the first centres; the same texts and
    seed give the same topics. Gives shape (n,): numbers of topics, by falling size.
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


MOST_ROWS = 6_000
"""Rows of a corpus; of larger ones whole articles are drawn by the seed."""


@dataclass(frozen=True)
class SplitRows:
    """The labelled rows of one signal of a corpus.

    ``texts``: as models read them, outlets' names taken out; whole articles for an article-level
    signal. ``truth``: shape (n,). ``article``, ``outlet``, ``date`` of shape (n,): outlet and date
    are empty where unknown. ``topic``: shape (n,). ``of_all``: how many there are without the cap.
    """

    corpus: str
    signal: str
    texts: tuple[str, ...]
    truth: Bools
    article: Text
    outlet: Text
    date: Text
    topic: Text
    of_all: int

    def __len__(self) -> int:
        return len(self.texts)

    def digest(self) -> str:
        """Digest of the rows and labels."""
        total = hashlib.sha256()
        for name, text, label in zip(self.article, self.texts, self.truth, strict=True):
            total.update(f"{name}\t{text}\t{int(label)}\n".encode())
        return total.hexdigest()[:16]


def gather(
    examples: Examples,
    corpus: str,
    signal: str,
    reader: Reader,
    dates: Mapping[str, str | None],
    *,
    seed: int = 0,
) -> SplitRows:
    """Gather the labelled rows, capped, in the form a model reads.

    ``reader``: takes outlets' names out. ``dates``: by article, as the examples name it. ``seed``:
    of the articles that are drawn, and of the topics. Raises `SignalError` when no corpus labels
    the signal.
    """
    rows = examples.where((examples.corpus == corpus) & ~np.isnan(examples.column(signal)))
    article = wholes(rows)
    # The sentences of each row: itself, or all of the article for an article-level signal.
    parts = [[row] for row in range(len(rows))]
    if BY_NAME[signal].level is Level.ARTICLE and len(rows):
        _, first, inverse = np.unique(rows.article, return_index=True, return_inverse=True)
        order = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
        parts, article = [own.tolist() for own in order], rows.article[first]
    of_all = len(parts)
    kept = _capped(article, seed)
    texts = [
        " ".join(reader.read(rows.sentences[row]).form(form_of(signal)).text for row in parts[at])
        for at in kept
    ]
    rows, article = rows.where(np.array([parts[at][0] for at in kept], np.intp)), article[kept]
    own = corpus in OWN_TOPICS
    dated = [dates.get(str(name)) or "" for name in rows.article]
    return SplitRows(
        corpus,
        signal,
        tuple(texts),
        is_positive(rows.column(signal)),
        article,
        rows.outlet,
        np.array(dated, np.str_),
        rows.group if own else topics(texts, article, seed=seed).astype(np.str_),
        of_all,
    )


def _capped(article: Text, seed: int) -> NDArray[np.intp]:
    """Draw whole articles until the next one would be too many rows; rows in their order."""
    names, index, counts = np.unique(article, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = order[np.cumsum(counts[order]) <= MOST_ROWS]
    rows: NDArray[np.intp] = np.flatnonzero(np.isin(index, taken))
    return rows
