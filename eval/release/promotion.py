"""A candidate is compared with the current bundle, and promoted or refused.

Four things speak against a candidate: a floor or a limit of the gate that it misses; a signal that
it no longer gives; a signal that it ranks worse, where the 95% interval of the difference in
average precision lies below 0; and a signal whose flags are worse, where F1 falls beyond chance.
Differences are paired and resample whole articles (`eval.compare`). Of many intervals one in forty
lies below 0 by chance, which is the price of missing none: a promotion can be allowed with a
reason. F1 depends on where a threshold happens to lie, so its p are corrected for the number of
signals (Holm, 1979).

Judging takes minutes and changes nothing. Then, under a lock, the bundle is copied, the decision
recorded and the pointer moved. If another bundle became current meanwhile, nothing is done.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.bundles import (
    Bundle,
    ModelStore,
    Promoted,
    digest,
    load,
    resolve,
    split_name,
)
from framescope.classifier.errors import FramescopeError, InputError
from framescope.eval.compare import Compared, Difference, Progress, compare_models
from framescope.eval.metrics import Change, Section, Table, holm
from framescope.eval.release.gate import FLOORS, Gate
from framescope.eval.rows import (
    FILE_PART,
    HELD_OUT,
    Evaluation,
    HeldOut,
    held_out_of_corpora,
    held_out_of_files,
)
from framescope.training.corpora import given_folder

_LEVEL = 0.05
_DIGITS = 3  # figures are judged as they are shown
_FEWEST = 10  # positives, and negatives, from which a resample tells something
_FLOORED = "transformer"  # the kind that the floors were measured on
_ALIKE, _FEW, _LOST, _NEW = "no difference shown", "too few to tell", "lost", "new"


class PromotionError(FramescopeError):
    """A promotion that can't be made as asked."""


@dataclass(frozen=True, slots=True)
class SignalChange:
    """A signal on one part of the rows: the candidate's figures minus the current bundle's.

    ``ranking``, ``flags``: differences of average precision, and of F1 at each bundle's threshold;
    NaN where undefined. ``flags_p``: two-sided, corrected for the number of comparisons.
    """

    row: Compared
    ranking: Change
    flags: Change
    flags_p: float
    verdict: str

    @property
    def objection(self) -> str:
        """What speaks against the candidate; empty when nothing does."""
        named = {
            "worse ranking": ("average precision", self.ranking),
            "worse flags": ("F1 of the flags", self.flags),
        }
        if self.verdict not in named:
            return ""
        (name, change), row = named[self.verdict], self.row
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

    ``gate``: the candidate's, without floors where it is of another kind than they were measured
    on. ``lost``: signals that only the current bundle gives. ``signatures``: of the comparisons.
    """

    gate: Gate
    changes: tuple[SignalChange, ...]
    lost: tuple[str, ...]
    signatures: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the candidate, one line each."""
        return tuple(self._objections())

    def _objections(self) -> Iterator[str]:
        for one in self.gate.checks:
            if one.missed:
                yield (f"{one.benchmark.name}: {one.figure.value:.3f}, below its floor of "
                       f"{one.floor:.3f} (n {one.n:,}, {one.groups} groups)")  # fmt: skip
            elif one.changed:
                yield f"{one.benchmark.name}: its floor was measured on other rows"
        for result in self.gate.suite.missed:
            yield f"behaviour: the limit of '{result.name}' is missed"
        if self.lost:
            yield f"no longer given: {', '.join(self.lost)}"
        yield from (one.objection for one in self.changes if one.objection)

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
    """Compare a candidate with the current bundle, on what ships and on the user's own labels.

    Both evaluations are of the current bundle and the candidate. Raises a `SignalError` when no row
    has a label of a signal that either gives.
    """
    current, candidate = shipped.bundles
    found = [compare_models(one, progress=progress) for one in (shipped, own) if one is not None]
    floors = FLOORS if candidate.manifest["kind"] == _FLOORED else None
    gate = Gate.of(replace(shipped, draws=0), floors, whose=1)
    changes = _changes([row for comparison in found for row in comparison.rows])
    files = set() if own is None else set(own.examples.corpus.tolist())
    mine = [one for one in changes
            if one.row.corpus in files and one.verdict not in (_LOST, _NEW)]  # fmt: skip
    warnings: tuple[str, ...] = ()
    if mine and all(one.verdict == _FEW for one in mine):
        warnings = ("Your held-out file has too few articles or positives for an interval.",)
    return Judgement(
        gate, changes, tuple(one for one in current.signals if one not in candidate.signals),
        tuple(one.signature for one in found), warnings,
    )  # fmt: skip


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


# --- the decision ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion.

    ``decision``: "promoted", "allowed" (with a reason), "refused", or "current": the candidate is
    current already. ``version``: the current one now. ``record``: as the history keeps it.
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

    Parameters
    ----------
    word : str
        A bundle's folder, or what else `classifier.bundles.resolve` takes.
    store : ModelStore
    name : str, optional
        By default the folder's.
    data : sequence of pathlib.Path
        Labelled files that neither bundle was trained on. Those of the user's own labels that
        training held out, in ``CANDIDATE.run/added``, are used too.
    corpora : pathlib.Path or None
        As `training.corpora.given_folder` takes it.
    against : str or None
        By default the current bundle of the name, at first the shipped one of the kind.
    allow, by : str or None
        Why the candidate may be promoted whatever speaks against it; who decides it.

    Raises
    ------
    FramescopeError
        When a bundle or the rows can't be used, or another bundle became current meanwhile; then
        nothing is written.
    """
    if allow is not None and not (allow.strip() and (by or "").strip()):
        raise PromotionError("--allow needs a reason, and --by WHO decides it; give both")
    is_folder = Path(word).is_dir()  # a folder takes precedence over a promoted name
    folder = Path(word) if is_folder else resolve(word)
    parts = None if is_folder else split_name(word)
    name = name or (parts[0] if parts else folder.absolute().name)
    store.check_name(name)
    store.check_writable()
    candidate, before = load(folder), store.find(name)
    kind = str(candidate.manifest["kind"])
    if against is not None:
        current = load(resolve(against))
    else:
        current = load(before.path() if before else resolve(kind))
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
        "data": [{"path": str(path), "digest": digest(path)} for path in own],
        "framescope": __version__,
        "resampling": {"draws": draws, "seed": seed},
        "allowed": {"reason": allow, "by": by} if decision == "allowed" else None,
        **judgement.record(),
    }
    version = None if before is None else before.current
    with store.writing(name) as writer:
        writer.repair()
        if against is None and _pointer(store.find(name)) != _pointer(before):
            raise PromotionError(
                f"{name}: another bundle became current meanwhile, with which this one was not "
                "compared; promote it again"
            )
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
