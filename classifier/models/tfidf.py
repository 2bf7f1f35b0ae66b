"""The baseline: TF-IDF of words and characters, and one logistic regression a signal."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError
from classifier.models.calibration import Calibration
from classifier.models.counts import Articles, Counts, count, read, weigh
from classifier.models.evidence import chunks, standing_out
from classifier.models.findings import FINDINGS, findings
from classifier.models.ngrams import Ngrams
from classifier.models.placeholders import Form, Reader, form_of
from classifier.taxonomy import BY_NAME, Level
from classifier.values import Sentence, Span

if TYPE_CHECKING:
    from classifier.sources import Registry

WEIGHTS = "weights.npz"
VOCABULARY = "vocabulary.json"

_BATCH = 4096  # sentences vectorised at once: bounds memory, whatever the input's size


class TfidfModel:
    """Fitted logistic regressions on n-grams; keeps the contract of `classifier.models.base.Model`.

    A sentence-level signal reads the sentence alone. An article-level signal reads the n-grams of
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
    trust : ndarray, shape (n_signals, n_findings), optional
        What each of the rules' findings adds to a signal's log-odds; by default nothing.
    """

    def __init__(
        self,
        signals: tuple[str, ...],
        blocks: tuple[Ngrams, ...],
        weights: NDArray[np.floating[Any]],
        intercepts: NDArray[np.floating[Any]],
        calibration: Calibration,
        reader: Reader | None = None,
        trust: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        self.signals = signals
        self.blocks = blocks
        self.weights = _shortened(weights)
        self.intercepts: NDArray[np.float32] = intercepts.astype(np.float32)
        self.calibration = calibration
        self.reader = reader or Reader()
        nothing = np.zeros((len(signals), len(FINDINGS)))
        self.trust: NDArray[np.float32] = (nothing if trust is None else trust).astype(np.float32)

    @property
    def of_articles(self) -> NDArray[np.bool_]:
        """Which columns are properties of the whole article."""
        return np.array([BY_NAME[s].level is Level.ARTICLE for s in self.signals], dtype=np.bool_)

    @property
    def typed(self) -> NDArray[np.bool_]:
        """Which columns read outlets' names by type."""
        return np.array([form_of(s) is Form.TYPED for s in self.signals], dtype=np.bool_)

    def predict(self, sentences: Sequence[Sentence]) -> TfidfPrediction:
        """Score sentences."""
        logits, articles = self._score(sentences)
        return TfidfPrediction(self.calibration.apply(logits), self, tuple(sentences), articles)

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities, shape (n_sentences, n_signals); (0, k) when empty."""
        return self.predict(sentences).proba

    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Log-odds before calibration, shape (n_sentences, n_signals)."""
        return self._score(sentences)[0]

    def _score(self, sentences: Sequence[Sentence]) -> tuple[NDArray[np.float32], Articles]:
        columns, typed = self.of_articles, self.typed
        logits = np.zeros((len(sentences), len(self.signals)), np.float32)
        articles = Articles.of(sentences)
        for start in range(0, len(sentences), _BATCH):
            rows = slice(start, start + _BATCH)
            counts = Counts.of(self.blocks, self.reader, sentences[rows])
            weighed = weigh(self.blocks, counts.each)
            for form, chosen in ((Form.TYPED, typed), (Form.NEUTRAL, ~typed)):
                if chosen.any():
                    found = weighed[counts.rows[form]] @ self.weights[chosen].T
                    logits[rows, chosen] = found
            if columns.any():
                articles.add(counts.in_form(Form.NEUTRAL), rows)
        if columns.any() and len(sentences):
            of_article = weigh(self.blocks, articles.counts) @ self.weights[columns].T
            logits[:, columns] = of_article[articles.rows]
        return logits + findings(sentences) @ self.trust.T + self.intercepts, articles

    def save(self, folder: Path) -> None:
        """Write `WEIGHTS` and `VOCABULARY` into a folder; no pickle."""
        arrays = {f"idf_{number}": block.idf for number, block in enumerate(self.blocks)}
        np.savez_compressed(
            folder / WEIGHTS,
            allow_pickle=False,
            weights=self.weights.astype(np.float16),
            intercepts=self.intercepts,
            trust=self.trust,
            **arrays,
        )
        record = {
            "signals": self.signals,
            "placeholders": self.reader.registry is not None,
            "blocks": [
                {
                    "unit": block.unit,
                    "shortest": block.shortest,
                    "longest": block.longest,
                    "terms": block.terms,
                }
                for block in self.blocks
            ],
        }
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / VOCABULARY).write_text(text, encoding="utf-8")


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
        with np.load(path, allow_pickle=False) as arrays:
            weights, intercepts = arrays["weights"], arrays["intercepts"]
            trust = arrays.get("trust")
            blocks = tuple(
                Ngrams(**part, idf=arrays[f"idf_{number}"]) for number, part in enumerate(parts)
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from None
    if signals != calibration.signals:
        raise _damaged(folder / VOCABULARY, "its signals are not those of the calibration")
    shape = (len(signals), sum(map(len, blocks)))
    fits = all(block.idf.shape == (len(block),) for block in blocks)
    fits &= trust is None or trust.shape == (len(signals), len(FINDINGS))
    if not fits or weights.shape != shape or intercepts.shape != shape[:1]:
        raise _damaged(path, f"its arrays don't fit {VOCABULARY}")
    reader = Reader.of(registry) if placeholders else Reader()
    return TfidfModel(signals, blocks, weights, intercepts, calibration, reader, trust)


def _read_vocabulary(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]], bool]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
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
class TfidfPrediction:
    """What a `TfidfModel` found; see `classifier.models.base.Prediction`."""

    proba: NDArray[np.float32]
    model: TfidfModel
    sentences: tuple[Sentence, ...]
    articles: Articles

    def evidence(self, row: int, signal: str) -> tuple[Span, ...]:
        """Find the words that speak most for ``signal`` in sentence ``row``, strongest first.

        An n-gram's contribution (its TF-IDF times its weight) is shared evenly among its
        occurrences and the words each reaches into, so that the words of a sentence add up to its
        log-odds. Neighbouring words that stand out are one span.

        Returns
        -------
        tuple of Span
            At most four, ``score`` being the contribution in log-odds, always above 0.
        """
        sentence = self.sentences[row]
        reading = read(self.model.reader, sentence, form_of(signal))
        text = reading.text
        shares = self._shares(row, self.model.signals.index(signal), text)
        words = chunks(text)
        scores = np.zeros(len(words))
        first = 0
        for block in self.model.blocks:
            for feature, reached in block.occurrences(text):
                for word in reached:
                    scores[word] += shares[first + feature] / len(reached)
            first += len(block)
        spans = []
        for start, end, score in standing_out(text, words, scores):
            first, last = reading.original(start, end)
            spans.append(
                Span(sentence.start + first, sentence.start + last, signal, float(f"{score:.4g}"))
            )
        return tuple(spans)

    def _shares(self, row: int, column: int, text: str) -> NDArray[np.float64]:
        """Give what one occurrence of each n-gram adds to the log-odds, shape (n_features,)."""
        if self.model.of_articles[column]:
            counts = self.articles.counts[self.articles.rows[row]]
        else:
            counts = count(self.model.blocks, [text])
        contribution = weigh(self.model.blocks, counts).toarray()[0] * self.model.weights[column]
        shares: NDArray[np.float64] = contribution / np.maximum(counts.toarray()[0], 1)
        return shares
