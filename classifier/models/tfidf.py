"""The baseline: TF-IDF of words and characters, and one logistic regression a signal."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.models.base import Calibration, check_time
from framescope.classifier.models.ngrams import Articles, BothForms, Ngrams, Places, weigh
from framescope.classifier.models.placeholders import Reader, TextForm, form_of
from framescope.classifier.models.reasons import chunks, standing_out
from framescope.classifier.models.stored import read_arrays, read_json
from framescope.classifier.records import Citation, Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Level
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

WEIGHTS = "weights.npz"
VOCABULARY = "vocabulary.json"
FILES = frozenset({WEIGHTS, VOCABULARY})

_BATCH = 4096  # sentences vectorised at once: bounds memory, whatever the input's size


class TfidfModel:
    """Fitted logistic regressions on n-grams; keeps the contract of `classifier.models.base.Model`.

    A sentence-level signal reads the sentence, and so much of what its two neighbours say of
    theirs as was fitted. An article-level signal reads the n-grams of
    all sentences with the same ``article_id`` in the sequence, in any order. Outlets' names are
    read in the form that goes with the signal, see `classifier.models.placeholders`.

    Parameters
    ----------
    signals : tuple of str
        The columns, in taxonomy order.
    blocks : tuple of Ngrams
        The features: one block of columns after the other.
    weights : ndarray, shape (n_signals, n_features)
        Held to five significant bits, as they are stored: what is evaluated is what is saved.
    intercepts : ndarray, shape (n_signals,)
    calibration : Calibration
    reader : Reader, optional
        What gives it its text; by default it reads sentences as they are.
    neighbours : ndarray, shape (n_signals,), optional
        What the mean of its neighbours' log-odds, without the intercept, counts beside a sentence's
        own; 0 unless given.
    """

    def __init__(
        self,
        signals: tuple[str, ...],
        blocks: tuple[Ngrams, ...],
        weights: NDArray[np.floating[Any]],
        intercepts: NDArray[np.floating[Any]],
        calibration: Calibration,
        reader: Reader | None = None,
        neighbours: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        self.signals = signals
        self.blocks = blocks
        self.weights = _shortened(weights)
        self.intercepts: NDArray[np.float32] = intercepts.astype(np.float32)
        self.calibration = calibration
        self.reader = reader or Reader()
        none = np.zeros(len(signals), np.float32)
        self.neighbours: NDArray[np.float32] = (
            none if neighbours is None else neighbours.astype(np.float32)
        )

    @property
    def runtime(self) -> str:
        """The library that computes its predictions, and its version."""
        return f"numpy {np.__version__}"

    @cached_property
    def of_articles(self) -> NDArray[np.bool_]:
        """Which columns are properties of the whole article."""
        return np.array([BY_NAME[s].level is Level.ARTICLE for s in self.signals], dtype=np.bool_)

    @cached_property
    def typed(self) -> NDArray[np.bool_]:
        """Which columns read outlets' names by type."""
        return np.array([form_of(s) is TextForm.TYPED for s in self.signals], dtype=np.bool_)

    def predict(self, sentences: Sequence[Sentence]) -> TfidfPrediction:
        """Score sentences, and keep what is known of them for their evidence."""
        kept: list[Counted] = []
        logits, articles = self._score(sentences, kept)
        proba = self.calibration.apply(logits)
        return TfidfPrediction(proba, self, tuple(sentences), kept, articles, logits)

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities, shape (n_sentences, n_signals); (0, k) when empty."""
        return self.calibration.apply(self.logits(sentences))

    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Log-odds before calibration, shape (n_sentences, n_signals)."""
        return self._score(sentences)[0]

    def _score(
        self, sentences: Sequence[Sentence], kept: list[Counted] | None = None
    ) -> tuple[NDArray[np.float32], Articles]:
        columns, typed = self.of_articles, self.typed
        logits = np.zeros((len(sentences), len(self.signals)), np.float32)
        articles = Articles.of(sentences)
        for start in range(0, len(sentences), _BATCH):
            check_time()
            rows = slice(start, start + _BATCH)
            part = Counted.of(self.blocks, BothForms.of(self.reader, sentences[rows]))
            found = part.weighed @ self._by_feature
            in_form = part.texts.rows
            neutral = in_form[TextForm.NEUTRAL]
            logits[rows] = np.where(typed, found[in_form[TextForm.TYPED]], found[neutral])
            if columns.any():
                articles.add(part.places.counts[: len(neutral)], rows)
            if kept is not None:
                kept.append(part)
        if self.neighbours.any() and len(sentences):
            logits += self.neighbours * (beside(sentences) @ logits)
        if columns.any() and len(sentences):
            of_article = weigh(self.blocks, articles.counts) @ self._by_feature
            logits[:, columns] = of_article[articles.rows][:, columns]
        return logits + self.intercepts, articles

    @cached_property
    def _by_feature(self) -> NDArray[np.float32]:
        """The weights as a matrix of features is multiplied with, shape (n_features, n_signals)."""
        return np.ascontiguousarray(self.weights.T)

    def save(self, folder: Path) -> None:
        """Write `WEIGHTS` and `VOCABULARY` into a folder; no pickle."""
        arrays = {f"idf_{number}": block.idf for number, block in enumerate(self.blocks)}
        np.savez_compressed(
            folder / WEIGHTS,
            allow_pickle=False,
            weights=self.weights.astype(np.float16),
            intercepts=self.intercepts,
            neighbours=self.neighbours,
            **arrays,
        )
        record = {
            "signals": self.signals,
            "placeholders": self.reader.registry is not None,
            "blocks": [
                {name: getattr(block, name) for name in ("unit", "shortest", "longest", "terms")}
                for block in self.blocks
            ],
        }
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / VOCABULARY).write_text(text, encoding="utf-8")


def beside(sentences: Sequence[Sentence]) -> Any:
    """Average over a sentence's neighbours: sparse, shape (n_sentences, n_sentences).

    The sentences before and after it in its article, where they stand beside it; a row without any
    is empty.
    """
    from scipy.sparse import csr_array

    index = np.array([s.index for s in sentences])
    _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    before = np.flatnonzero((article[1:] == article[:-1]) & (index[1:] == index[:-1] + 1))
    rows, columns = np.r_[before, before + 1], np.r_[before + 1, before]
    share = 1.0 / np.maximum(np.bincount(rows, minlength=len(sentences)), 1)
    shape = len(sentences), len(sentences)
    return csr_array((share[rows].astype(np.float32), (rows, columns)), shape)


def load(folder: Path, calibration: Calibration, registry: Registry | None = None) -> TfidfModel:
    """Read a model written by `TfidfModel.save`.

    Parameters
    ----------
    folder : pathlib.Path
    calibration : Calibration
    registry : Registry, optional
        Whose outlets it recognises; the one that ships unless given. A model that was trained
        without placeholders reads names as they are.

    Raises
    ------
    BundleError
        When a file is missing or damaged, or the files, or the calibration, don't fit together.
    """
    signals, parts, placeholders = _read_vocabulary(folder / VOCABULARY)
    path = folder / WEIGHTS
    try:
        names = {f"idf_{number}" for number in range(len(parts))}
        arrays = read_arrays(path, {"weights", "intercepts", "neighbours"} | names)
        weights, intercepts = arrays["weights"], arrays["intercepts"]
        neighbours = arrays["neighbours"]
        blocks = tuple(
            Ngrams(**part, idf=arrays[f"idf_{number}"]) for number, part in enumerate(parts)
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from None
    if signals != calibration.signals:
        raise _damaged(folder / VOCABULARY, "its signals are not those of the calibration")
    shape = (len(signals), sum(map(len, blocks)))
    fits = all(block.idf.shape == (len(block),) for block in blocks)
    lines = intercepts.shape == neighbours.shape == shape[:1]
    if not fits or weights.shape != shape or not lines:
        raise _damaged(path, f"its arrays don't fit {VOCABULARY}")
    reader = Reader.of(registry) if placeholders else Reader()
    return TfidfModel(signals, blocks, weights, intercepts, calibration, reader, neighbours)


def _read_vocabulary(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]], bool]:
    try:
        record = read_json(path)
        parts = [
            {
                "unit": {"word": "word", "char": "char"}[part["unit"]],
                "shortest": int(part["shortest"]),
                "longest": int(part["longest"]),
                "terms": tuple(part["terms"]),
            }
            for part in record["blocks"]
        ]
        return tuple(record["signals"]), parts, bool(record.get("placeholders", False))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from None


def _shortened(weights: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Round to five significant bits, which halves the file once it is compressed.

    Each weight is off by 3% at most, and over the n-grams of a sentence that evens out.
    """
    mantissa, exponent = np.frexp(weights)
    rounded = np.ldexp(np.rint(mantissa * 32) / 32, exponent)
    shortened: NDArray[np.float32] = rounded.astype(np.float16).astype(np.float32)
    return shortened


def _damaged(path: Path, reason: object) -> BundleError:
    if isinstance(reason, FileNotFoundError):
        return BundleError(f"{path}: missing from the bundle; get the bundle anew")
    what = f"no {reason}" if isinstance(reason, KeyError) else str(reason)
    return BundleError(f"{path}: damaged ({what}); get the bundle anew, or retrain")


@dataclass(frozen=True, eq=False)
class Counted:
    """Some of the sentences of a prediction, and the n-grams in them."""

    texts: BothForms
    places: Places
    weighed: Any  # shape (n_texts, n_features): TF-IDF of their counts

    @classmethod
    def of(cls, blocks: Sequence[Ngrams], texts: BothForms) -> Counted:
        """Count and weigh."""
        places = Places.of(blocks, texts.texts)
        return cls(texts, places, weigh(blocks, places.counts))


@dataclass(frozen=True, eq=False)
class TfidfPrediction:
    """What a `TfidfModel` found; see `classifier.models.base.Prediction`."""

    proba: NDArray[np.float32]
    model: TfidfModel
    sentences: tuple[Sentence, ...]
    parts: Sequence[Counted]
    articles: Articles
    vectors: NDArray[np.float32]  # log-odds before calibration: all that n-grams say of a sentence

    @property
    def citations(self) -> tuple[tuple[Citation, ...], ...]:
        """Those that the form of an article gives; an n-gram finds none."""
        return tuple(sentence.citations for sentence in self.sentences)

    def evidence(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Find the words that speak most for each signal of its sentence, strongest first.

        An n-gram's contribution (its TF-IDF times its weight) is shared evenly among its
        occurrences and the words each reaches into, so that the words of a sentence add up to its
        own log-odds. Neighbouring words that stand out are one span.

        At most four each, ``score`` being the contribution in log-odds, always above 0.
        """
        column = {signal: number for number, signal in enumerate(self.model.signals)}
        form = {signal: form_of(signal) for signal in self.model.signals}
        by_text: dict[tuple[int, int], list[int]] = {}
        for place, (row, signal) in enumerate(wanted):
            number = self.parts[row // _BATCH].texts.rows[form[signal]][row % _BATCH]
            by_text.setdefault((row, int(number)), []).append(place)
        found: list[tuple[Span, ...]] = [()] * len(wanted)
        for (row, number), places in by_text.items():
            check_time()
            base, part = self.sentences[row].start, self.parts[row // _BATCH]
            text, reading = part.texts.texts[number], part.texts.readings[number]
            words = chunks(text)
            columns = [column[wanted[place][1]] for place in places]
            scores = self._scores(row, number, columns, len(words))
            for place, of_words in zip(places, scores, strict=True):
                spans = []
                for start, end, score in standing_out(text, words, of_words):
                    first, last = reading.original(start, end)
                    score = float(f"{score:.4g}")
                    spans.append(Span(base + first, base + last, wanted[place][1], score))
                found[place] = tuple(spans)
        return found

    def _scores(
        self, row: int, number: int, columns: Sequence[int], n_words: int
    ) -> Iterator[NDArray[np.float64]]:
        """Give what each word of a text adds to the log-odds of some signals."""
        part = self.parts[row // _BATCH]
        features, words, reached = part.places.of_text(number)
        for column in columns:
            counts, weighed, line = part.places.counts, part.weighed, number
            if self._reads_articles[column]:
                counts, weighed = self.articles.counts, self._weighed_articles
                line = self.articles.rows[row]
            inside = slice(weighed.indptr[line], weighed.indptr[line + 1])
            known, shares = weighed.indices[inside], self._shares
            shares[known] = weighed.data[inside] * self.model.weights[column].take(known)
            shares[counts.indices[inside]] /= counts.data[inside]
            added = np.bincount(words, shares.take(features) / reached, n_words)
            yield added.astype(np.float64, copy=False)

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """What one occurrence of each n-gram of a text adds; used for one text after the other."""
        return np.zeros(self.model.weights.shape[1])

    @cached_property
    def _reads_articles(self) -> list[bool]:
        flags: list[bool] = self.model.of_articles.tolist()
        return flags

    @cached_property
    def _weighed_articles(self) -> Any:
        """TF-IDF of each article's counts."""
        return weigh(self.model.blocks, self.articles.counts)
