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
from dataclasses import asdict, dataclass, replace
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

    ``rows``: a corpus or a file. ``current``, ``candidate``, ``difference``: average precision;
    None where undefined. ``flags``: the difference of F1, each at the bundle's own threshold.
    ``flags_p``: two-sided, corrected for the number of comparisons. ``verdict``: "worse ranking",
    "worse flags", "better", "no difference shown", "too few to tell", "new" or "lost".
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
    def objection(self) -> str:
        """What speaks against the candidate; empty when nothing does."""
        figures = {
            "worse ranking": ("average precision", self.difference, self.low, self.high),
            "worse flags": ("F1 of the flags", self.flags, self.flags_low, self.flags_high),
        }
        if self.verdict not in figures:
            return ""
        name, value, low, high = figures[self.verdict]
        return (
            f"{self.signal}: {name} {value:+.3f} [{low:+.3f}, {high:+.3f}] ({self.rows}, "
            f"{self.part}; n {self.n:,}, {self.articles} articles, {self.positives:,} yes)"
        )


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
                     "measured": _finite(one.figure.value), "n": one.n}
                    for one in checks
                    if one.missed
                ],
                "other_rows": [one.benchmark.name for one in checks if one.changed],
                "behaviours_missed": [one.name for one in self.gate.suite.missed],
            },
            "changes": [asdict(one) for one in self.changes],
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
            (
                f"{one.rows}, {one.part}", one.signal, one.n, one.articles, one.positives,
                one.candidate, _change(one.difference, one.low, one.high),
                _change(one.flags, one.flags_low, one.flags_high), one.verdict,
            )
            for one in sorted(shown, key=lambda one: (not one.objection, one.verdict))
        )  # fmt: skip
        tables = (Table("Candidate and current bundle", columns, lines),) if lines else ()
        return Section(" ".join((note, *self.warnings)), tables)


def judge(
    shipped: Evaluation, own: Evaluation | None, progress: Progress | None = None
) -> Judgement:
    """Compare a candidate with the current bundle.

    Parameters
    ----------
    shipped : Evaluation
        Of the current bundle and the candidate, on what ships, or on corpora.
    own : Evaluation or None
        Of the same two, on the user's own held-out labels.
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
    changes = _changes([row for comparison in found for row in comparison.rows])
    files = set() if own is None else set(own.examples.corpus.tolist())
    mine = [one for one in changes if one.rows in files and one.verdict not in (_LOST, _NEW)]
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
        current, candidate = (
            None if figures is None else _finite(figures["average_precision"])
            for figures in (row.a, row.b)
        )
        ranking, flags = (_ends(row.differences.get(n)) for n in ("average_precision", "f1"))
        change = SignalChange(
            row.corpus, row.part, row.signal, row.n, row.n_groups, row.positives,
            current, candidate, *ranking, *flags, _finite(p, 6),
        )  # fmt: skip
        found.append(_judged(change, told))
    return tuple(found)


def _ends(one: Difference | None) -> tuple[float | None, float | None, float | None]:
    if one is None:
        return None, None, None
    return _finite(one.value), _finite(one.low), _finite(one.high)


def _judged(one: SignalChange, enough: bool) -> SignalChange:
    if one.current is None and one.candidate is None:
        verdict = _FEW
    elif one.difference is None and None in (one.current, one.candidate):
        verdict = _NEW if one.current is None else _LOST
    elif not enough or one.low is None or one.high is None:
        verdict = _FEW
    elif one.high < 0:
        verdict = "worse ranking"
    elif one.flags is not None and one.flags < 0 and (one.flags_p or 0.0) < _LEVEL:
        verdict = "worse flags"
    else:
        verdict = "better" if one.low > 0 else _ALIKE
    return replace(one, verdict=verdict)


def _change(value: float | None, low: float | None, high: float | None) -> Change | None:
    if value is None:
        return None
    return Change(value, *(math.nan if end is None else end for end in (low, high)))


def _finite(value: float, digits: int = _DIGITS) -> float | None:
    return round(value, digits) + 0.0 if math.isfinite(value) else None  # no -0.0


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
    draws, seed : int
        Of the resampling.
    progress : callable, optional

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
