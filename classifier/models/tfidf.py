"""The baseline: TF-IDF of words and characters, and one logistic regression per signal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
from framescope.classifier.models import base, evidence
from framescope.classifier.models.base import Reader, Reading, TextForm, form_of
from framescope.classifier.records import Sentence, Span, fold
from framescope.classifier.taxonomy import BY_NAME, Level
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

WEIGHTS = "weights.npz"
VOCABULARY = "vocabulary.json"
FILES = frozenset({WEIGHTS, VOCABULARY})
Unit = Literal["word", "char"]

# Punctuation counts as words: quotation marks, "?" and "!" say much about voice and framing.
TOKEN = r"\w+|[^\w\s]"
_BATCH = 4096  # texts counted at once, which bounds memory
_Reached = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class Ngrams:
    """A fixed vocabulary of n-grams of `shortest` to `longest` words or characters, and its idf."""

    unit: Unit  # characters stay within a chunk, which white space divides, padded by spaces
    shortest: int
    longest: int
    terms: tuple[str, ...]  # in the order of the columns
    idf: NDArray[np.float32]  # shape (n_terms,)

    @classmethod
    def learn(
        cls, texts: Sequence[str], unit: Unit, shortest: int, longest: int, least: int, most: int
    ) -> Ngrams:
        """Learn the `most` frequent n-grams of at least `least` texts; `ValueError` without any."""
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        counter = CountVectorizer(
            analyzer="char_wb" if unit == "char" else "word",
            ngram_range=(shortest, longest),
            token_pattern=TOKEN if unit == "word" else None,
            preprocessor=str.lower,
            min_df=least,
            max_features=most,
        )
        counts = counter.fit_transform(texts)
        idf = TfidfTransformer().fit(counts).idf_.astype(np.float32)
        return cls(unit, shortest, longest, tuple(counter.get_feature_names_out()), idf)

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def _column(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.terms)}

    def count(self, distinct: Sequence[str], texts: Sequence[Sequence[int]]) -> Any:
        """Return how often each term occurs in texts, given as numbers of `distinct` chunks."""
        if self.unit == "char":  # each distinct chunk is cut once
            in_chunks = [[column for column, _ in self.occurrences([one])] for one in distinct]
            return _counted(texts, len(distinct)) @ _counted(in_chunks, len(self))
        find = self._column.get
        pieces = [re.findall(TOKEN, chunk) for chunk in distinct]
        rows = []
        for text in texts:
            tokens = [token for number in text for token in pieces[number]]
            spans = range(self.shortest, self.longest + 1)
            grams = (zip(*(tokens[n:] for n in range(k)), strict=False) for k in spans)
            joined = map(" ".join, chain.from_iterable(grams))
            rows.append([column for gram in joined if (column := find(gram)) is not None])
        return _counted(rows, len(self))

    def occurrences(self, chunks: Sequence[str]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield the column of each term in a text, and the chunks of its characters or words."""
        find = self._column.get
        if self.unit == "char":
            for number, chunk in enumerate(chunks):
                padded = f" {chunk} "
                size = len(padded)
                # A chunk that is shorter than all n-grams is one n-gram.
                for length in range(self.shortest, min(self.longest, max(size, self.shortest)) + 1):
                    for at in range(max(size - length, 0) + 1):
                        if (column := find(padded[at : at + length])) is not None:
                            yield column, (number,)
            return
        tokens = [(word, n) for n, chunk in enumerate(chunks) for word in re.findall(TOKEN, chunk)]
        for length in range(self.shortest, self.longest + 1):
            for at in range(len(tokens) - length + 1):
                gram = tokens[at : at + length]
                if (column := find(" ".join(word for word, _ in gram))) is not None:
                    yield column, tuple(number for _, number in gram)


def _counted(found: Sequence[Sequence[int]], width: int) -> Any:
    """Count how often each row has found each of so many columns: sparse, the columns in order."""
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(len(found)), list(map(len, found)))
    cells = np.sort(rows * width + np.fromiter(chain.from_iterable(found), np.intp))
    begin = np.flatnonzero(np.diff(cells, prepend=-1))
    row, column = np.divmod(cells[begin], max(width, 1))
    ends = np.cumsum(np.bincount(row, minlength=len(found)))
    counts = np.diff(begin, append=len(cells)), column, np.concatenate([[0], ends])
    return csr_matrix(counts, shape=(len(found), width))


def count(blocks: Sequence[Ngrams], texts: Sequence[str]) -> Any:
    """Return how often every n-gram occurs in each text, sparse, shape (n_texts, n_features)."""
    from scipy.sparse import hstack, vstack

    parts = []
    for start in range(0, max(len(texts), 1), _BATCH):
        known: dict[str, int] = {}
        cut = [[known.setdefault(chunk, len(known)) for chunk in text.lower().split()]
               for text in texts[start : start + _BATCH]]  # fmt: skip
        parts.append(hstack([block.count(list(known), cut) for block in blocks], format="csr"))
    return vstack(parts, "csr")


def weigh(blocks: Sequence[Ngrams], counts: Any) -> Any:
    """Return the TF-IDF of counts, or of sums of their rows: sparse, float32, of the same shape."""
    from scipy.sparse import csr_matrix

    # 1 + ln(tf) times idf, each block of a row scaled to length 1 (Salton and Buckley, 1988, in
    # scikit-learn's form).
    data = np.log(counts.data.astype(np.float32))
    data += 1
    data *= np.concatenate([block.idf for block in blocks])[counts.indices]
    ends = np.cumsum([len(block) for block in blocks])
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    own = rows * len(blocks) + np.searchsorted(ends, counts.indices, side="right")
    lengths = np.sqrt(np.bincount(own, weights=data * data))
    data = (data / lengths[own]).astype(np.float32)
    order = np.argsort(own, kind="stable")  # block after block, as sums of counts are not
    return csr_matrix((data[order], counts.indices[order], counts.indptr), shape=counts.shape)


def pool(counts: Any, rows: NDArray[np.intp], size: int) -> Any:
    """Add up the rows of a sparse matrix that belong to the same of `size` articles."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(rows), dtype=counts.dtype)
    return csr_matrix((ones, (rows, np.arange(len(rows)))), shape=(size, len(rows))) @ counts


@dataclass(frozen=True, eq=False)
class BothForms:
    """Sentences in both forms: the neutral form of each, then the typed forms that differ."""

    readings: list[Reading]
    texts: list[str]  # from which n-grams are cut
    rows: dict[TextForm, NDArray[np.intp]]  # which text is each sentence in that form

    @classmethod
    def of(cls, reader: Reader, sentences: Sequence[Sentence]) -> BothForms:
        """Read sentences."""
        both = [reader.read(sentence) for sentence in sentences]
        readings = [one.neutral for one in both]
        neutral = np.arange(len(both))
        typed = neutral.copy()
        for row, one in enumerate(both):
            if one.typed is not one.neutral:
                typed[row] = len(readings)
                readings.append(one.typed)
        texts = [fold(reading.text) for reading in readings]
        return cls(readings, texts, {TextForm.TYPED: typed, TextForm.NEUTRAL: neutral})


class TfidfModel:
    """Logistic regressions on n-grams, a `classifier.models.Model`.

    A sentence-level signal reads the sentence, and the mean log-odds of its two neighbours with a
    fitted weight in `neighbours`; an article-level signal reads the n-grams of all its sentences.
    `weights`, of shape (n_signals, n_features), are rounded as they are stored.
    """

    def __init__(
        self,
        signals: tuple[str, ...],
        blocks: tuple[Ngrams, ...],
        weights: NDArray[np.floating[Any]],
        intercepts: NDArray[np.floating[Any]],
        calibration: base.Calibration,
        reader: Reader | None = None,
        neighbours: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        self.signals = signals
        self.runtime = f"numpy {np.__version__}"
        self.blocks = blocks
        self.weights = _shortened(weights)
        self._by_feature = np.ascontiguousarray(self.weights.T)
        self.intercepts: NDArray[np.float32] = intercepts.astype(np.float32)
        self.calibration = calibration
        self.reader = reader or Reader()
        none = np.zeros(len(signals))
        self.neighbours = (none if neighbours is None else neighbours).astype(np.float32)
        self.of_articles = np.array([BY_NAME[s].level is Level.ARTICLE for s in signals], np.bool_)
        self._typed = np.array([form_of(s) is TextForm.TYPED for s in signals], np.bool_)

    def predict(self, sentences: Sequence[Sentence]) -> base.Prediction:
        """Score sentences; the vectors are the log-odds, all that n-grams say of a sentence."""
        scored = _Scored(self, sentences)
        citations = tuple(sentence.citations for sentence in sentences)
        proba = self.calibration.apply(scored.logits)
        told, shares = scored.find, scored.shares
        return base.Prediction(proba, scored.logits, citations, scored.logits, told, shares=shares)

    def save(self, folder: Path, prefix: str = "") -> None:
        """Write `WEIGHTS` and `VOCABULARY` into a folder, without pickle."""
        arrays: dict[str, Any] = {"weights": self.weights.astype(np.float16)}
        arrays |= {"intercepts": self.intercepts, "neighbours": self.neighbours}
        arrays |= {f"idf_{number}": block.idf for number, block in enumerate(self.blocks)}
        np.savez_compressed(folder / f"{prefix}{WEIGHTS}", allow_pickle=False, **arrays)
        record = {
            "signals": self.signals,
            "placeholders": self.reader.registry is not None,
            "blocks": [
                {name: getattr(block, name) for name in ("unit", "shortest", "longest", "terms")}
                for block in self.blocks
            ],
        }
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        (folder / f"{prefix}{VOCABULARY}").write_text(text, encoding="utf-8")


def neighbours_mean(sentences: Sequence[Sentence]) -> Any:
    """Return a sparse matrix that averages over the sentences just before and after each."""
    from scipy.sparse import csr_array

    index = np.array([s.index for s in sentences])
    _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    before = np.flatnonzero((article[1:] == article[:-1]) & (index[1:] == index[:-1] + 1))
    rows, columns = np.r_[before, before + 1], np.r_[before + 1, before]
    share = 1.0 / np.maximum(np.bincount(rows, minlength=len(sentences)), 1)
    shape = len(sentences), len(sentences)
    return csr_array((share[rows].astype(np.float32), (rows, columns)), shape)


def _shortened(weights: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Round to five significant bits: half the compressed file, and each weight off by 3%."""
    mantissa, exponent = np.frexp(weights)
    rounded = np.ldexp(np.rint(mantissa * 32) / 32, exponent)
    shortened: NDArray[np.float32] = rounded.astype(np.float16).astype(np.float32)
    return shortened


def load(
    at: Path, calibration: base.Calibration | None, of: Registry | None = None, prefix: str = ""
) -> TfidfModel:
    """Read what `TfidfModel.save` wrote, by default with the shipped registry; or `BundleError`."""
    with base.whole(path := at / f"{prefix}{VOCABULARY}"):
        record = base.read_json(path)
        parts = [
            (one["unit"], int(one["shortest"]), int(one["longest"]), tuple(one["terms"]))
            for one in record["blocks"]
        ]
        signals = tuple(record["signals"])
        calibration = calibration or base.Calibration.identity(signals)
        if signals != calibration.signals:
            raise ValueError("its signals are not those of the calibration")
        if not {unit for unit, *_ in parts} <= {*get_args(Unit)}:
            raise ValueError("its n-grams are of unknown units")
        reader = Reader.of(of) if record.get("placeholders", False) else Reader()
    with base.whole(path := at / f"{prefix}{WEIGHTS}"):
        names = "weights", "intercepts", "neighbours", *(f"idf_{n}" for n in range(len(parts)))
        arrays = base.read_arrays(path, names)
        weights, intercepts, neighbours, *idf = (arrays[name] for name in names)
        blocks = tuple(Ngrams(*part, of_part) for part, of_part in zip(parts, idf, strict=True))
        if not (
            all(block.idf.shape == (len(block),) for block in blocks)
            and weights.shape == (len(signals), sum(map(len, blocks)))
            and intercepts.shape == neighbours.shape == (len(signals),)
        ):
            raise ValueError(f"its arrays don't fit {VOCABULARY}")
    return TfidfModel(signals, blocks, weights, intercepts, calibration, reader, neighbours)


class _Part(NamedTuple):
    """Some of the sentences, with the counts of their n-grams and their TF-IDF."""

    texts: BothForms
    counts: Any
    weighed: Any


class _Scored:
    """Sentences, their log-odds, and what their evidence is computed from."""

    def __init__(self, model: TfidfModel, sentences: Sequence[Sentence]) -> None:
        self.model, self.sentences = model, sentences
        columns, blocks, by_feature = model.of_articles, model.blocks, model._by_feature
        logits = np.zeros((len(sentences), len(model.signals)), np.float32)
        numbers: dict[str, int] = {}
        ids = [numbers.setdefault(s.article_id, len(numbers)) for s in sentences]
        self.article = np.array(ids, np.intp)
        self.parts: list[_Part] = []
        self.counts: Any = None  # sparse, shape (n_articles, n_features), as their TF-IDF
        self.weighed: Any = None
        for start in range(0, len(sentences), _BATCH):
            base.check_time()
            rows = slice(start, start + _BATCH)
            texts = BothForms.of(model.reader, sentences[rows])
            part_counts = count(blocks, texts.texts)
            self.parts.append(_Part(texts, part_counts, weigh(blocks, part_counts)))
            found = self.parts[-1].weighed @ by_feature
            neutral, typed = texts.rows[TextForm.NEUTRAL], texts.rows[TextForm.TYPED]
            logits[rows] = np.where(model._typed, found[typed], found[neutral])
            if columns.any():
                own = pool(part_counts[: len(neutral)], self.article[rows], len(numbers))
                self.counts = own if self.counts is None else self.counts + own
        if model.neighbours.any() and len(sentences):
            logits += model.neighbours * (neighbours_mean(sentences) @ logits)
        if columns.any() and len(sentences):
            self.weighed = weigh(blocks, self.counts)
            logits[:, columns] = (self.weighed @ by_feature)[self.article][:, columns]
        self.logits = logits + model.intercepts
        # What one occurrence of each n-gram adds; overwritten for each text.
        self._shares = np.zeros(model.weights.shape[1])

    def find(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Find the words that speak most for each signal of its sentence, strongest first."""
        names = evidence.names_by_article(self.sentences)
        found: list[tuple[Span, ...]] = []
        for row, signal in wanted:
            base.check_time()
            column, one = self.model.signals.index(signal), self.sentences[row]
            whole = bool(self.model.of_articles[column])
            scores = self._of_words(row, form_of(signal), self.model.weights[column], whole)
            found.append(evidence.telling_words(one, signal, scores, names[one.article_id]))
        return found

    def shares(self, row: int, form: TextForm, of_logits: Any, of_means: Any) -> base.Doubles:
        """Return what each chunk of a sentence adds to a weighted sum of its log-odds."""
        return self._of_words(row, form, of_logits @ self.model.weights, of_article=False)

    def _of_words(self, row: int, form: TextForm, weights: Any, of_article: bool) -> base.Doubles:
        """Return what each chunk adds to the n-grams' weighted sum: of each n-gram a share."""
        part = self.parts[row // _BATCH]
        line = int(part.texts.rows[form][row % _BATCH])
        text, reading = part.texts.texts[line], part.texts.readings[line]
        counts, weighed = part.counts, part.weighed
        if of_article:
            counts, weighed, line = self.counts, self.weighed, self.article[row]
        inside = slice(weighed.indptr[line], weighed.indptr[line + 1])
        known, shares = weighed.indices[inside], self._shares
        shares[known] = weighed.data[inside] * weights.take(known)
        shares[counts.indices[inside]] /= counts.data[inside]
        # A placeholder's words are those of the name that it stands for.
        places = [reading.original(*place) for place in evidence.chunks(text, evidence.SPACED)]
        features, words, sizes = self._reached(text)
        added = np.bincount(words, shares.take(features) / sizes, len(places))
        return evidence.shared_out(places, added, evidence.chunks(self.sentences[row].text))

    @cached_property
    def _reached(self) -> Callable[[str], _Reached]:
        return cache(self._reach)  # several signals ask for it

    def _reach(self, text: str) -> _Reached:
        """Return occurrences per chunk reached into: feature, chunk, how many chunks it reaches."""
        found: list[tuple[int, int, int]] = []
        first = 0
        for block in self.model.blocks:
            for column, numbers in block.occurrences(text.lower().split()):
                found += [(first + column, number, len(numbers)) for number in numbers]
            first += len(block)
        features, words, reached = np.array(found, np.intp).reshape(-1, 3).T
        return features, words, reached
