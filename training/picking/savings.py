"""What picks saved: how many sentences drawn by lot would have served as well.

**Labels saved** by n picks: how many drawn by lot it takes to be judged as well, less n; as a
share, one less n over that number. Where fewer than n by lot suffice the share is negative, down to
-1. Mean curves over repeats are compared, the one by lot made to rise (isotonic regression),
between two sizes a straight line. Intervals are of repeats drawn with replacement, the same for
each method and for the lot (95%, percentiles).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from framescope.training.picking.methods import OFFERED, Floats
from framescope.training.picking.simulation import FIRST, PickingCurves
from numpy.typing import NDArray

MAIN = 800
"""Picks by which a method is offered or not: four rounds."""
SHOWN = (200, 400, 800)
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Saving:
    """What n picks of a method saved.

    ``gain``: in average precision, over as many by lot. ``lot``: how many by lot reach the same;
    at least that where ``beyond``, since the pool ended. ``share``: of labels saved. Each interval
    holds 95%.
    """

    method: str
    n: int
    precision: float
    gain: float
    gain_interval: tuple[float, float]
    lot: float
    share: float
    share_interval: tuple[float, float]
    beyond: bool


def savings(curves: PickingCurves, *, draws: int = DRAWS, seed: int = 0) -> list[Saving]:
    """Say what each method saved, at each number of picks.

    Parameters
    ----------
    curves : PickingCurves
    draws, seed : int
        Of the repeats, for the intervals.
    """
    lot = _Lot.of(curves, draws, seed)
    found = []
    for method, values in curves.picked.items():
        for at, n in enumerate(curves.rounds):
            needed, beyond = lot.needed(values[:, at])
            gains = values[:, at] - curves.by_lot[:, curves.sizes.index(n)]
            share = _share(n, needed)
            found.append(
                Saving(
                    method,
                    n,
                    float(values[:, at].mean()),
                    float(gains.mean()),
                    _interval(gains[lot.drawn[1:]].mean(axis=1)),
                    float(needed[0]),
                    float(share[0]),
                    _interval(share[1:]),
                    beyond,
                )
            )
    return found


def overall(
    settings: Sequence[PickingCurves], n: int = MAIN, *, draws: int = DRAWS, seed: int = 0
) -> dict[str, tuple[float, tuple[float, float]]]:
    """Give the share of labels that n picks of each method saved, the mean over settings.

    Returns
    -------
    dict of str to (float, (float, float))
        The share and its interval, by method.
    """
    lots = [_Lot.of(curves, draws, seed) for curves in settings]
    found = {}
    for method in settings[0].picked:
        shares = np.mean(
            [
                _share(n, lot.needed(one.picked[method][:, one.rounds.index(n)])[0])
                for one, lot in zip(settings, lots, strict=True)
            ],
            axis=0,
        )
        found[method] = float(shares[0]), _interval(shares[1:])
    return found


def saves(share: tuple[float, tuple[float, float]]) -> bool:
    """Tell whether a method is to be offered: its interval lies above nothing."""
    return share[1][0] > 0


@dataclass(frozen=True, eq=False)
class _Lot:
    """What is reached by lot: the mean over all repeats, and over repeats drawn again."""

    sizes: NDArray[np.float64]
    rising: Floats  # shape (1 + draws, sizes)
    drawn: NDArray[np.intp]  # shape (1 + draws, repeats); the first are all, each once

    @classmethod
    def of(cls, curves: PickingCurves, draws: int, seed: int) -> _Lot:
        repeats = len(curves.by_lot)
        drawn = np.random.default_rng(seed).integers(repeats, size=(draws, repeats))
        drawn = np.concatenate([np.arange(repeats)[None], drawn])
        return cls(np.array(curves.sizes, float), _rising(curves.by_lot[drawn].mean(axis=1)), drawn)

    def needed(self, values: Floats) -> tuple[Floats, bool]:
        """Find how many by lot reach what each repeat did, on the mean; and is it out of reach.

        ``values``: shape (repeats,). Gives shape (1 + draws,).
        """
        aim = values[self.drawn].mean(axis=1)
        last = len(self.sizes) - 1
        above = np.clip((self.rising <= aim[:, None]).sum(axis=1), 1, last)
        row = np.arange(len(aim))
        low, high = self.rising[row, above - 1], self.rising[row, above]
        part = np.clip((aim - low) / np.maximum(high - low, _FLAT), 0, 1)
        found = self.sizes[above - 1] + part * (self.sizes[above] - self.sizes[above - 1])
        return found, bool(aim[0] > self.rising[0, -1])


_FLAT = 1e-12


def _rising(values: Floats) -> Floats:
    """Give the nearest curves that don't fall, shape (n, sizes): isotonic regression.

    By its min-max formula (Barlow et al., 1972), since the curves are many and short.
    """
    size = values.shape[1]
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    found = np.full(values.shape, -np.inf)
    for start in range(size):
        lengths = np.arange(1, size - start + 1)
        means = (total[:, start + 1 :] - total[:, start : start + 1]) / lengths
        # At each place the lowest mean of those that reach it.
        lowest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        found[:, start:] = np.maximum(found[:, start:], lowest)
    return found


def _share(n: int, lot: Floats) -> Floats:
    """Give the share of labels saved; where by lot fewer suffice, what is lost, at most all."""
    return np.where(lot >= n, 1 - n / np.maximum(lot, 1), lot / n - 1)


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


# --- as tables ------------------------------------------------------------------------------------


def note(settings: Sequence[PickingCurves]) -> str:
    """Say what was simulated, in a line or two."""
    one = settings[0]
    corpora = {
        c.corpus: f"{c.corpus} ({c.pool:,} to pick from, {c.judged:,} judged)" for c in settings
    }
    return (
        f"{len(one.by_lot)} repeats; {', '.join(corpora.values())}; {FIRST} drawn by lot to begin "
        f"with, then rounds of {one.rounds[0]}. Average precision, the mean over the signals."
    )


def rows_overall(settings: Sequence[PickingCurves], seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Give a row a method: the share of labels saved, over all settings, and whether it saves."""
    of = {n: overall(settings, n, seed=seed) for n in _shown(settings)}
    for method in settings[0].picked:
        cells = (_percent(*of[n][method]) for n in of)
        verdict = "saves" if saves(of[max(of)][method]) else "saves nothing"
        yield method, *cells, verdict, "yes" if method in OFFERED else "no"


def rows_of(curves: PickingCurves, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Give a row a method and number of picks, of one setting."""
    for one in savings(curves, seed=seed):
        if one.n in SHOWN or one.n == curves.rounds[-1]:
            gain, low, high = (round(value, 3) + 0.0 for value in (one.gain, *one.gain_interval))
            over = f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]"
            lot = f"{'over ' if one.beyond else ''}{one.lot:,.0f}"
            share = _percent(one.share, one.share_interval)
            yield one.method, f"{one.n}", f"{one.precision:.3f}", over, lot, share


def _shown(settings: Sequence[PickingCurves]) -> tuple[int, ...]:
    """Give the numbers of picks that are shown, the one that decides last."""
    rounds = settings[0].rounds
    last = MAIN if MAIN in rounds else rounds[-1]
    return (*(n for n in SHOWN if n in rounds and n < last), last)


def headings(settings: Sequence[PickingCurves]) -> tuple[str, ...]:
    """Give the headings of `rows_overall`."""
    return ("method", *(f"{n} picks" for n in _shown(settings)), "verdict", "offered")


HEADINGS = ("method", "picks", "AP", "over as many by lot", "by lot, as good", "labels saved")
"""Of `rows_of`."""


def to_markdown(settings: Sequence[PickingCurves], seed: int = 0) -> str:
    """Write what was saved as Markdown: over all settings, then each."""
    lines = [note(settings), "", *_markdown(headings(settings), rows_overall(settings, seed))]
    for one in settings:
        lines += ["", f"**{one.name}**", "", *_markdown(HEADINGS, rows_of(one, seed))]
    return "\n".join(lines) + "\n"


def to_terminal(settings: Sequence[PickingCurves], seed: int = 0) -> str:
    """Lay out what was saved: over all settings, then each."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    console = Console(file=StringIO(), width=100)
    tables = [("Labels saved, over all settings", headings(settings), rows_overall(settings, seed))]
    tables += [(one.name, HEADINGS, rows_of(one, seed)) for one in settings]
    for title, names, rows in tables:
        table = Table(*names, title=title, title_justify="left", box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        console.print(table, "")
    console.print(note(settings))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def to_json(settings: Sequence[PickingCurves], seed: int = 0) -> str:
    """Write what was saved as JSON, with the curves."""
    return json.dumps(to_record(settings, seed), indent=2) + "\n"


def _markdown(names: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def to_record(settings: Sequence[PickingCurves], seed: int = 0) -> dict[str, Any]:
    """Give what was saved as JSON has it, with the curves."""
    last = _shown(settings)[-1]
    return {
        "note": note(settings),
        "overall": [
            {"method": name, "n": last, "share": share, "interval": interval,
             "saves": saves((share, interval)), "offered": name in OFFERED}
            for name, (share, interval) in overall(settings, last, seed=seed).items()
        ],
        "settings": [
            {
                "corpus": one.corpus,
                "signals": one.signals,
                "by_lot": {"picks": one.sizes, "average_precision": one.by_lot.tolist()},
                "picked": {name: rows.tolist() for name, rows in one.picked.items()},
                "savings": [asdict(saving) for saving in savings(one, seed=seed)],
            }
            for one in settings
        ],
    }  # fmt: skip


def _percent(share: float, interval: tuple[float, float]) -> str:
    value, low, high = (round(one, 2) + 0.0 for one in (share, *interval))  # no -0%
    return f"{value:.0%} [{low:.0%}, {high:.0%}]"


WRITERS: Mapping[str, Callable[[Sequence[PickingCurves], int], str]] = {
    "terminal": to_terminal,
    "markdown": to_markdown,
    "json": to_json,
}
"""How it is written, by the name of the format."""
