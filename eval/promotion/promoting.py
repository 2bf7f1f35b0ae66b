"""A candidate is judged, and takes the current bundle's place or not.

Judging takes minutes and changes nothing. Then, under a lock, the bundle is copied, the decision
recorded and the pointer moved. If another bundle became current meanwhile, nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.bundles import (
    Bundle,
    ModelStore,
    Promoted,
    StoreWriter,
    digest,
    load,
    resolve,
    split_name,
)
from framescope.classifier.errors import FramescopeError, InputError
from framescope.eval.compare import Progress
from framescope.eval.promotion.judging import Judgement, judge
from framescope.eval.rows import FILE_PART, HELD_OUT, Evaluation, HeldOut, held_out_of_corpora
from framescope.eval.rows import held_out_of_files as rows_of_files
from framescope.training.corpora import given_folder

_ADDED = "added"
"""Where training leaves a user's own labels by their parts, in the run's folder."""


class PromotionError(FramescopeError):
    """A promotion that can't be made as asked."""


@dataclass(frozen=True)
class Proposal:
    """A promotion that is asked for.

    Attributes
    ----------
    candidate : str
        A bundle's folder, or what else `classifier.bundles.resolve` takes.
    name : str or None
        What it is to be called; else as its folder is.
    data : sequence of pathlib.Path
        Labelled files that neither bundle has learned from. What training kept back of the user's
        own labels, in the folder ``CANDIDATE.run`` beside the candidate, is taken by itself.
    corpora : pathlib.Path or None
        As `training.corpora.given_folder` takes it: without any, it is judged on what ships.
    against : str or None
        A bundle to judge it beside; else the current one of that name, else what ships of its kind.
    allow, by : str or None
        Why it may be promoted whatever stands against it; who says so, or who promotes it.
    draws, seed : int
        Of the resamples.
    """

    candidate: str
    name: str | None = None
    data: Sequence[Path] = ()
    corpora: Path | None = None
    against: str | None = None
    allow: str | None = None
    by: str | None = None
    draws: int = 10_000
    seed: int = 0


@dataclass(frozen=True)
class Promotion:
    """What came of it.

    Attributes
    ----------
    name : str
    decision : str
        ``promoted``, ``allowed`` (promoted with a reason), ``refused``, or ``current``: it is that
        already, and nothing was done.
    version : int or None
        The current one; None where there is none.
    judgement : Judgement or None
        None of what is current already.
    record : mapping
        What the history keeps.
    """

    name: str
    decision: str
    version: int | None
    judgement: Judgement | None
    record: Mapping[str, Any]


def promote(asked: Proposal, store: ModelStore, progress: Progress | None = None) -> Promotion:
    """Judge a candidate, and promote it where nothing stands against it, or somebody allows it.

    Raises
    ------
    FramescopeError
        When the candidate, what it is judged beside or the rows can't be used; when somebody else
        promoted meanwhile. Nothing is written then.
    """
    if asked.allow is not None and not (asked.allow.strip() and (asked.by or "").strip()):
        raise PromotionError("--allow needs a reason, and --by WHO says so; give both")
    folder = _folder(asked.candidate)
    name = asked.name or _name_of(asked.candidate, folder)
    store.check_name(name)
    store.check_writable()
    candidate, before = load(folder), store.find(name)
    current = load(_beside(asked, before, candidate))
    if before is not None and before.versions.get(before.current) == candidate.digest:
        return Promotion(name, "current", before.current, None, {"digest": candidate.digest})
    judgement, data = _judged(asked, folder, current, candidate, progress)
    refused = bool(judgement.objections) and asked.allow is None
    decision = "refused" if refused else "allowed" if judgement.objections else "promoted"
    record = {
        "decision": decision,
        "candidate": {"path": str(folder.absolute()), **_identity(candidate)},
        "against": {
            "name": asked.against or _current_name(name, before, candidate),
            **_identity(current),
        },
        "data": data,
        "framescope": __version__,
        "resampling": {"draws": asked.draws, "seed": asked.seed},
        "allowed": {"reason": asked.allow, "by": asked.by} if decision == "allowed" else None,
        **judgement.record(),
    }
    version = None if before is None else before.current
    with store.writing(name) as writer:
        writer.repair()
        if asked.against is None:
            _unchanged(store, name, before)
        if refused:
            writer.record("refused", **record)
        else:
            version = _written(writer, folder, candidate, record, asked.by)
    return Promotion(name, decision, version, judgement, record)


def _folder(word: str) -> Path:
    """Find the candidate: what is promoted is a folder before it is a name."""
    path = Path(word)
    return path if path.is_dir() else resolve(word)


def _name_of(word: str, folder: Path) -> str:
    known = None if Path(word).is_dir() else split_name(word)
    return known[0] if known else folder.absolute().name


def _beside(asked: Proposal, before: Promoted | None, candidate: Bundle) -> Path:
    if asked.against is not None:
        return resolve(asked.against)
    return before.path() if before is not None else resolve(str(candidate.manifest["kind"]))


def _current_name(name: str, before: Promoted | None, candidate: Bundle) -> str:
    return f"{name}@{before.current}" if before else str(candidate.manifest["kind"])


def _identity(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "bundle": bundle.name,
        "digest": bundle.digest,
        "kind": manifest["kind"],
        "code_version": manifest.get("code_version"),
    }


def _judged(
    asked: Proposal, folder: Path, current: Bundle, candidate: Bundle, progress: Progress | None
) -> tuple[Judgement, list[dict[str, str]]]:
    """Judge a candidate, and say by which of the user's files."""
    both, own = (current, candidate), _own_files(asked, folder)

    def evaluation(rows: HeldOut, parts: tuple[str, ...]) -> Evaluation:
        return Evaluation(both, rows.examples, rows.signature, parts, asked.draws, asked.seed)

    mine = evaluation(rows_of_files(own), (FILE_PART,)) if own else None
    root = given_folder(asked.corpora)
    ships = evaluation(held_out_of_corpora(root, both, allow_other_split=False), HELD_OUT)
    return judge(ships, mine, progress), [{"path": str(p), "digest": digest(p)} for p in own]


def _own_files(asked: Proposal, folder: Path) -> list[Path]:
    """Name the user's held-out files: those given, and what training kept back."""
    for path in asked.data:
        if not path.is_file():
            raise InputError(path, "no such file; give a labelled file (exchange format)")
    run = folder.absolute().with_name(folder.absolute().name + ".run")
    kept = [run / _ADDED / f"{part}.jsonl" for part in HELD_OUT]
    known = {path.resolve() for path in asked.data}
    there = [one for one in kept if one.is_file() and one.stat().st_size]
    return [*asked.data, *(one for one in there if one.resolve() not in known)]


def _unchanged(store: ModelStore, name: str, before: Promoted | None) -> None:
    now = store.find(name)
    if (now and (now.current, now.versions.get(now.current))) != (
        before and (before.current, before.versions.get(before.current))
    ):
        raise PromotionError(
            f"{name}: another bundle became current meanwhile, which this one was not judged "
            "beside; promote it again"
        )


def _written(
    writer: StoreWriter, folder: Path, candidate: Bundle, record: Mapping[str, Any], by: str | None
) -> int:
    number = writer.add(folder, candidate.manifest)
    writer.record("accepted", version=number, **record)
    writer.point(number, str(candidate.manifest["kind"]), candidate.digest, "promoted", by=by)
    return number
