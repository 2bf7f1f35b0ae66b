"""Two cheap stand-ins (surrogate models), one of each family, refitted for every split in seconds.

A bundle takes too long to be trained for every split. Its surrogate reads the same text and has the
same kind of features, so that what a split costs the one tells what it costs the other.

``words`` stands for the baseline: TF-IDF of one and two words, and a logistic regression.
``embeddings`` stands for the transformer: the word embeddings of the default encoder, which the
shipped bundle holds as they were before it was trained (it was trained with frozen embeddings), a
sentence being the mean over its tokens, and a logistic regression. The encoder's
own layers are not used: the bundle's have learned from the labels of these very rows, so that no
row would be held out from them, and the bundle gives out none of what lies between.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import default_path, read_manifest
from classifier.models import EMBEDDINGS, TOKENIZER, Embeddings
from classifier.values import fold
from eval.rows import Bools, Single
from training.data import Text

FOLDS = 5
MOST_TOKENS = 512
"""Tokens of a row that are read for its embedding."""
_MOST_NGRAMS = 100_000


@dataclass(frozen=True)
class Features:
    """What a stand-in reads of every row, and how it is made ready within a fold.

    Attributes
    ----------
    matrix : sparse matrix or ndarray, shape (n, k)
    steps : callable
        Gives the steps before the regression, not fitted.
    c : float
        Inverse strength of the penalty.
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
        counts.fit_transform(texts), lambda: [TfidfTransformer(sublinear_tf=True)], c=1.0
    )


def embeddings(texts: Sequence[str], folder: Path | None = None) -> Features | None:
    """Embed each text by the encoder's word embeddings: the mean over its tokens.

    Parameters
    ----------
    texts : sequence of str
    folder : pathlib.Path, optional
        A transformer's bundle; the one that ships unless given.

    Returns
    -------
    Features or None
        None where there's no such bundle, or its embeddings were trained: they would know the
        labels of rows that are to be held out.
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
    return Features(found, lambda: [StandardScaler()], c=0.003)


def out_of_fold(features: Features, truth: Bools, groups: Text | None, *, seed: int) -> Single:
    """Score every row by a model that was fitted without its group.

    Parameters
    ----------
    features : Features
    truth : ndarray of bool, shape (n,)
    groups : ndarray of str, shape (n,), or None
        What stays whole in a fold; None: rows.
    seed : int
        Of the folds.

    Returns
    -------
    ndarray of float32, shape (n,)
        All NaN where there are fewer groups than folds, or one part of a fold would have to be
        learned from a single answer.
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
