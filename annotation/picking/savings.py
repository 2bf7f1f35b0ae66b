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
from numpy.typing import NDArray

from annotation.picking.methods import OFFERED, Floats
from annotation.picking.simulation import FIRST, Curves

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


def savings(curves: Curves, *, draws: int = DRAWS, seed: int = 0) -> list[Saving]:
    """Say what each method saved, at each number of picks.

    Parameters
    ----------
    curves : Curves
    draws, seed : int
        Of the repeats, for the intervals.
    """
    drawn = _draws(len(curves.by_lot), draws, seed)
    found = []
    for method, values in curves.picked.items():
        for at, n in enumerate(curves.rounds):
            lot, beyond = _reached_by_lot(curves, values[:, at].mean(), curves.by_lot.mean(axis=0))
            gains = values[:, at] - curves.by_lot[:, curves.sizes.index(n)]
            shares = _shares(curves, values[:, at], n, drawn)
            found.append(
                Saving(
                    method,
                    n,
                    float(values[:, at].mean()),
                    float(gains.mean()),
                    _interval(gains[drawn].mean(axis=1)),
                    lot,
                    _share(n, lot),
                    _interval(shares),
                    beyond,
                )
            )
    return found


def overall(
    settings: Sequence[Curves], n: int = MAIN, *, draws: int = DRAWS, seed: int = 0
) -> dict[str, tuple[float, tuple[float, float]]]:
    """Give the share of labels that n picks of each method saved, the mean over settings.

    Returns
    -------
    dict of str to (float, (float, float))
        The share and its interval, by method.
    """
    found = {}
    for method in settings[0].picked:
        shares, resampled = [], []
        for curves in settings:
            at = curves.rounds.index(n)
            values = curves.picked[method][:, at]
            lot, _ = _reached_by_lot(curves, values.mean(), curves.by_lot.mean(axis=0))
            shares.append(_share(n, lot))
            resampled.append(_shares(curves, values, n, _draws(len(curves.by_lot), draws, seed)))
        found[method] = float(np.mean(shares)), _interval(np.mean(resampled, axis=0))
    return found


def saves(share: tuple[float, tuple[float, float]]) -> bool:
    """Tell whether a method is to be offered: its interval lies above nothing."""
    return share[1][0] > 0


def _draws(repeats: int, draws: int, seed: int) -> NDArray[np.intp]:
    return np.random.default_rng(seed).integers(repeats, size=(draws, repeats))


def _shares(curves: Curves, values: Floats, n: int, drawn: NDArray[np.intp]) -> Floats:
    lots = (
        _reached_by_lot(curves, values[rows].mean(), curves.by_lot[rows].mean(axis=0))[0]
        for rows in drawn
    )
    return np.array([_share(n, lot) for lot in lots])


def _reached_by_lot(curves: Curves, value: float, by_lot: Floats) -> tuple[float, bool]:
    """Find how many by lot reach a value, between two sizes on a straight line."""
    from sklearn.isotonic import isotonic_regression

    rising = isotonic_regression(by_lot)
    if value >= rising[-1]:
        return float(curves.sizes[-1]), bool(value > rising[-1])
    if value <= rising[0]:
        return 0.0, False
    at = int(np.searchsorted(rising, value, side="right"))
    low, high = rising[at - 1], rising[at]
    sizes = curves.sizes[at - 1], curves.sizes[at]
    return float(sizes[0] + (sizes[1] - sizes[0]) * (value - low) / (high - low)), False


def _share(n: int, lot: float) -> float:
    """Give the share of labels saved; where by lot fewer suffice, what is lost, at most all."""
    return 1 - n / lot if lot >= n else lot / n - 1


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


# --- as tables ------------------------------------------------------------------------------------


def note(settings: Sequence[Curves]) -> str:
    """Say what was simulated, in a line or two."""
    one = settings[0]
    corpora = {
        c.corpus: f"{c.corpus} ({c.pool:,} to pick from, {c.judged:,} judged)" for c in settings
    }
    return (
        f"{len(one.by_lot)} repeats; {', '.join(corpora.values())}; {FIRST} drawn by lot to begin "
        f"with, then rounds of {one.rounds[0]}. Average precision, the mean over the signals."
    )


def rows_overall(settings: Sequence[Curves], seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Give a row a method: the share of labels saved, over all settings, and whether it saves."""
    of = {n: overall(settings, n, seed=seed) for n in _shown(settings)}
    for method in settings[0].picked:
        cells = (_percent(*of[n][method]) for n in of)
        verdict = "saves" if saves(of[max(of)][method]) else "saves nothing"
        yield method, *cells, verdict, "yes" if method in OFFERED else "no"


def rows_of(curves: Curves, seed: int = 0) -> Iterator[tuple[str, ...]]:
    """Give a row a method and number of picks, of one setting."""
    for one in savings(curves, seed=seed):
        if one.n in SHOWN or one.n == curves.rounds[-1]:
            gain = f"{one.gain:+.3f} [{one.gain_interval[0]:+.3f}, {one.gain_interval[1]:+.3f}]"
            lot = f"{'over ' if one.beyond else ''}{one.lot:,.0f}"
            share = _percent(one.share, one.share_interval)
            yield one.method, f"{one.n}", f"{one.precision:.3f}", gain, lot, share


def _shown(settings: Sequence[Curves]) -> tuple[int, ...]:
    """Give the numbers of picks that are shown, the one that decides last."""
    rounds = settings[0].rounds
    last = MAIN if MAIN in rounds else rounds[-1]
    return (*(n for n in SHOWN if n in rounds and n < last), last)


def headings(settings: Sequence[Curves]) -> tuple[str, ...]:
    """Give the headings of `rows_overall`."""
    return ("method", *(f"{n} picks" for n in _shown(settings)), "", "offered")


HEADINGS = ("method", "picks", "AP", "over as many by lot", "by lot, as good", "labels saved")
"""Of `rows_of`."""


def to_markdown(settings: Sequence[Curves], seed: int = 0) -> str:
    """Write what was saved as Markdown: over all settings, then each."""
    lines = [note(settings), "", *_markdown(headings(settings), rows_overall(settings, seed))]
    for one in settings:
        lines += ["", f"**{one.name}**", "", *_markdown(HEADINGS, rows_of(one, seed))]
    return "\n".join(lines) + "\n"


def to_terminal(settings: Sequence[Curves], seed: int = 0) -> str:
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


def to_json(settings: Sequence[Curves], seed: int = 0) -> str:
    """Write what was saved as JSON, with the curves."""
    return json.dumps(to_record(settings, seed), indent=2) + "\n"


def _markdown(names: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def to_record(settings: Sequence[Curves], seed: int = 0) -> dict[str, Any]:
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
    return f"{share:.0%} [{interval[0]:.0%}, {interval[1]:.0%}]"


WRITERS: Mapping[str, Callable[[Sequence[Curves], int], str]] = {
    "terminal": to_terminal,
    "markdown": to_markdown,
    "json": to_json,
}
"""How it is written, by the name of the format."""
