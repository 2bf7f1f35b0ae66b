"""A run against another, or against a bundle: what has changed, in one verdict and a line each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier import bundles
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError
from framescope.eval.drift import changes, standing
from framescope.eval.drift.dealing import Deals
from framescope.eval.drift.measures import DriftFigure, DriftMeasure, Pooled
from framescope.eval.drift.sides import DriftSide, read_side
from framescope.eval.drift.standing import Labelled
from framescope.eval.drift.wording import ShiftedWord, WordsMeasure, vocabulary
from framescope.eval.metrics import Cell, Section, holm, table

LEVEL = 0.002
"""Of the whole verdict: of a thousand comparisons without any change, two find one."""
DRAWS = 4999
FEWEST = 30
"""Articles of either side, below which nothing is said."""
MOST = 3000
"""Articles of either side that are looked at."""

NAMES: Mapping[str, str] = {
    "scores": "scores",
    "flags": "flags",
    "vocabulary": "vocabulary",
    "outlets": "outlets",
    "distance": "distance to the training data",
    "calibration": "calibration",
}
_SHOWN = 6  # figures of a measure that a verdict names


class DriftError(FramescopeError):
    """Runs that can't be compared."""


@dataclass(frozen=True)
class DriftReport:
    """What was compared, and what was found.

    Attributes
    ----------
    now : DriftSide
    before : DriftSide or Bundle
    measures : tuple of DriftMeasure
    few : str
        Why nothing can be said; empty where something can.
    level : float
    labels : mapping of str to Labelled
    """

    now: DriftSide
    before: DriftSide | Bundle
    measures: tuple[DriftMeasure, ...]
    few: str
    level: float
    labels: Mapping[str, Labelled]

    @property
    def found(self) -> tuple[DriftMeasure, ...]:
        """The measures that have changed."""
        return tuple(one for one in self.measures if one.found)

    @property
    def status(self) -> int:
        """What the command exits with: 0 none found, 1 found, 2 can't be said."""
        return 2 if self.few else int(bool(self.found))

    @property
    def verdict(self) -> str:
        """In plain words."""
        if self.few:
            return f"too few to say: {self.few}"
        if not self.found:
            return "no drift found"
        return "drift: " + "; ".join(map(_said, self.found))

    @property
    def headline(self) -> str:
        """The verdict, without what of each measure has changed."""
        return (
            "drift: " + ", ".join(NAMES[one.name] for one in self.found)
            if self.found
            else self.verdict
        )

    @property
    def against(self) -> str:
        """What it is held against, by name."""
        one = self.before
        return one.name if isinstance(one, DriftSide) else f"what {one.name} learned from"

    @property
    def words(self) -> WordsMeasure | None:
        """The words that have shifted, where they were compared."""
        return next((one for one in self.measures if isinstance(one, WordsMeasure)), None)

    def record(self) -> dict[str, Any]:
        """Write it as JSON holds it."""
        sides: dict[str, Any] = {"now": _record_of(self.now)}
        if isinstance(self.before, DriftSide):
            sides["before"] = _record_of(self.before)
        else:
            sides["before"] = {"bundle": self.before.name, "digest": self.before.digest}
        return {
            "verdict": self.verdict,
            "drift": None if self.few else bool(self.found),
            "found": [one.name for one in self.found],
            "level": self.level,
            **sides,
            "measures": [
                {"name": one.name, "p": one.p, "found": one.found, "note": one.note,
                 "figures": list(one.figures)}
                for one in self.measures
            ],
            "words": None if self.words is None else
            {"more": list(self.words.more), "less": list(self.words.less)},
        }  # fmt: skip

    def section(self) -> Section:
        """Lay it out: a line a measure, then the figures of what has changed."""
        rows: list[tuple[Cell, ...]] = []
        for one in self.measures:
            lead = leading(one)
            verdict = "CHANGED" if one.found else "not judged" if math.isnan(one.p) else "no change"
            told = ("", "", "", "") if lead is None else (lead.name, *lead.words)
            rows.append((NAMES[one.name], verdict, *told, shown_p(one.p)))
        columns = ("measure", "verdict", "most", "before", "now", "effect, 95% interval", "p")
        tables = [table("What was compared", columns, rows)]
        for one in self.found:
            figures = [
                (f.name, *f.words, "yes" if f.name in one.found else "")
                for f in ordered(one)
                if f.name in one.found or len(one.figures) < _SHOWN
            ]
            names = ("", "before", "now", "effect, 95% interval", "changed")
            tables.append(table(NAMES[one.name].capitalize(), names, figures))
        if self.words is not None and self.words.found:
            tables.append(_words(self.words))
        notes = [
            f"{NAMES[one.name].capitalize()}: {one.note}." for one in self.measures if one.note
        ]
        note = f"{self.verdict[0].upper()}{self.verdict[1:]}."
        sized = f"{len(self.now):,} articles of {self.now.name}, against {self.against}"
        if isinstance(self.before, DriftSide):
            sized += f" ({len(self.before):,} articles)"
        return Section("\n".join([note, f"{sized}.", *notes]), tuple(tables))


def shown_p(p: float) -> str:
    """Write a p; nothing where none is known."""
    if math.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def ordered(one: DriftMeasure) -> list[DriftFigure]:
    """Give a measure's figures, what has changed first, then the surest."""
    return sorted(
        one.figures,
        key=lambda f: (f.name not in one.found, math.inf if math.isnan(f.p) else f.p, -f.size),
    )


def leading(one: DriftMeasure) -> DriftFigure | None:
    """Give the figure that has changed most."""
    return next(iter(ordered(one)), None)


def _said(one: DriftMeasure) -> str:
    """Name a measure that has changed, and what of it."""
    named = [figure.name for figure in ordered(one) if figure.name in one.found]
    if one.name == "vocabulary":
        more = [word.word for word in one.more[:3]] if isinstance(one, WordsMeasure) else []
        return f"vocabulary ({', '.join(more)} …)" if more else "vocabulary"
    rest = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"{NAMES[one.name]} ({', '.join(named[:_SHOWN])}{rest})"


def _words(found: WordsMeasure) -> Any:
    def line(one: ShiftedWord, way: str) -> tuple[Cell, ...]:
        return one.word, way, f"{one.before:.1%}", f"{one.now:.1%}"

    rows = [line(one, "more") for one in found.more[:8]]
    rows += [line(one, "less") for one in found.less[:8]]
    return table("Words, by the share of articles that have them", ("", "", "before", "now"), rows)


def _record_of(side: DriftSide) -> dict[str, Any]:
    name, digest = side.bundle
    return {
        "run": side.name,
        "articles": len(side),
        "texts": side.total,
        "outlets": len(set(side.outlet.tolist())),
        "bundle": name,
        "digest": digest,
    }


# --- the comparison -------------------------------------------------------------------------------


def compare(
    run: Path,
    against: str,
    data: Sequence[Path] = (),
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    most: int = MOST,
    seed: int = 0,
) -> DriftReport:
    """Compare a run with another, or with what a bundle learned from.

    Parameters
    ----------
    run : pathlib.Path
    against : str
        The folder of a run, or a bundle: a folder, or the name of one that ships.
    data : sequence of pathlib.Path
        Labels of the run's articles, in the exchange format.
    level : float
        Of the whole verdict.
    draws, most, seed : int
        Deals, articles of either side, and what both are drawn by.

    Raises
    ------
    DriftError
        When the bundle is not the one that the run was scored by, or `draws` are too few.
    RunError, BundleError, InputError, CorpusError
        When something can't be read.
    """
    if (1 + draws) * level < len(NAMES):
        least = math.ceil(len(NAMES) / level) - 1
        raise DriftError(f"--draws {draws}: too few for --level {level:g}; give at least {least}")
    now = read_side(run, most)
    labels = standing.read_labels(data, now) if data else {}
    if RunFolder(Path(against)).exists():
        before: DriftSide | Bundle = read_side(Path(against), most)
    else:
        before = _bundle(against, now)
    few = _few([now, before] if isinstance(before, DriftSide) else [now])
    if few:
        return DriftReport(now, before, (), few, level, labels)
    if isinstance(before, DriftSide):
        measures = _of_runs(Pooled(before, now), draws, seed)
    else:
        measures = [
            _left_out("scores", "a bundle keeps no scores; compare with a run to judge them"),
            _left_out("flags", "a bundle keeps no flags; compare with a run to judge them"),
            standing.known_words(now, before),
            standing.unlisted(now),
            standing.from_training(now, before),
        ]
    if labels:
        measures.append(standing.calibration(labels, seed))
    corrected = holm([one.least_p for one in measures])
    held = (one.held(p, level) for one, p in zip(measures, corrected, strict=True))
    return DriftReport(now, before, tuple(held), "", level, labels)


def _of_runs(both: Pooled, draws: int, seed: int) -> list[DriftMeasure]:
    deals = Deals.of(both.is_now, both.outlet, draws, seed)
    ours, theirs = both.now, both.before
    same = ours.bundle == theirs.bundle
    if same:
        found = [changes.scores(both, deals), changes.flags(both, deals)]
    else:
        said = " and ".join(
            f"{one.name} by {one.bundle[0]} ({one.bundle[1][:12]})" for one in (theirs, ours)
        )
        why = f"not compared: {said} were not scored alike"
        found = [_left_out("scores", why), _left_out("flags", "not compared, as scores")]
    found += [
        vocabulary(both, deals),
        changes.outlets(both, Deals.freely(both.is_now, draws, seed)),
        changes.distances(both, deals)
        if same
        else _left_out("distance", "not compared, as scores"),
    ]
    return found


def _left_out(name: str, why: str) -> DriftMeasure:
    return DriftMeasure(name, note=why)


def _bundle(against: str, now: DriftSide) -> Bundle:
    path = Path(against)
    if path.is_dir() and not (path / bundles.MANIFEST).is_file():
        raise DriftError(f"{against}: neither a run nor a bundle; give --against one of them")
    found = bundles.load(against)
    name, digest = now.bundle
    if digest != found.digest:
        raise DriftError(
            f"{now.name} was scored by {name} ({digest[:12]}), and {against} is {found.name} "
            f"({found.digest[:12]}); give --against the bundle that scored it, or a run"
        )
    return found


def _few(sides: Sequence[DriftSide]) -> str:
    few = [one for one in sides if len(one) < FEWEST]
    said = " and ".join(f"{one.name} has {len(one):,} scored articles" for one in few)
    return f"{said}; {FEWEST} are the least" if few else ""
