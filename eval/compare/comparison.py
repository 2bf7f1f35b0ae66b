"""What a comparison of two bundles says: values only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from classifier import __version__
from eval.figures import Interval


@dataclass(frozen=True, slots=True)
class Difference:
    """``b - a`` with its 95% interval; NaN where undefined.

    Attributes
    ----------
    value : float
    interval : Interval
    p : float
        Two-sided, from the same draws, not corrected for the number of signals.
    """

    value: float
    interval: Interval
    p: float = math.nan


@dataclass(frozen=True, slots=True)
class Row:
    """One signal on one part of one corpus.

    Attributes
    ----------
    corpus, part, signal : str
    n : int
        Rows with a label: sentences, or articles for an article-level signal.
    n_groups : int
        What is resampled: articles, pages, blocks of neighbours or outlets, as the corpus has it.
    positives : int
    always_yes_f1 : float
        F1 of flagging everything.
    a, b : mapping of str to float, or None
        The figures of `eval.figures.metrics.METRICS`; None for a model that doesn't give the signal.
    differences : mapping of str to Difference
        Empty unless both models give the signal.
    intervals_a, intervals_b : mapping of str to Interval
        Of each model's own figures.
    mcnemar, mcnemar_corrected : float
        McNemar's p for the two models' decisions; and corrected for the number of signals in this
        part of this corpus (Holm). NaN where undefined.
    """

    corpus: str
    part: str
    signal: str
    n: int
    n_groups: int
    positives: int
    always_yes_f1: float
    a: Mapping[str, float] | None
    b: Mapping[str, float] | None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    intervals_a: Mapping[str, Interval] = field(default_factory=dict)
    intervals_b: Mapping[str, Interval] = field(default_factory=dict)
    mcnemar: float = math.nan
    mcnemar_corrected: float = math.nan


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock seconds for 1,000 sentences of a corpus, after a warm-up."""

    corpus: str
    sentences: int
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A bundle that was compared.

    Attributes
    ----------
    name : str
    digest : str
        SHA-256 of its manifest, which holds the digest of every file.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `eval.compare.compare.compare` found, and what would have to be the same to find it again.

    Attributes
    ----------
    a, b : Contender
    data : str
        What they were compared on: the signature of a split, or the digest of files.
    rows : tuple of Row
    costs : tuple of Cost
        One a corpus.
    draws, seed : int
    """

    a: Contender
    b: Contender
    data: str
    rows: tuple[Row, ...]
    costs: tuple[Cost, ...]
    draws: int
    seed: int

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures, seconds excepted."""
        return (
            f"framescope {__version__} | data {self.data} | {self.a.name} {self.a.digest[:12]} | "
            f"{self.b.name} {self.b.digest[:12]} | draws {self.draws}, seed {self.seed}"
        )
