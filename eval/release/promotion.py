"""A bundle is compared with floors, and a candidate with the current bundle: promoted or refused.

``floors.json`` has, for each benchmark, the digest of its rows and the lowest figure that a default
bundle may show. A floor is raised by measuring; the reason for lowering one is kept in the file.

A candidate is refused for a floor or a limit of the gate that it misses; a signal that it no longer
gives; and a signal that it ranks or flags worse, where average precision or F1 falls beyond chance.
Their p are corrected for the number of comparisons (Holm, 1979).
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.classifier import __version__, bundles
from framescope.classifier.bundles import CARD, MANIFEST, Bundle, ModelStore, Promoted
from framescope.classifier.errors import BundleError, FramescopeError, InputError
from framescope.classifier.files import atomic_write
from framescope.eval import rows as held_out
from framescope.eval.compare import comparison as compare
from framescope.eval.compare.comparison import ALIKE, ALPHA, FEW, LOST, NEW, Progress
from framescope.eval.metrics import METRICS, estimate
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Benchmark, Evaluation
from framescope.eval.sections import Cell, Estimate, Section, markdown_table, plain, table
from framescope.eval.suite import Suite, measure_suite
from framescope.training.corpora import given_folder

Floors = Mapping[str, Any]
FLOORS = Path(__file__).with_name("floors.json")
MULTILINGUAL = FLOORS.with_name("floors-multilingual.json")
_SLACK = 0.005  # a new floor lies so far below the figure: int8 rounds differently elsewhere
_POSITIVES = 20  # benchmarks with fewer have no floor: chance alone would break it

_FLOORED = "transformer"  # the kind that the floors were measured on
_BEGIN, _END = "<!-- measured -->", "<!-- /measured -->"
_HEAD = """## How good it is

On rows that nothing was trained, tuned or calibrated on, with 95% intervals over
resamples of whole groups. Published figures are of other rows unless it says so; a
ceiling is how far annotators agree. Written by `framescope eval gate --update`.
"""


def floors_of(bundle: Bundle) -> Path:
    """Return the file of the floors that hold for a bundle, by the languages that it reads."""
    return FLOORS if len(bundle.languages) == 1 else MULTILINGUAL


def read_floors(path: Path | None) -> Floors:
    """Read ``floors`` and ``regressions``, none where there is no file."""
    if path is None or not path.is_file():
        return {"floors": {}, "regressions": []}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"floors": dict(record["floors"]), "regressions": list(record["regressions"])}
    except (ValueError, KeyError, TypeError) as error:
        raise FramescopeError(f"{path}: no floors ({error}); restore the file") from None


class FloorCheck(NamedTuple):
    """A bundle's main figure on a benchmark, and its floor; digests are of rows and labels."""

    benchmark: Benchmark
    digest: str
    n: int
    groups: int
    positives: int
    figure: Estimate
    floor: float | None
    floor_digest: str | None

    @property
    def missed(self) -> bool:
        """Whether the figure is below the floor."""
        return self.floor is not None and not self.figure.value >= self.floor

    @property
    def changed(self) -> bool:
        """Whether the floor was measured on other rows."""
        return self.floor_digest is not None and self.floor_digest != self.digest


def measure(evaluation: Evaluation, floors: Floors, whose: int = 0) -> Iterator[FloorCheck]:
    """Measure a bundle, by its place, on the benchmarks that have rows and that it gives."""
    given = evaluation.bundles[whose].signals
    resampling = {"draws": evaluation.draws, "seed": evaluation.seed}
    for one, sample in evaluation.samples(one for one in BENCHMARKS if one.signal in given):
        scores, truth, groups = sample.scores[whose], sample.truth, sample.groups
        if scores is None:  # in a language that the bundle doesn't read
            continue
        total, labels = hashlib.sha256(), sample.rows.column(sample.signal)
        for row in sample.chosen:
            sentence = sample.rows.sentences[row]
            total.update(f"{sentence.article_id}\t{sentence.text}\t{labels[row]:g}\n".encode())
        figure = estimate(one.metric, truth, scores, groups, **resampling)
        floor = floors["floors"].get(one.name, {})
        sizes = len(sample), len(np.unique(groups)), int(truth.sum())
        known = floor.get("floor"), floor.get("digest")
        yield FloorCheck(one, total.hexdigest()[:16], *sizes, figure, *known)


def raised(checks: Sequence[FloorCheck], floors: Floors, reasons: Mapping[str, str]) -> Floors:
    """Return floors raised to what was measured, or lowered for a reason, by benchmark."""
    kept, lowered = dict(floors["floors"]), list[dict[str, Any]]()
    for one in checks:
        value = one.figure.value
        if math.isnan(value) or min(one.positives, one.n - one.positives) < _POSITIVES:
            continue
        name, floor = one.benchmark.name, round(value - _SLACK, 4)
        if one.missed:
            fall = {"benchmark": name, "from": one.floor, "to": floor}
            lowered.append({**fall, "reason": reasons.get(name)})
        elif one.floor is not None:
            floor = max(floor, one.floor)  # within the slack: as it was
        kept[name] = {"digest": one.digest, "metric": one.benchmark.metric, "floor": floor}
    if unexplained := [one for one in lowered if one["reason"] is None]:
        falls = (f"{one['benchmark']} ({one['from']} to {one['to']})" for one in unexplained)
        remedy = "give a reason for each: --allow-regression BENCHMARK=REASON"
        raise FramescopeError(f"floors would be lowered: {', '.join(falls)}; {remedy}")
    if idle := sorted(reasons.keys() - {one["benchmark"] for one in lowered}):
        raise FramescopeError(f"a reason for what is not lowered: {', '.join(idle)}; leave it out")
    ordered = {name: kept[name] for name in BENCHMARK_BY_NAME if name in kept}
    return {"floors": ordered, "regressions": [*floors["regressions"], *lowered]}


class Gate(NamedTuple):
    """A bundle compared with the floors of a file and the limits of the behavioural suite."""

    bundle: Bundle
    path: Path
    floors: Floors
    checks: Sequence[FloorCheck]
    suite: Suite

    @classmethod
    def of(cls, evaluation: Evaluation, path: Path | None = FLOORS, whose: int = 0) -> Self:
        """Measure a bundle of an evaluation; without a file there are no floors."""
        bundle, floors = evaluation.bundles[whose], read_floors(path)
        checks = list(measure(evaluation, floors, whose))
        return cls(bundle, path or FLOORS, floors, checks, measure_suite(bundle))

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures."""
        rows = hashlib.sha256("".join(one.digest for one in self.checks).encode()).hexdigest()
        return (
            f"framescope {__version__} | benchmarks {rows[:12]} | "
            f"cases {self.suite.cases_digest[:12]} | {self.bundle.name} {self.bundle.digest[:12]}"
        )

    def section(self) -> Section:
        """Return the benchmarks with their floors."""
        rows = (
            (one.benchmark.name, one.benchmark.metric, one.n, one.positives, one.figure.value,
             *(("none", "") if one.floor is None else (one.floor, verdict)))
            for one in self.checks
            for verdict in ["missed" if one.missed else "other rows" if one.changed else "ok"]
        )  # fmt: skip
        columns = ("benchmark", "figure", "n", "yes", "measured", "floor", "verdict")
        benchmarks = table("Benchmarks and their floors", columns, rows)
        return Section(f"Behaviour: {self.suite.verdict}", (benchmarks,), signature=self.signature)

    def update(self, reasons: Mapping[str, str]) -> None:
        """Write new floors, and the figures into the bundle's card; see `raised`."""
        record = raised(self.checks, self.floors, reasons)
        atomic_write(self.path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        write_card(self.bundle.path, self.checks)

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the bundle, one line each."""
        floors = (
            f"{one.benchmark.name}: {one.figure.value:.3f}, below its floor of {one.floor:.3f} "
            f"(n {one.n:,}, {one.groups} groups)"
            if one.missed
            else f"{one.benchmark.name}: its floor was measured on other rows"
            for one in self.checks
            if one.missed or one.changed
        )
        limits = (f"behaviour: the limit of '{one.name}' is missed" for one in self.suite.missed)
        return *floors, *limits

    def check(self, name: str) -> None:
        """Raise `FramescopeError` where a floor or limit is missed; the bundle's name as typed."""
        why = "; ".join(self.objections)
        if not why and all(one.floor is None for one in self.checks):
            why = f"{self.path}: has no floor for these benchmarks"
        if why:
            shown = f"`framescope eval robustness {name}` shows the cases of a limit"
            raise FramescopeError(f"{why}; {shown}, --update sets floors to what is measured now")


def card_records(checks: Iterable[FloorCheck]) -> list[dict[str, Any]]:
    """Return figures as a manifest holds them under ``metrics``; what is undefined is null."""
    records = [
        {
            "benchmark": one.benchmark.name, "rows": one.digest, "n": one.n, "groups": one.groups,
            "positives": one.positives, "metric": one.benchmark.metric,
            **{key: round(value, 4) for key, value in asdict(one.figure).items()},
        }
        for one in checks
    ]  # fmt: skip
    return list(plain(records))


def card_section(metrics: Iterable[Mapping[str, Any]]) -> str:
    """Return the measured section of a card, between the marks by which it is found again."""
    columns = ("benchmark", "n", "groups", "positive", "figure", "value (95% interval)")
    rows = table("", (*columns, "beside it"), map(_card_line, metrics))
    return "\n".join((_BEGIN, _HEAD, markdown_table(rows), _END))


def _card_line(record: Mapping[str, Any]) -> tuple[Cell, ...]:
    benchmark = BENCHMARK_BY_NAME.get(record["benchmark"])
    beside = []
    if benchmark and benchmark.published:
        rows = "these rows" if benchmark.published.same_split else "other rows"
        beside.append(f"{benchmark.published.value:g} {benchmark.published.metric} ({rows})")
    if benchmark and benchmark.ceiling:
        beside.append(f"{benchmark.ceiling.measure} {benchmark.ceiling.value:.2f}")
    value, low, high = (record[key] for key in ("value", "low", "high"))
    return (
        f"`{record['benchmark']}`", record["n"], record["groups"], record["positives"],
        METRICS[record["metric"]],
        value if low is None else Estimate(value, low, high), "; ".join(beside),
    )  # fmt: skip


def write_card(folder: Path, checks: Iterable[FloorCheck]) -> None:
    """Write figures into a bundle's manifest and card; raise `BundleError` where it can't."""
    metrics = card_records(checks)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        before, begin, rest = (folder / CARD).read_text(encoding="utf-8").partition(_BEGIN)
        rest = rest.partition(_END)[2]
        if not begin:
            before, *rests = before.partition("## What it can't do")
            rest = "\n\n" + "".join(rests)
        atomic_write(folder / CARD, f"{before}{card_section(metrics)}{rest}")
        text = json.dumps(manifest | {"metrics": metrics}, indent=2, ensure_ascii=False)
        atomic_write(folder / MANIFEST, text + "\n")
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: its card can't be written ({error})") from None


class Judgement(NamedTuple):
    """The comparison of a candidate with the current bundle."""

    gate: Gate  # without floors where they were measured on another kind of bundle
    changes: tuple[compare.SignalChange, ...]
    lost: tuple[str, ...]  # signals that only the current bundle gives
    signatures: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def objections(self) -> tuple[str, ...]:
        """What speaks against the candidate, one line each."""
        return (
            *self.gate.objections,
            *([f"no longer given: {', '.join(self.lost)}"] if self.lost else ()),
            *(one.objection for one in self.changes if one.objection),
        )

    def record(self) -> dict[str, Any]:
        """Return what the history keeps: every figure, null where undefined."""
        checks = [one for one in self.gate.checks if one.floor is not None]
        gate = {
            "signature": self.gate.signature, "floors": len(checks),
            "missed": card_records(one for one in checks if one.missed),
            "other_rows": [one.benchmark.name for one in checks if one.changed],
            "behaviours_missed": [one.name for one in self.gate.suite.missed],
        }  # fmt: skip
        found = {"gate": gate, "changes": [one.record() for one in self.changes]}
        lists = ("lost", "objections", "warnings", "signatures")
        return dict(plain(found | {key: getattr(self, key) for key in lists}))

    def section(self) -> Section:
        """Return what is worse, better or new as a table, and count the rest."""
        shown = [one for one in self.changes if one.verdict not in (ALIKE, FEW, LOST)]
        alike, few = (sum(one.verdict == v for one in self.changes) for v in (ALIKE, FEW))
        floors = sum(one.floor is not None for one in self.gate.checks)
        note = (
            f"{len(self.changes)} comparisons: {alike} show no difference, {few} have too few "
            f"positives or articles to tell; {floors or 'no'} floors compared. Differences are the "
            "candidate's figures minus the current bundle's, with 95% intervals from resampling "
            "whole articles; verdicts are corrected for the number of comparisons (Holm)."
        )
        shown.sort(key=lambda one: (not one.objection, one.verdict))
        tables = (compare.table_of_changes(shown, ("current", "candidate")),) if shown else ()
        return Section(" ".join((note, *self.warnings)), tables)


def judge(
    shipped: Evaluation, own: Evaluation | None, progress: Progress | None = None
) -> Judgement:
    """Compare the current bundle and a candidate, on what ships and on the user's own labels."""
    current, candidate = shipped.bundles
    both = list(filter(None, (shipped, own)))
    tests = sum(map(compare.count_tests, both))
    if shipped.draws < (needed := compare.draws_needed(tests)):
        raise InputError(
            f"--draws {shipped.draws}",
            f"too few for {tests} comparisons: corrected for their number (Holm), no p of so few "
            f"draws is below {ALPHA}, and a worse signal would pass; type --draws {needed}",
        )
    found = [compare.compare_models(one, progress=progress) for one in both]
    floors = floors_of(candidate) if candidate.manifest["kind"] == _FLOORED else None
    gate = Gate.of(replace(shipped, draws=0), floors, whose=1)
    changes = compare.changes_of([row for one in found for row in one.rows])
    files = set() if own is None else set(own.examples.corpus.tolist())
    mine = {one.verdict for one in changes if one.row.corpus in files} - {LOST, NEW}
    few = "Your held-out file has too few articles or positives to decide by."
    lost = tuple(one for one in current.signals if one not in candidate.signals)
    signatures = tuple(one.signature for one in found)
    return Judgement(gate, changes, lost, signatures, (few,) if mine == {FEW} else ())


class Promotion(NamedTuple):
    """The outcome, the version that is current now, and the record that the history keeps."""

    name: str
    decision: str  # "promoted", "allowed" (with a reason), "refused", or "current": it is already
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
    allow_seen: bool = False,
    draws: int = 10_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Promotion:
    """Judge a candidate, and promote it when nothing speaks against it, or somebody allows it.

    `word` is what `classifier.bundles.resolve` takes; `name` is by default the folder's. `data` are
    labelled files, by default those that training held out, in ``CANDIDATE.run/added``. `against`
    is by default the current bundle of the name, at first the shipped one of the kind. `allow` says
    why the candidate may be promoted whatever speaks against it, `by` who decides it.
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
    several = len(candidate.languages) > 1
    kind = bundles.defaults()[-1] if several else str(candidate.manifest["kind"])
    asked = before and before.path() if against is None else bundles.resolve(against)
    current = bundles.load(asked or bundles.resolve(kind))
    if before is not None and before.versions.get(before.current) == candidate.digest:
        return Promotion(name, "current", before.current, None, {"digest": candidate.digest})
    added = folder.absolute().with_name(f"{folder.absolute().name}.run") / "added"
    kept = (added / f"{part}.jsonl" for part in held_out.HELD_OUT)
    own = list(data) or [one for one in kept if one.is_file() and one.stat().st_size]
    both = current, candidate

    def evaluation(rows: held_out.HeldOut, parts: tuple[str, ...]) -> Evaluation:
        return Evaluation(both, rows.examples, rows.signature, parts, draws, seed)

    of_files = held_out.held_out_of_files(own, () if allow_seen else both) if own else None
    mine = of_files and evaluation(of_files, (held_out.FILE_PART,))
    rows = held_out.held_out_of_corpora(given_folder(corpora), both, allow_seen=allow_seen)
    judgement = judge(evaluation(rows, held_out.HELD_OUT), mine, progress)
    refused = bool(judgement.objections) and allow is None
    previous = f"{name}@{before.current}" if before else kind
    decision = "refused" if refused else "allowed" if judgement.objections else "promoted"
    record = {
        "decision": decision,
        "candidate": {"path": str(folder.absolute()), **_identity(candidate)},
        "against": {"name": against or previous, **_identity(current)},
        "data": [{"path": str(path), "digest": bundles.digest(path)} for path in own],
        "framescope": __version__,
        "resampling": {"draws": draws, "seed": seed},
        "allow_seen": allow_seen,
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


def _identity(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {"bundle": bundle.name, "digest": bundle.digest, "kind": manifest["kind"],
            "code_version": manifest.get("code_version")}  # fmt: skip


def _pointer(found: Promoted | None) -> tuple[int, str | None] | None:
    return None if found is None else (found.current, found.versions.get(found.current))
