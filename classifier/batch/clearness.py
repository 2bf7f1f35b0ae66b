"""How clear what a baseline says is, what settling it costs, and where that is written down.

`framescope eval cascade` measures it of two bundles, and `batch.cascade` goes by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.classifier.models import TOKENIZER, read_json
from framescope.classifier.taxonomy import NAMES, in_order
from numpy.typing import NDArray

CLEARNESS = "cascade.json"
"""Beside a bundle of one's own; that of the two bundles that ship lies here."""
BASELINE = "baseline"
"""What settles: the bundle that ships."""

_FORMAT = 1

Floats = NDArray[np.float64]


class CascadeError(FramescopeError):
    """Two bundles of which nobody has measured what settling costs."""


@dataclass(frozen=True)
class Doubt:
    """How likely the transformer decides otherwise, by the baseline's margin.

    Attributes
    ----------
    edges : tuple of float
        Rising: between two of them a margin has one chance. One of them is 0, the threshold.
    chances : tuple of float
        One more than edges: rising up to the threshold, falling from there.
    limit : float
        The mean chance of a passage's sentences up to which the passage is clear.
    """

    edges: tuple[float, ...]
    chances: tuple[float, ...]
    limit: float

    def at(self, found: Floats) -> Floats:
        """Give the chance at some margins."""
        chances: Floats = np.asarray(self.chances)[np.searchsorted(self.edges, found, side="right")]
        return chances


@dataclass(frozen=True)
class Toll:
    """What settling costs a signal's figure, measured on labels that neither model has seen.

    Attributes
    ----------
    data : str
        The labels: corpora and parts.
    sentences, articles : int
        With a label: articles for a signal of articles.
    alone, cascade : float
        F1 of the transformer alone, and of the cascade.
    difference, low, high : float or None
        The second less the first, and its 95% interval, articles resampled; None where there are
        too few.
    """

    data: str
    sentences: int
    articles: int
    alone: float
    cascade: float
    difference: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        said = f"F1 {self.alone:.3f} to {self.cascade:.3f} ({self.difference:+.3f}"
        if self.low is not None and self.high is not None:
            said += f", 95% interval {self.low:+.3f} to {self.high:+.3f}"
        return f"{said}; {self.sentences:,} sentences, {self.articles:,} articles)"


@dataclass(frozen=True)
class Settling:
    """What settling does where some signals are reported, measured on held-out articles.

    Attributes
    ----------
    settled : float
        The share of tokens that need no encoder.
    changed : float
        The share of these signals' decisions that are other than the transformer's.
    voices : float
        The share of sentences whose voice is another.
    citations : float
        The share of the transformer's citations that are lost.
    tolls : mapping of str to Toll
        By signal; those without labels have none.
    """

    settled: float
    changed: float
    voices: float
    citations: float
    tolls: Mapping[str, Toll] = field(default_factory=dict)


@dataclass(frozen=True)
class Clearness:
    """What was measured of a baseline and a transformer.

    Attributes
    ----------
    baseline, transformer : str
        Digests of the bundles (`classifier.bundles.digest_of`).
    data : str
        What it was measured on.
    limit : float
        Of the expected share of other decisions in a passage, of each reported signal; that of a
        signal on which the two seldom differ is lower.
    doubts : mapping of str to Doubt
        By signal, fitted on validation articles.
    sentences, articles : int
        Of which ``together`` and ``alone`` tell.
    together : Settling
        Where all signals are reported.
    alone : mapping of str to Settling
        Where one is.
    """

    baseline: str
    transformer: str
    data: str
    limit: float
    doubts: Mapping[str, Doubt]
    sentences: int
    articles: int
    together: Settling
    alone: Mapping[str, Settling]

    def chances(self, signals: Sequence[str], found: Floats) -> Floats:
        """Give the chance that each decision is another; both of shape (n, n_signals)."""
        columns = [self.doubts[s].at(found[:, at]) for at, s in enumerate(signals)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(found), 0))

    def limits(self, signals: Sequence[str]) -> Floats:
        """Give the limits of signals."""
        return np.array([self.doubts[signal].limit for signal in signals])

    def cost(self, signals: Sequence[str] | None) -> str:
        """Say on a line what the cascade costs where some signals are reported; None for all."""
        asked = in_order(signals) if signals else tuple(self.alone)
        on = f"on {self.sentences:,} held-out sentences of {self.articles:,} articles"
        if len(asked) == len(self.alone) and len(asked) > 1:
            return f"all signals together, {on}: {_said(self.together)}"
        if len(asked) == 1:
            return f"{asked[0]}, {on}: {_said(self.alone[asked[0]])}"
        # What is settled for several is settled for each of them: there are bounds.
        each = [self.alone[signal] for signal in asked]
        least = Settling(
            min(one.settled for one in each),
            sum(one.changed for one in each) / len(each),
            min(one.voices for one in each),
            min(one.citations for one in each),
            {signal: toll for one in each for signal, toll in one.tolls.items()},
        )
        return f"{len(asked)} signals, {on} and by what each costs alone: at most {_said(least)}"

    def to_record(self) -> dict[str, Any]:
        """Write it as JSON holds it."""
        record = {"format": _FORMAT, **asdict(self)}
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_record` wrote; raises `ValueError`, `KeyError` or `TypeError`."""
        if record["format"] != _FORMAT:
            raise ValueError(f"of format {record['format']}, and {_FORMAT} is read")
        values = {name: value for name, value in record.items() if name != "format"}
        values["doubts"] = {s: _doubt(**one) for s, one in values["doubts"].items()}
        values["together"] = _settling(values["together"])
        values["alone"] = {s: _settling(one) for s, one in values["alone"].items()}
        if not values["doubts"] or values["doubts"].keys() != values["alone"].keys():
            raise ValueError("its signals don't fit together")
        if not values["doubts"].keys() <= set(NAMES):
            raise ValueError("it holds signals that aren't known")
        return cls(**values)


def _said(one: Settling) -> str:
    said = (
        f"{one.settled:.1%} of tokens settled, {one.changed:.2%} of decisions and "
        f"{one.voices:.1%} of voices other than the transformer's, {one.citations:.1%} of "
        "citations lost"
    )
    if not one.tolls:
        return f"{said}; F1 not measured, for want of labels"
    signal, worst = min(one.tolls.items(), key=lambda pair: pair[1].difference)
    return f"{said}; {'' if len(one.tolls) == 1 else f'worst of them {signal}, '}{worst}"


def _doubt(edges: Sequence[float], chances: Sequence[float], limit: float) -> Doubt:
    found = Doubt(tuple(map(float, edges)), tuple(map(float, chances)), float(limit))
    if len(chances) != len(edges) + 1 or sorted(found.edges) != list(found.edges):
        raise ValueError("edges and chances don't fit together")
    return found


def _settling(record: Mapping[str, Any]) -> Settling:
    return Settling(**{**record, "tolls": {s: Toll(**one) for s, one in record["tolls"].items()}})


def measured(model: str) -> Path:
    """Say where it stands what was measured of a bundle: beside it, or here."""
    own = bundles.resolve(model) / CLEARNESS
    return own if own.is_file() else Path(__file__).parent / CLEARNESS


def clearness(model: str, signals: Sequence[str] | None = None) -> Clearness:
    """Read what was measured of a bundle beside the baseline that ships.

    Parameters
    ----------
    model : str
        As `classifier.bundles.load` takes it. Of a bundle of one's own it is its `CLEARNESS`.
    signals : sequence of str or None
        That are reported, and must have been measured.

    Raises
    ------
    CascadeError
        When nothing was, or it was of other bundles, or what is written can't be read, or the
        bundle has no encoder.
    """
    folder, path = bundles.resolve(model), measured(model)
    if TOKENIZER not in bundles.read_manifest(folder)["files"]:
        raise CascadeError(f"{folder}: has no encoder to spare; leave out --cascade")
    typed = f"framescope eval cascade {folder} --output {folder / CLEARNESS}"
    try:
        found = Clearness.from_record(read_json(path))
    except FileNotFoundError:
        raise CascadeError(
            f"{folder}: nobody has measured what --cascade costs; type: {typed}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise CascadeError(f"{path}: damaged ({reason}); make it anew: {typed}") from None
    pair = [
        bundles.digest_of(bundles.read_manifest(bundles.resolve(one))) for one in (BASELINE, model)
    ]
    if pair != [found.baseline, found.transformer]:
        raise CascadeError(
            f"{folder}: what --cascade costs was measured of other bundles; measure it: {typed}"
        )
    for signal in signals or ():
        if signal not in found.doubts:
            raise CascadeError(f"--cascade: '{signal}' was not measured; measure it: {typed}")
    return found
