"""What is asked for in, the file to label out: sentences chosen, each with its article and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.training.picking.candidates import Candidates, labelled_texts, second_proba
from framescope.training.picking.choosing import CandidatePlaces, Pick, Quotas, choose
from framescope.training.picking.gathering import is_run, of_files, of_run
from framescope.training.picking.methods import Knowledge, PickError, needs, offered, rankings

if TYPE_CHECKING:
    from rich.console import RenderableType

Tell = Callable[[str], None]
DIGITS = 4


@dataclass(frozen=True)
class PickRequest:
    """What is to be picked, of what and how.

    Attributes
    ----------
    inputs : sequence of str
        The folder of one run, or files as `framescope score` reads them.
    n : int
        Sentences.
    by : str
        One of `annotation.picking.methods.OFFERED`.
    signals : sequence of str or None
        That are picked for; None for all.
    model : str
        That scores files; a run was scored.
    second : str or None
        The model that is held against it; None: the other kind of those that ship.
    quotas : Quotas
    known : sequence of pathlib.Path
        Files whose labelled or picked sentences are left out.
    seed : int
    """

    inputs: Sequence[str]
    n: int
    by: str = "mix"
    signals: Sequence[str] | None = None
    model: str = "transformer"
    second: str | None = None
    quotas: Quotas = field(default_factory=Quotas)
    known: Sequence[Path] = ()
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Picked:
    """What was picked.

    ``picks``: in the order they were chosen; ``row`` counts the candidates' rows. ``asked``: how
    many were asked for.
    """

    candidates: Candidates
    picks: tuple[Pick, ...]
    asked: int

    def records(self) -> Iterator[dict[str, Any]]:
        """Give the articles of the picks in the exchange format, each once, in their order.

        A sentence that was chosen has its ``scores`` and ``flags``, and ``picked``: by which
        method, and for which signal. No other has any, so that no tool takes what a model says of
        it for a label; and none has labels.
        """
        from framescope.classifier.inputs import to_record

        rows = self.candidates.rows
        chosen = {rows[pick.row]: pick for pick in self.picks}
        signals = self.candidates.signals
        limits = dict(zip(signals, self.candidates.thresholds.tolist(), strict=True))
        for number in sorted({article for article, _ in chosen}):
            one = self.candidates.articles[number]
            record = to_record(one.article)
            for unit, sentence in enumerate(record["sentences"]):
                if (pick := chosen.get((number, unit))) is not None:
                    scores = zip(signals, one.proba[unit].tolist(), strict=True)
                    sentence["scores"] = {name: round(value, DIGITS) for name, value in scores}
                    sentence["flags"] = list(one.flags[unit])
                    sentence["picked"] = _reason(pick)
            record["report"] = {
                "model": self.candidates.model,
                "thresholds": {name: round(value, 6) for name, value in limits.items()},
            }
            yield record

    def summary(self) -> RenderableType:
        """Lay out how many were picked, by outlet and by method."""
        from rich.table import Table

        rows = self.candidates.rows
        methods = list(dict.fromkeys(pick.by for pick in self.picks))
        by_outlet: dict[str, Counter[str]] = {}
        for pick in self.picks:
            outlet = self.candidates.articles[rows[pick.row][0]].outlet
            by_outlet.setdefault(outlet, Counter())[pick.by] += 1
        free = Counter(self.candidates.articles[article].outlet for article, _ in rows)
        table = Table("outlet", *methods, "picked", "of", box=None, pad_edge=False)
        ranked = sorted(by_outlet.items(), key=lambda pair: (-pair[1].total(), pair[0]))
        for outlet, counts in ranked[:_SHOWN]:
            cells = (str(counts[name]) for name in methods)
            table.add_row(_plain(outlet), *cells, str(counts.total()), f"{free[outlet]:,}")
        if rest := ranked[_SHOWN:]:
            totals = (str(sum(counts[name] for _, counts in rest)) for name in methods)
            all_free = sum(free[outlet] for outlet, _ in rest)
            picked = str(sum(counts.total() for _, counts in rest))
            table.add_row(f"{len(rest):,} more outlets", *totals, picked, f"{all_free:,}")
        totals = (str(sum(pick.by == name for pick in self.picks)) for name in methods)
        table.add_row("all", *totals, str(len(self.picks)), f"{len(rows):,}")
        return table


_SHOWN = 20


def _plain(name: str) -> str:
    from framescope.classifier.records import printable
    from rich.markup import escape

    return escape(printable(name))


def _reason(pick: Pick) -> dict[str, Any]:
    found: dict[str, Any] = {"by": pick.by}
    if pick.signal is not None:
        found["signal"] = pick.signal
    return {**found, "score": round(pick.score, DIGITS)}


def pick(request: PickRequest, tell: Tell) -> Picked:
    """Pick the sentences that are worth labelling.

    Parameters
    ----------
    request : PickRequest
    tell : callable
        Is told what was left out, and why fewer are picked.

    Raises
    ------
    PickError
        When there is nothing to pick, or what is asked for doesn't go together.
    FramescopeError
        When an input, a model or a file can't be read.
    """
    offered(request.by)
    known = labelled_texts(request.known)
    candidates = _candidates(request, tell)
    rows = candidates.rows
    if not rows:
        raise PickError(f"{request.inputs[0]}: holds no sentence that can be picked; give more")
    second = limits = None
    if "second" in needs(request.by):
        from framescope.classifier import bundles

        second, limits = second_proba(candidates, bundles.load(_second(request, candidates)))
    knowledge = Knowledge(
        candidates.proba(), candidates.thresholds, candidates.signals, second, limits,
        seed=request.seed,
    )  # fmt: skip
    places = CandidatePlaces(
        [candidates.articles[article].outlet for article, _ in rows],
        [str(article) for article, _ in rows],
        [candidates.text(row) for row in rows],
        known,
    )
    picks = choose(rankings(request.by, knowledge), request.n, places, request.quotas)
    if not picks:
        reason = "every sentence is labelled or picked already, or nearly the same as one that is"
        raise PickError(f"{request.inputs[0]}: {reason}; give other texts")
    if len(picks) < request.n:
        tell(
            f"{len(picks):,} of {request.n:,} sentences are picked: {len(rows):,} are there, but "
            "for what is nearly the same and what is over a share (--per-outlet, --per-article)"
        )
    return Picked(candidates, tuple(picks), request.n)


def _candidates(request: PickRequest, tell: Tell) -> Candidates:
    """Read a run, or score files."""
    runs = [one for one in request.inputs if is_run(one)]
    if runs and len(request.inputs) > 1:
        raise PickError(f"{runs[0]}: is a run; pick of it alone, or give files")
    if runs:
        return of_run(Path(runs[0]), request.signals, tell, seed=request.seed)
    from framescope.classifier import bundles

    return of_files(
        request.inputs, bundles.load(request.model), request.signals, tell, seed=request.seed
    )


def _second(request: PickRequest, candidates: Candidates) -> str:
    """Say which model is held against the first: the one given, or one of the other kind."""
    if request.second is not None:
        return request.second
    from framescope.classifier.bundles import KINDS, default_path, digest_of, read_manifest

    for kind in KINDS:  # the baseline first, which is fast
        if digest_of(read_manifest(default_path(kind))) != candidates.digest:
            return kind
    raise PickError("--second: give the model that is held against the first")
