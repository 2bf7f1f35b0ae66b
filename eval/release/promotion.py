"""A candidate is compared with the current bundle, and promoted or refused.

Four things speak against a candidate: a floor or a limit of the gate that it misses; a signal that
it no longer gives; a signal that it ranks worse, where the 95% interval of the difference in
average precision lies below 0; and a signal whose flags are worse, where F1 falls beyond chance. Of
many intervals one in forty lies below 0 by chance, which is the price of missing none: a promotion
can be allowed with a reason. F1 depends on where a threshold happens to lie, so its p are corrected
for the number of signals (Holm, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framescope.classifier import __version__, bundles
from framescope.classifier.bundles import Bundle, ModelStore, Promoted
from framescope.classifier.errors import InputError
from framescope.eval.compare import Compared, Difference, Progress, compare_models
from framescope.eval.metrics import holm
from framescope.eval.release.gate import FLOORS, Gate
from framescope.eval.rows import (
    FILE_PART,
    HELD_OUT,
    Evaluation,
    HeldOut,
    held_out_of_corpora,
    held_out_of_files,
)
from framescope.eval.sections import Change, Section, Table
from framescope.training.corpora import given_folder

_LEVEL = 0.05
_DIGITS = 3  # figures are judged as they are shown
_FEWEST = 10  # positives, and negatives, from which a resample tells something
_FLOORED = "transformer"  # the kind that the floors were measured on
_ALIKE, _FEW, _LOST, _NEW = "no difference shown", "too few to tell", "lost", "new"
_WORSE = {"worse ranking": "average precision", "worse flags": "F1 of the flags"}


@dataclass(frozen=True, slots=True)
class SignalChange:
    """A signal on one part of the rows: the candidate's figures minus the current bundle's.

    ``ranking``, ``flags``: of average precision, and of F1 at each bundle's threshold; NaN where
    undefined. ``flags_p``: two-sided, corrected for the number of comparisons.
    """

    row: Compared
    ranking: Change
    flags: Change
    flags_p: float
    verdict: str

    @property
    def objection(self) -> str:
        """What speaks against the candidate; empty when nothing does."""
        if self.verdict not in _WORSE:
            return ""
        name, row = _WORSE[self.verdict], self.row
        change = self.flags if self.verdict == "worse flags" else self.ranking
        return (
            f"{row.signal}: {name} {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}] "
            f"({row.corpus}, {row.part}; n {row.n:,}, {row.n_groups} articles, "
            f"{row.positives:,} yes)"
        )

    def record(self) -> dict[str, Any]:
        """Return every figure, finite or null."""
        row, ranking, flags = self.row, self.ranking, self.flags
        figures = {
            "current": _ap(row.a), "candidate": _ap(row.b), "difference": ranking.value,
            "low": ranking.low, "high": ranking.high, "flags": flags.value, "flags_low": flags.low,
            "flags_high": flags.high, "flags_p": self.flags_p,
        }  # fmt: skip
        return {
            "rows": row.corpus, "part": row.part, "signal": row.signal, "n": row.n,
            "articles": row.n_groups, "positives": row.positives,
            **{name: value if math.isfinite(value) else None for name, value in figures.items()},
            "verdict": self.verdict,
        }  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """The comparison of a candidate with the current bundle.

    ``gate``: without floors where they were measured on another kind of bundle. ``lost``: signals
    that only the current bundle gives. ``signatures``: of the comparisons.
    """

    gate: Gate
    changes: tuple[SignalChange, ...]
    lost: tuple[str, ...]
    signatures: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the candidate, one line each."""
        floors = (
            f"{one.benchmark.name}: {one.figure.value:.3f}, below its floor of {one.floor:.3f} "
            f"(n {one.n:,}, {one.groups} groups)"
            if one.missed
            else f"{one.benchmark.name}: its floor was measured on other rows"
            for one in self.gate.checks
            if one.missed or one.changed
        )
        return (
            *floors,
            *(f"behaviour: the limit of '{one.name}' is missed" for one in self.gate.suite.missed),
            *([f"no longer given: {', '.join(self.lost)}"] if self.lost else ()),
            *(one.objection for one in self.changes if one.objection),
        )

    def record(self) -> dict[str, Any]:
        """Return what the history keeps: every figure, finite or null."""
        checks = [one for one in self.gate.checks if one.floor is not None]
        return {
            "gate": {
                "signature": self.gate.signature,
                "floors": len(checks),
                "missed": [
                    {"benchmark": one.benchmark.name, "floor": one.floor,
                     "measured": None if math.isnan(one.figure.value)
                     else round(one.figure.value, _DIGITS), "n": one.n}
                    for one in checks
                    if one.missed
                ],
                "other_rows": [one.benchmark.name for one in checks if one.changed],
                "behaviours_missed": [one.name for one in self.gate.suite.missed],
            },
            "changes": [one.record() for one in self.changes],
            "lost": list(self.lost),
            "objections": list(self.objections),
            "warnings": list(self.warnings),
            "signatures": list(self.signatures),
        }  # fmt: skip

    def section(self) -> Section:
        """Return what is worse, better or new as a table, and count the rest."""
        shown = [one for one in self.changes if one.verdict not in (_ALIKE, _FEW, _LOST)]
        alike, few = (sum(one.verdict == v for one in self.changes) for v in (_ALIKE, _FEW))
        floors = sum(one.floor is not None for one in self.gate.checks)
        note = (
            f"{len(self.changes)} comparisons: {alike} show no difference, {few} have too few "
            f"positives or articles to tell; {floors or 'no'} floors compared. Differences are the "
            "candidate's figures minus the current bundle's, with 95% intervals from resampling "
            f"whole articles; about {math.ceil((len(self.changes) - few) / 40)} of them lies below "
            "0 by chance."
        )
        columns = ("rows", "signal", "n", "articles", "yes", "AP", "AP, difference",
                   "F1, difference", "verdict")  # fmt: skip
        lines = tuple(
            (f"{row.corpus}, {row.part}", row.signal, row.n, row.n_groups, row.positives,
             _ap(row.b), one.ranking, one.flags, one.verdict)
            for one in sorted(shown, key=lambda one: (not one.objection, one.verdict))
            for row in [one.row]
        )  # fmt: skip
        tables = (Table("Candidate and current bundle", columns, lines),) if lines else ()
        return Section(" ".join((note, *self.warnings)), tables)


def judge(
    shipped: Evaluation, own: Evaluation | None, progress: Progress | None = None
) -> Judgement:
    """Compare the current bundle and a candidate, on what ships and on the user's own labels."""
    current, candidate = shipped.bundles
    found = [compare_models(one, progress=progress) for one in (shipped, own) if one is not None]
    floors = FLOORS if candidate.manifest["kind"] == _FLOORED else None
    gate = Gate.of(replace(shipped, draws=0), floors, whose=1)
    changes = _changes([row for comparison in found for row in comparison.rows])
    files = set() if own is None else set(own.examples.corpus.tolist())
    mine = {one.verdict for one in changes if one.row.corpus in files} - {_LOST, _NEW}
    few = "Your held-out file has too few articles or positives for an interval."
    lost = tuple(one for one in current.signals if one not in candidate.signals)
    signatures = tuple(one.signature for one in found)
    return Judgement(gate, changes, lost, signatures, (few,) if mine == {_FEW} else ())


def _changes(rows: Sequence[Compared]) -> tuple[SignalChange, ...]:
    """Read off comparisons what differs; the p of F1 are corrected for all of them together."""
    enough = [min(row.positives, row.n - row.positives) >= _FEWEST for row in rows]
    ps = [
        row.differences["f1"].p if told and row.differences else math.nan
        for row, told in zip(rows, enough, strict=True)
    ]
    found = []
    for row, told, p in zip(rows, enough, holm(ps), strict=True):
        ranking, flags = (_rounded(row.differences.get(n)) for n in ("average_precision", "f1"))
        current, candidate = math.isnan(_ap(row.a)), math.isnan(_ap(row.b))  # undefined
        if current != candidate and math.isnan(ranking.value):
            verdict = _NEW if current else _LOST
        elif not told or current or math.isnan(ranking.low):
            verdict = _FEW
        elif ranking.high < 0:
            verdict = "worse ranking"
        elif flags.value < 0 and not p >= _LEVEL:
            verdict = "worse flags"
        else:
            verdict = "better" if ranking.low > 0 else _ALIKE
        found.append(SignalChange(row, ranking, flags, round(p, 6), verdict))
    return tuple(found)


def _rounded(found: Difference | None) -> Change:
    """Round a difference as it is shown: it is judged as it is read."""
    if found is None:
        return Change(math.nan)
    return Change(*(round(x, _DIGITS) + 0.0 for x in (found.value, found.low, found.high)))


def _ap(figures: Mapping[str, float] | None) -> float:
    return math.nan if figures is None else round(figures["average_precision"], _DIGITS)


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion, with the version that is current now.

    ``decision``: "promoted", "allowed" (with a reason), "refused", or "current": it is already.
    ``record``: as the history keeps it.
    """

    name: str
    decision: str
    version: int | None
    judgement: Judgement | None
    record: Mapping[str, Any]


def promote(
    word: str,
    store: ModelStore,
    name: str | None = None,
    *,
    data: Sequence[Path] = (),
    corpora: Path | None = None,
    against: str | None = None,
    allow: str | None = None,
    by: str | None = None,
    draws: int = 10_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Promotion:
    """Judge a candidate, and promote it when nothing speaks against it, or somebody allows it.

    `word` is a bundle's folder, or what else `classifier.bundles.resolve` takes; `name` is by
    default the folder's. `data` are labelled files that neither bundle was trained on; those of the
    user's own labels that training held out, in ``CANDIDATE.run/added``, are used too. `against` is
    by default the current bundle of the name, at first the shipped one of the kind. `allow` says
    why the candidate may be promoted whatever speaks against it, `by` who decides it. Raise
    `FramescopeError`, with nothing written, when a bundle or the rows can't be used, or another
    bundle became current meanwhile.
    """
    if allow is not None and not (allow.strip() and (by or "").strip()):
        raise InputError("--allow", "needs a reason, and --by WHO decides it; give both")
    is_folder = Path(word).is_dir()  # a folder takes precedence over a promoted name
    folder = Path(word) if is_folder else bundles.resolve(word)
    parts = None if is_folder else bundles.split_name(word)
    name = name or (parts[0] if parts else folder.absolute().name)
    store.check_name(name)
    store.check_writable()
    candidate, before = bundles.load(folder), store.find(name)
    kind = str(candidate.manifest["kind"])
    if against is not None:
        current = bundles.load(bundles.resolve(against))
    else:
        current = bundles.load(before.path() if before else bundles.resolve(kind))
    if before is not None and before.versions.get(before.current) == candidate.digest:
        return Promotion(name, "current", before.current, None, {"digest": candidate.digest})
    own = _own_files(data, folder)
    both = (current, candidate)

    def evaluation(rows: HeldOut, parts: tuple[str, ...]) -> Evaluation:
        return Evaluation(both, rows.examples, rows.signature, parts, draws, seed)

    mine = evaluation(held_out_of_files(own), (FILE_PART,)) if own else None
    rows = held_out_of_corpora(given_folder(corpora), both, allow_other_split=False)
    judgement = judge(evaluation(rows, HELD_OUT), mine, progress)
    refused = bool(judgement.objections) and allow is None
    decision = "refused" if refused else "allowed" if judgement.objections else "promoted"
    record = {
        "decision": decision,
        "candidate": {"path": str(folder.absolute()), **_identity(candidate)},
        "against": {
            "name": against or (f"{name}@{before.current}" if before else kind),
            **_identity(current),
        },
        "data": [{"path": str(path), "digest": bundles.digest(path)} for path in own],
        "framescope": __version__,
        "resampling": {"draws": draws, "seed": seed},
        "allowed": {"reason": allow, "by": by} if decision == "allowed" else None,
        **judgement.record(),
    }
    version = None if before is None else before.current
    with store.writing(name) as writer:
        writer.repair()
        if against is None and _pointer(store.find(name)) != _pointer(before):
            reason = "another bundle became current meanwhile, with which this one was not compared"
            raise InputError(name, f"{reason}; promote it again")
        if refused:
            writer.record("refused", **record)
        else:
            version = writer.add(folder, candidate.manifest)
            writer.record("accepted", version=version, **record)
            writer.point(version, kind, candidate.digest, "promoted", by=by)
    return Promotion(name, decision, version, judgement, record)


def _own_files(data: Sequence[Path], folder: Path) -> list[Path]:
    """Return the user's held-out files: those named, and those that training held out."""
    for path in data:
        if not path.is_file():
            raise InputError(path, "no such file; give a labelled file (exchange format)")
    run = folder.absolute().with_name(folder.absolute().name + ".run")
    kept = (run / "added" / f"{part}.jsonl" for part in HELD_OUT)
    known = {path.resolve() for path in data}
    found = [one for one in kept if one.is_file() and one.stat().st_size]
    return [*data, *(one for one in found if one.resolve() not in known)]


def _identity(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {"bundle": bundle.name, "digest": bundle.digest, "kind": manifest["kind"],
            "code_version": manifest.get("code_version")}  # fmt: skip


def _pointer(found: Promoted | None) -> tuple[int, str | None] | None:
    return None if found is None else (found.current, found.versions.get(found.current))
