"""A candidate beside the current bundle: what would be worse, and how sure that is.

Four things stand against a candidate: a floor or a limit of the gate that it misses; a signal that
it no longer gives; a signal that it ranks worse, where the 95% interval of the difference in
average precision lies below 0; and a signal whose flags are worse, where F1 falls beyond chance.
Differences are paired and resample whole articles (`eval.compare`). Of many intervals one in forty
lies below 0 by chance alone: that is the price of missing none, and a promotion can be allowed with
a reason. F1 hangs on where a threshold happens to lie, so there the p of all signals are corrected
for their number (Holm, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from framescope.classifier.bundles import Bundle
from framescope.eval.compare import Comparison, Difference, Progress, compare_models
from framescope.eval.metrics import Change, Estimate, Section, Table, holm
from framescope.eval.release import FLOORS, Gate
from framescope.eval.rows import Evaluation

RANKING, FLAGS = "average_precision", "f1"
_LEVEL = 0.05
_DIGITS = 3
"""Of figures and intervals: they are judged as they are shown. What doesn't show is rounding."""
_FEWEST = 10
"""With fewer positives, or fewer negatives, a resample says little: shown, and nothing decides."""
_FLOORED = "transformer"
"""The kind that the floors were measured on."""
_ALIKE, _FEW, _LOST = "no difference shown", "too few to tell", "lost"


@dataclass(frozen=True, slots=True)
class SignalChange:
    """One signal on one part of the rows: the candidate's figures less the current bundle's.

    Attributes
    ----------
    rows, part, signal : str
        ``rows``: a corpus, or a file.
    n, articles, positives : int
        Rows with a label; what is resampled; rows labelled yes.
    current, candidate : float or None
        Average precision of each; None where it isn't given or undefined.
    difference, low, high : float or None
        Of average precision, with the 95% interval; None where undefined.
    flags, flags_low, flags_high : float or None
        The same of F1, at each bundle's own threshold.
    flags_p : float or None
        Two-sided, corrected for the number of comparisons (Holm).
    verdict : str
        ``worse ranking``, ``worse flags``, ``better``, ``no difference shown``, ``too few to
        tell``, ``new`` or ``lost``.
    """

    rows: str
    part: str
    signal: str
    n: int
    articles: int
    positives: int
    current: float | None
    candidate: float | None
    difference: float | None
    low: float | None
    high: float | None
    flags: float | None
    flags_low: float | None
    flags_high: float | None
    flags_p: float | None
    verdict: str = ""

    @property
    def worse(self) -> bool:
        """Whether it stands against the candidate."""
        return self.verdict in ("worse ranking", "worse flags")


@dataclass(frozen=True)
class Judgement:
    """What was found.

    Attributes
    ----------
    gate : Gate
        The candidate's. Without floors where it is of another kind than they were measured on.
    changes : tuple of SignalChange
    lost : tuple of str
        Signals that the current bundle gives and the candidate doesn't.
    signatures : tuple of str
        What would have to be the same to find the same again.
    warnings : tuple of str
        What could not be told.
    """

    gate: Gate
    changes: tuple[SignalChange, ...]
    lost: tuple[str, ...]
    signatures: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def objections(self) -> tuple[str, ...]:
        """What stands against the candidate, a line each; none when it may be promoted."""
        return tuple(self._objections())

    def _objections(self) -> Iterator[str]:
        for check in self.gate.verdicts:
            found = check.measured
            if check.missed:
                yield (f"{found.benchmark.name}: {found.figure.value:.3f}, under its floor of "
                       f"{check.floor:.3f} (n {found.n:,}, {found.groups} groups)")  # fmt: skip
            elif check.changed:
                yield f"{found.benchmark.name}: its floor was measured on other rows"
        for result in self.gate.suite.missed:
            yield f"behaviour: the limit of '{result.name}' is missed"
        if self.lost:
            yield f"no longer given: {', '.join(self.lost)}"
        for one in self.changes:
            if one.worse:
                yield _said(one)

    def record(self) -> dict[str, Any]:
        """Give what the history keeps: every figure, finite or null."""
        held = [one for one in self.gate.verdicts if one.floor is not None]
        return {
            "gate": {
                "signature": self.gate.signature,
                "floors": len(held),
                "missed": [
                    {"benchmark": one.measured.benchmark.name, "floor": one.floor,
                     "measured": _finite(one.measured.figure.value), "n": one.measured.n}
                    for one in held
                    if one.missed
                ],
                "other_rows": [one.measured.benchmark.name for one in held if one.changed],
                "behaviours_missed": [one.name for one in self.gate.suite.missed],
            },
            "changes": [asdict(one) for one in self.changes],
            "lost": list(self.lost),
            "objections": list(self.objections),
            "warnings": list(self.warnings),
            "signatures": list(self.signatures),
        }  # fmt: skip

    def section(self) -> Section:
        """Lay out what is worse, better or new, and count the rest."""
        shown = [one for one in self.changes if one.verdict not in (_ALIKE, _FEW, _LOST)]
        alike = sum(one.verdict == _ALIKE for one in self.changes)
        few = sum(one.verdict == _FEW for one in self.changes)
        held = sum(one.floor is not None for one in self.gate.verdicts)
        floors = f"{held} floors held against" if held else "no floors are of its kind"
        note = (
            f"{len(self.changes)} comparisons: {alike} show no difference, {few} have too few "
            f"positives or articles to tell; {floors}. Differences are the candidate's less the "
            "current bundle's, with 95% intervals from resampling whole articles; of that many, "
            f"about {math.ceil((len(self.changes) - few) / 40)} lies below 0 by chance alone."
        )
        columns = ("rows", "signal", "n", "articles", "yes", "AP", "AP, difference",
                   "F1, difference", "verdict")  # fmt: skip
        lines = tuple(
            (
                f"{one.rows}, {one.part}", one.signal, one.n, one.articles, one.positives,
                one.candidate, _change(one.difference, one.low, one.high),
                _change(one.flags, one.flags_low, one.flags_high), one.verdict,
            )
            for one in sorted(shown, key=lambda one: (not one.worse, one.verdict))
        )  # fmt: skip
        tables = (Table("Candidate beside the current bundle", columns, lines),) if lines else ()
        return Section(" ".join((note, *self.warnings)), tables)


def judge(
    shipped: Evaluation, own: Evaluation | None, progress: Progress | None = None
) -> Judgement:
    """Judge a candidate.

    Parameters
    ----------
    shipped : Evaluation
        Of the current bundle and the candidate, on what ships, or on corpora.
    own : Evaluation or None
        Of the same two, on a desk's own held-out labels.
    progress : callable, optional

    Raises
    ------
    SignalError
        When no row has a label of a signal that either gives.
    """
    current, candidate = shipped.bundles
    found = [compare_models(one, progress=progress) for one in (shipped, own) if one is not None]
    floors = FLOORS if candidate.manifest["kind"] == _FLOORED else None
    gate = Gate.of(replace(shipped, draws=0), floors, whose=1)
    changes = _changes(found)
    warnings = []
    files = set() if own is None else set(own.examples.corpus.tolist())
    mine = [one for one in changes if one.rows in files and one.verdict not in (_LOST, "new")]
    if mine and all(one.verdict == _FEW for one in mine):
        warnings.append(
            "Your held-out file has too few articles or positives for an interval: nothing of it "
            "could be told."
        )
    return Judgement(
        gate,
        changes,
        lost=_lost(current, candidate),
        signatures=tuple(one.signature for one in found),
        warnings=tuple(warnings),
    )


def _lost(current: Bundle, candidate: Bundle) -> tuple[str, ...]:
    return tuple(one for one in current.signals if one not in candidate.signals)


def _changes(found: Sequence[Comparison]) -> tuple[SignalChange, ...]:
    """Read off two comparisons what differs, and correct the p of F1 for all of them together."""
    rows = [
        SignalChange(
            one.corpus, one.part, one.signal, one.n, one.n_groups, one.positives,
            _of(one.a, RANKING), _of(one.b, RANKING), *_ends(one.differences.get(RANKING)),
            *_ends(one.differences.get(FLAGS)), _p(one.differences.get(FLAGS)),
        )
        for comparison in found
        for one in comparison.rows
    ]  # fmt: skip
    told = [one for one in rows if min(one.positives, one.n - one.positives) >= _FEWEST]
    corrected = holm([math.nan if one.flags_p is None else one.flags_p for one in told])
    by_row = dict(zip(map(id, told), corrected, strict=True))
    return tuple(_judged(one, by_row.get(id(one))) for one in rows)


def _judged(one: SignalChange, p: float | None) -> SignalChange:
    one = replace(one, flags_p=None if p is None else _finite(p, 6))
    if one.current is None and one.candidate is None:
        return replace(one, verdict=_FEW)
    if one.difference is None and one.current is None:
        return replace(one, verdict="new")
    if one.difference is None and one.candidate is None:
        return replace(one, verdict=_LOST)
    if p is None or one.low is None or one.high is None:
        return replace(one, verdict=_FEW)
    if one.high < 0:
        return replace(one, verdict="worse ranking")
    if one.flags is not None and one.flags < 0 and (one.flags_p or 0.0) < _LEVEL:
        return replace(one, verdict="worse flags")
    return replace(one, verdict="better" if one.low > 0 else _ALIKE)


def _said(one: SignalChange) -> str:
    """Say of a signal by how much it fell, on how much, and how sure that is."""
    of = f"{one.rows}, {one.part}; n {one.n:,}, {one.articles} articles, {one.positives:,} yes"
    if one.verdict == "worse ranking":
        return (f"{one.signal}: average precision {one.difference:+.3f} "
                f"[{one.low:+.3f}, {one.high:+.3f}] ({of})")  # fmt: skip
    return (f"{one.signal}: F1 of the flags {one.flags:+.3f} "
            f"[{one.flags_low:+.3f}, {one.flags_high:+.3f}] ({of})")  # fmt: skip


def _of(figures: Mapping[str, float] | None, name: str) -> float | None:
    return None if figures is None else _finite(figures[name])


def _ends(found: Estimate | None) -> tuple[float | None, float | None, float | None]:
    if found is None:
        return None, None, None
    return _finite(found.value), _finite(found.low), _finite(found.high)


def _p(found: Difference | None) -> float | None:
    return None if found is None else _finite(found.p, 6)


def _change(value: float | None, low: float | None, high: float | None) -> Change | None:
    if value is None:
        return None
    return Change(value, math.nan if low is None else low, math.nan if high is None else high)


def _finite(value: float, digits: int = _DIGITS) -> float | None:
    return round(value, digits) + 0.0 if math.isfinite(value) else None  # no -0.0
