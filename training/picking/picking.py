"""Choose sentences to label: rankings by turns, outlets in proportion, near-duplicates once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.inputs import to_record
from framescope.classifier.inputs.exchange import read_record
from framescope.training.data import (
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.labels import read_records
from framescope.training.picking.candidates import (
    Candidates,
    is_run,
    of_files,
    of_run,
    second_proba,
)
from framescope.training.picking.methods import Known, PickError, Ranking, parts_of, rankings

if TYPE_CHECKING:
    from rich.table import Table

ARTICLE_MOST = 5
"""Sentences picked of an article, where the articles are enough for that."""
OUTLET_MOST = 0.2
"""The share of all picks that an outlet may have, where the outlets are enough for that."""
_DIGITS = 4
_ROUNDING = 1e-9
_SHOWN = 20  # outlets of the summary


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen candidate, the method that chose it, and for which signal, if it looks at any."""

    row: int
    by: str
    signal: str | None
    score: float


@dataclass(frozen=True, eq=False)
class Picked:
    """The picks, in the order they were chosen; their rows are those of the candidates."""

    candidates: Candidates
    picks: tuple[Pick, ...]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the articles of the picks in the exchange format, without labels.

        Only picked sentences have ``scores``, ``flags`` and ``picked``, so that no tool takes what
        a model says of the others for a label.
        """
        found, chosen = self.candidates, {pick.row: pick for pick in self.picks}
        limits = zip(found.signals, found.thresholds.tolist(), strict=True)
        report = {
            "model": found.model,
            "thresholds": {name: round(value, 6) for name, value in limits},
        }
        by_article: dict[int, list[int]] = {}
        for row in sorted(chosen):
            by_article.setdefault(found.rows[row][0], []).append(row)
        for article, rows in by_article.items():
            record = to_record(found.articles[article])
            for row in rows:
                pick, scores = chosen[row], found.proba[row].round(_DIGITS).tolist()
                of = {} if pick.signal is None else {"signal": pick.signal}
                record["sentences"][found.rows[row][1]] |= {
                    "scores": dict(zip(found.signals, scores, strict=True)),
                    "flags": found.flags[row],
                    "picked": {"by": pick.by, **of, "score": round(pick.score, _DIGITS)},
                }
            yield {**record, "report": report}

    def summary(self) -> Table:
        """Return a table of the picks by outlet and method."""
        from framescope.classifier.records import printable
        from rich.markup import escape
        from rich.table import Table

        outlets = [self.candidates.outlets[article] for article, _ in self.candidates.rows]
        methods = list(dict.fromkeys(pick.by for pick in self.picks))
        counts: dict[str, Counter[str]] = {}
        for pick in self.picks:
            counts.setdefault(outlets[pick.row], Counter())[pick.by] += 1
        free = Counter(outlets)
        table = Table("outlet", *methods, "picked", "of", box=None, pad_edge=False)

        def add(title: str, names: Sequence[str], of: int) -> None:
            total = sum((counts[name] for name in names), Counter[str]())
            cells = (str(total[method]) for method in methods)
            table.add_row(title, *cells, str(total.total()), f"{of:,}")

        ranked = sorted(counts, key=lambda name: (-counts[name].total(), name))
        for name in ranked[:_SHOWN]:
            add(escape(printable(name)), [name], free[name])
        if rest := ranked[_SHOWN:]:
            add(f"{len(rest):,} more outlets", rest, sum(free[name] for name in rest))
        add("all", ranked, len(outlets))
        return table


def pick(
    inputs: Sequence[str],
    n: int,
    by: str = "mix",
    *,
    signals: Sequence[str] | None = None,
    model: str = "transformer",
    second: str | None = None,
    per_outlet: float | None = None,
    known: Sequence[Path] = (),
    seed: int = 0,
    tell: Callable[[str], None] = lambda line: None,
) -> Picked:
    """Pick the sentences that are most worth labelling.

    Inputs are the folder of one run, or files that `framescope score` reads and `model` scores.
    `by` is ``mix`` or a name of `METHODS`; `second` is compared with the first model, and is the
    other one that ships unless given; `per_outlet` is the largest share of an outlet, 0 to 1; the
    labelled or picked sentences of the `known` files are left out. `tell` gets a line for what was
    left out. Raise `FramescopeError` when there is nothing to pick, or something can't be read.
    """
    from framescope.classifier import bundles

    methods = parts_of(by)
    labelled = _labelled_texts(known)
    if not any(map(is_run, inputs)):
        candidates = of_files(inputs, bundles.load(model), signals, tell, seed)
    elif len(inputs) == 1:
        candidates = of_run(Path(inputs[0]), signals, tell, seed)
    else:
        run = next(filter(is_run, inputs))
        raise PickError(f"{run}: is a run; pick from it alone, or give files")
    rows = candidates.rows
    if not rows:
        raise PickError(f"{inputs[0]}: holds no sentence that can be picked; give more")
    second_model: Any = (None, None)
    if "disagreement" in methods:
        second_model = second_proba(candidates, bundles.load(second or _other(candidates)))
    scores = candidates.proba, candidates.thresholds, candidates.signals
    ranked = rankings(by, Known(*scores, seed, *second_model))
    outlets = [candidates.outlets[article] for article, _ in rows]
    articles = [article for article, _ in rows]
    picks = choose(ranked, n, outlets, articles, candidates.texts, labelled, per_outlet)
    if not picks:
        reason = "every sentence is labelled or picked already, or nearly the same as one that is"
        raise PickError(f"{inputs[0]}: {reason}; give other texts")
    if len(picks) < n:
        tell(
            f"only {len(picks):,} of {n:,} sentences are picked: of {len(rows):,}, the others are "
            "nearly the same as these, or over the share of an outlet (--per-outlet) or article"
        )
    return Picked(candidates, tuple(picks))


def _other(candidates: Candidates) -> str:
    """Return the model that ships and isn't the first."""
    from framescope.classifier.bundles import KINDS, default_path, digest_of, read_manifest

    for kind in KINDS:
        if digest_of(read_manifest(default_path(kind))) != candidates.digest:
            return kind
    raise PickError("--second: give the model to compare with the first")


def _labelled_texts(files: Sequence[Path]) -> list[str]:
    """Read the sentences that have a label, or that were picked before."""
    found = []
    for path in files:
        for where, record in read_records(path):
            article = read_record(record, where)
            items = record.get("sentences") or ()
            for unit, item in zip(article.units or (), items, strict=False):
                if unit.labels or item.get("picked") is not None:
                    found.append(article.text[unit.start : unit.end])
    return found


def choose(
    ranked: Mapping[str, Ranking],
    n: int,
    outlets: Sequence[str],
    articles: Sequence[object],
    texts: Sequence[str],
    known: Sequence[str] = (),
    share: float | None = None,
) -> list[Pick]:
    """Choose n candidates: methods take turns, each its highest that may still be taken.

    An outlet gets at most its share of the candidates, rounded up, and never more than `share` of
    the picks (None for `OUTLET_MOST`, or equal shares of fewer outlets); what it can't fill goes to
    the others. Texts that are nearly the same as another, or as a `known` one, are taken once.
    Returns fewer than n where there are no more.
    """
    first, alike, gone = _near_duplicates(texts, known)
    free = [row for row in range(len(texts)) if first[row] not in gone]
    sizes = Counter(outlets[row] for row in free)
    in_article = Counter((outlets[row], articles[row]) for row in free)
    per_article = max(ARTICLE_MOST, ceil(2 * n / max(len(in_article), 1)))
    per_outlet = ceil(n * max(OUTLET_MOST, 1 / max(len(sizes), 1)) - _ROUNDING)
    if share is not None:
        per_outlet = max(floor(share * n + _ROUNDING), 1)
    available: Counter[str] = Counter()
    for (outlet, _), count in in_article.items():
        available[outlet] += min(count, per_article)
    most = {name: min(count, per_outlet) for name, count in available.items()}
    of_outlet: Counter[str] = Counter()
    of_article: Counter[object] = Counter()

    def take(row: int, limits: Mapping[str, int]) -> bool:
        outlet, article = outlets[row], articles[row]
        if first[row] in gone or of_article[article] >= per_article:
            return False
        if of_outlet[outlet] >= limits.get(outlet, 0):
            return False
        of_outlet[outlet] += 1
        of_article[article] += 1
        gone.update(alike[first[row]])
        return True

    chosen: list[Pick] = []
    asked = n
    while len(chosen) < n:
        limits, before = shares(asked, sizes, most), len(chosen)
        queues = {name: iter(ranking.order.tolist()) for name, ranking in ranked.items()}
        while queues and len(chosen) < n:
            for name in list(queues)[: n - len(chosen)]:
                row = next((row for row in queues[name] if take(row, limits)), None)
                if row is None:
                    del queues[name]
                else:
                    one = ranked[name]
                    chosen.append(Pick(row, name, one.signals[row], float(one.scores[row])))
        if len(chosen) == before and limits == most:
            break
        # Near-duplicates were counted as if all could be taken: others make up for them.
        asked += max(n - len(chosen), 1)
    return chosen


def _near_duplicates(
    texts: Sequence[str], known: Sequence[str]
) -> tuple[list[int], dict[int, set[int]], set[int]]:
    """Return the first text with the same words as each, what is nearly the same, what is known."""
    everything = (*texts, *known)
    first = list(range(len(everything)))
    for rows in same_words(everything, 1):
        for row in rows:
            first[row] = rows[0]
    distinct = sorted(set(first))
    alike = {row: {row} for row in distinct}
    sets = [shingles(everything[row], SENTENCE_WORDS) for row in distinct]
    for one, two in similar_pairs(sets, SENTENCE_THRESHOLD):
        alike[distinct[one]].add(distinct[two])
        alike[distinct[two]].add(distinct[one])
    gone = {other for row in first[len(texts) :] for other in alike[row]}
    return first[: len(texts)], alike, gone


def shares(n: int, sizes: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    """Return each outlet's part of n sentences, in proportion to its size, and at most `most`.

    Parts are rounded up: together they are at least n, or all that the outlets may have.
    """

    def at(scale: float) -> dict[str, int]:
        return {
            name: min(most[name], ceil(scale * size - _ROUNDING)) for name, size in sizes.items()
        }

    low, high = 0.0, float(max([1, *most.values()]))  # at which each has all that it may
    for _ in range(60):
        middle = (low + high) / 2
        if sum(at(middle).values()) >= n:
            high = middle
        else:
            low = middle
    return at(high)
