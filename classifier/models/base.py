"""What all models share: the forms of a text that they read, their contract, calibration, files.

Outlets' names are read as placeholders, the same for every outlet: one that no corpus names works
at once, and nothing can be learned from a name. Sourcing signals depend on whether a source is
state media ("StateMedia said"), so they read the typed form; all others read the neutral form.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.records import Citation, Mention, Role, Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Family
from numpy.lib import format as npy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

# One word each, so that the baseline has one n-gram for it, and as many tokens for the default
# encoder ("state ##media", "news ##media"), so that both forms are packed alike.
STATE_MEDIA = "StateMedia"
NEWS_MEDIA = "NewsMedia"


class TextForm(StrEnum):
    """How an outlet's name is read."""

    TYPED = "typed"  # StateMedia or NewsMedia
    NEUTRAL = "neutral"  # NewsMedia


def form_of(signal: str) -> TextForm:
    """Return the form of a text that a signal reads."""
    return TextForm.TYPED if BY_NAME[signal].family is Family.SOURCING else TextForm.NEUTRAL


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``text[start:end]``, which replaces ``original[first:last]``."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a model reads it."""

    text: str
    names: tuple[Placeholder, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return what ``text[start:end]`` stands for; of a name in part, the whole name."""
        if not self.names:
            return start, end
        return self._at(start, after=False), self._at(end, after=True)

    def _at(self, position: int, *, after: bool) -> int:
        # A range that ends where a placeholder begins has nothing of it.
        at = position - after
        name = next((one for one in reversed(self.names) if one.start <= at), None)
        if name is None:
            return position
        if at < name.end:
            return name.last if after else name.first
        return position - name.end + name.last


class Readings(NamedTuple):
    """A sentence in both forms: the same `Reading` twice unless it names state media."""

    typed: Reading
    neutral: Reading


@dataclass(frozen=True)
class Reader:
    """Returns the text that models read: with names of a registry, but for platforms, replaced."""

    registry: Registry | None = None  # None: texts are read as they are

    @classmethod
    def of(cls, registry: Registry | None = None) -> Reader:
        """Return the reader of a registry, by default the shipped one."""
        if registry is None:
            from framescope.classifier.outlets import load_registry

            registry = load_registry()
        return cls(registry)

    def read(self, sentence: Sentence) -> Readings:
        """Replace outlets' names, in both forms."""
        text, mentions = sentence.text, self.mentions(sentence)
        words = [STATE_MEDIA if self.is_state_media(one) else NEWS_MEDIA for one in mentions]
        neutral = _replaced(text, mentions, [NEWS_MEDIA] * len(mentions))
        typed = _replaced(text, mentions, words) if STATE_MEDIA in words else neutral
        return Readings(typed, neutral)

    def mentions(self, sentence: Sentence) -> list[Mention]:
        """Return the names that are replaced, in order."""
        if (registry := self.registry) is None:
            return []
        known = sentence.mentions  # found in this registry
        found = registry.mentions(sentence.text, sentence.lang) if known is None else known
        return [one for one in found if {registry[id].role for id in one.outlets} - {Role.PLATFORM}]

    def is_state_media(self, mention: Mention) -> bool:
        """Return whether all outlets that share a name are state media."""
        registry = self.registry
        return registry is not None and all(registry[name].state_media for name in mention.outlets)


def _replaced(text: str, mentions: Sequence[Mention], words: Sequence[str]) -> Reading:
    pieces: list[str] = []
    names: list[Placeholder] = []
    length = done = 0
    for mention, word in zip(mentions, words, strict=True):
        pieces += [text[done : mention.start], word]
        length += mention.start - done
        names.append(Placeholder(length, length + len(word), mention.start, mention.end))
        length, done = length + len(word), mention.end
    return Reading("".join([*pieces, text[done:]]), tuple(names))


def digest_of_names(registry: Registry) -> str:
    """Return the SHA-256 of the names that are replaced, and their types, for a manifest."""
    total = hashlib.sha256()
    for outlet in registry:
        for name in outlet.names if outlet.role is not Role.PLATFORM else ():
            if not name.ambiguous:
                total.update(f"{name.text}\t{outlet.state_media:d}\n".encode())
    return total.hexdigest()


Doubles = NDArray[np.float64]
Shares = Callable[[int, TextForm, NDArray[Any], NDArray[Any]], Doubles]
"""Of a row in a form, what each chunk adds to a weighted sum of logits and of the mean vector."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model predicts for a sequence of sentences."""

    proba: NDArray[np.float32]  # calibrated, shape (n_sentences, n_signals)
    logits: NDArray[np.float32]  # before calibration
    citations: tuple[tuple[Citation, ...], ...]  # of each sentence
    vectors: NDArray[np.float32] | None  # shape (n_sentences, d), for `models.stages`
    # Of rows and signals, the characters of the article's text that speak most for each.
    evidence: Callable[[Sequence[tuple[int, str]]], list[tuple[Span, ...]]]
    # For heads beside the model, which are linear in both: the mean vector of each sentence's
    # tokens, of shape (n_sentences, d), and what the words of a sentence add to a weighted sum of
    # logits, and to one of that vector.
    means: NDArray[np.float32] | None = None
    shares: Shares | None = None


@runtime_checkable
class Model(Protocol):
    """A fitted model."""

    signals: tuple[str, ...]  # the columns of its predictions, in taxonomy order
    runtime: str  # the library that computes them, and its version

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences: whole articles in order, as context and article signals need them."""
        ...


@dataclass(frozen=True)
class Calibration:
    """Platt scaling, a line per signal (Platt, 1999)."""

    signals: tuple[str, ...]
    slope: NDArray[np.float32]  # shape (n_signals,)
    intercept: NDArray[np.float32]  # shape (n_signals,)

    @classmethod
    def identity(cls, signals: Sequence[str]) -> Calibration:
        """Return the calibration that leaves ``sigmoid(logit)`` as it is."""
        k = len(signals)
        return cls(tuple(signals), np.ones(k, np.float32), np.zeros(k, np.float32))

    @classmethod
    def from_record(cls, record: Mapping[str, Sequence[float]]) -> Calibration:
        """Read ``{signal: [slope, intercept]}``."""
        lines = np.asarray(list(record.values()), np.float32).reshape(-1, 2)
        return cls(tuple(record), lines[:, 0], lines[:, 1])

    def to_record(self) -> dict[str, list[float]]:
        """Return the inverse of `from_record`."""
        lines = zip(self.signals, self.slope, self.intercept, strict=True)
        return {s: [round(float(slope), 6), round(float(at), 6)] for s, slope, at in lines}

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of logits, shape (n_sentences, n_signals)."""
        proba: NDArray[np.float32] = sigmoid(self.slope * logits + self.intercept)
        return proba.astype(np.float32)


def sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities of log-odds; the tanh form never overflows."""
    found: NDArray[Any] = 0.5 * (1.0 + np.tanh(0.5 * values))
    return found


def pool_articles(
    logits: NDArray[np.float32], sentences: Sequence[Sentence], columns: Sequence[int]
) -> NDArray[np.float32]:
    """Replace the logits in some columns, of article-level signals, by the article's mean."""
    if not len(sentences) or not len(columns):
        return logits
    _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    pooled = logits.copy()
    size = np.bincount(article)
    for column in columns:
        mean = np.bincount(article, weights=logits[:, column]) / size
        pooled[:, column] = mean[article]
    return pooled


_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit how long the block may compute: `check_time` raises after that."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def check_time() -> None:
    """Raise `TimeoutError` after the time limit; models call it between two batches."""
    if time.monotonic() > _UNTIL.get():
        raise TimeoutError


MAX_FILE = 2_000_000_000  # bytes of a bundle's file, and of unpacked arrays: as many as ONNX holds
_MAX_JSON = 30_000_000  # bytes
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError)
_MAX_DEPTH = 40  # lists and objects within each other


def read_json(path: Path) -> Any:
    """Read a JSON file; raise `ValueError` where it is too long or deep, or has odd numbers."""
    size = path.stat().st_size
    if size > _MAX_JSON:
        raise ValueError(f"{size:,} bytes, more than a bundle's file has")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("lists within lists, too deep to be read") from None
    _check_json(found, _MAX_DEPTH)
    return found


def _check_json(value: Any, depth: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        raise ValueError("a number that is too large")
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("lists within lists, too deep to be read")
        for item in value.values() if isinstance(value, dict) else value:
            _check_json(item, depth - 1)


def read_arrays(path: Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read arrays of numbers from an ``.npz`` file; `ValueError` where it holds less or others."""
    names = {f"{name}.npy" for name in wanted}
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if missing := sorted(names - members.keys()):
            raise ValueError(f"no {missing[0]} in it")
        if sum(members[name].file_size for name in names) > MAX_FILE:
            raise ValueError("its arrays are larger than a bundle's are")
        for name in sorted(names):
            with archive.open(name) as file:
                _check_header(file, name, members[name].file_size)
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in wanted}


def _check_header(file: Any, name: str, size: int) -> None:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.kind not in "fiu":  # neither objects nor text
        raise ValueError(f"{name} holds no numbers ({dtype})")
    # In Python's integers, which don't overflow.
    if math.prod(map(int, shape)) * dtype.itemsize > size - file.tell():
        raise ValueError(f"{name} says that it is larger than it is")


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Raise `BundleError` where a bundle's file, which the block reads, is missing or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise BundleError(f"{path}: missing from the bundle; get the bundle again") from None
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BundleError(f"{path}: damaged ({reason}); get the bundle again, or retrain") from None
