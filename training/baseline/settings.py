"""What can be chosen for one regression of the baseline, and what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Balance = Literal["balanced"] | None

# What each name means: the factor each block (words, characters) is multiplied by before fitting,
# which is how freely the regression may lean on it. Simpler first.
MIXES: dict[str, tuple[float, float]] = {
    "words": (1.0, 0.0),
    "characters": (0.0, 1.0),
    "words over characters": (1.0, 0.5),
    "both": (1.0, 1.0),
}
# Where 10 is chosen, 30 and 100 were tried too and were not better by more than a tie.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BALANCES: tuple[Balance, ...] = (None, "balanced")

# A setting that is less simple has to be better by more than this.
_TIE = 0.001


@dataclass(frozen=True, slots=True)
class Setting:
    """Hyper-parameters of one regression.

    Attributes
    ----------
    mix : str
        A key of `MIXES`.
    c : float
        Inverse strength of the L2 penalty.
    balance : "balanced" or None
        Whether both classes weigh the same.
    """

    mix: str = "both"
    c: float = 1.0
    balance: Balance = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and its cross-validated average precision."""

    setting: Setting
    score: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a signal, and from what.

    Attributes
    ----------
    rows, positives : int
        What it was fitted on; articles where the signal is one of articles.
    setting : Setting
    score : float
        Cross-validated average precision; NaN where there was too little to compare settings by.
    trials : tuple of Trial
        Everything tried, in order.
    """

    rows: int
    positives: int
    setting: Setting
    score: float
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        setting = self.setting
        weights = ", balanced" if setting.balance else ""
        return (
            f"{setting.mix}, C={setting.c:g}{weights}; cross-validated average precision "
            f"{self.score:.3f} ({self.positives:,} of {self.rows:,})"
        )

    def to_record(self) -> dict[str, Any]:
        """Give the choice without its trials, for a manifest."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            **asdict(self.setting),
            "cv_average_precision": round(self.score, 4) if self.trials else None,
            "tried": len(self.trials),
        }


def best(trials: Sequence[Trial]) -> Trial:
    """Find the best by score; of those that are as good, the first, which is the simplest."""
    found = trials[0]
    for trial in trials[1:]:
        if trial.score > found.score + _TIE:
            found = trial
    return found
