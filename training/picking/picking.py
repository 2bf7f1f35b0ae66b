"""Choose sentences to label: how much each is worth, outlets in proportion, near-duplicates once.

Signals take turns: a candidate ranks where the signal that ranks it highest has it. If the scores
were added up, frequent signals would crowd out the rare ones, which have the most to gain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import to_record
from framescope.classifier.inputs.exchange import read_record
from framescope.training import data
from framescope.training.labels import read_records
from framescope.training.picking import candidates as reading
from framescope.training.picking.candidates import Candidates, Floats
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.table import Table

_ARTICLE_MOST = 5  # sentences picked of an article, where the articles are enough for that
_OUTLET_MOST = 0.2  # the share of all picks that an outlet may have, where they are enough
_RARE = 0.2  # the expected share of the candidates up to which a signal is rare
_TINY = 1e-6
_DIGITS = 4
_ROUNDING = 1e-9
_SHOWN = 20  # outlets of the summary


class Known(NamedTuple):
    """Probabilities of k signals for n candidates, shape (n, k), and thresholds, of two models."""

    proba: Floats
    thresholds: Floats
    signals: tuple[str, ...]
    seed: int = 0
    second: Floats | None = None
    second_thresholds: Floats | None = None


def centred(proba: Floats, thresholds: Floats | None) -> Floats:
    """Stretch probabilities so that each threshold lies at one half, and 0 and 1 stay."""
    limit = np.clip(np.asarray(thresholds), _TINY, 1 - _TINY)
    below, above = 0.5 * proba / limit, 0.5 + 0.5 * (proba - limit) / (1 - limit)
    return np.asarray(np.clip(np.where(proba < limit, below, above), _TINY, 1 - _TINY))


def _entropy(proba: Floats) -> Floats:
    """Return the entropy of yes or no, in bits."""
    return np.asarray(-(proba * np.log2(proba) + (1 - proba) * np.log2(1 - proba)))


def uncertainty(known: Known) -> Floats:
    """Return the entropy of the decision (Lewis & Gale, 1994, doi:10.1007/978-1-4471-2099-5_1)."""
    return _entropy(centred(known.proba, known.thresholds))


def disagreement(known: Known) -> Floats:
    """Return how far two models disagree (Seung et al., 1992, doi:10.1145/130385.130417)."""
    assert known.second is not None
    one = centred(known.proba, known.thresholds)
    two = centred(known.second, known.second_thresholds)
    return _entropy((one + two) / 2) - (_entropy(one) + _entropy(two)) / 2


def rare(known: Known) -> Floats:
    """Return rare signals' probability (Attenberg & Provost, 2010, doi:10.1145/1835804.1835859)."""
    wanted = known.proba.mean(axis=0) <= _RARE
    return np.where(wanted if wanted.any() else True, known.proba, -np.inf)


METHODS: Mapping[str, Callable[[Known], Floats]] = {
    "uncertainty": uncertainty, "disagreement": disagreement, "rare": rare,
    "random": lambda known: np.random.default_rng(known.seed).random((len(known.proba), 1)),
}  # fmt: skip
_MIXED = ("uncertainty", "disagreement")


def parts_of(by: str) -> tuple[str, ...]:
    """Return the methods that take turns under a name; raise `InputError` for an unknown one."""
    names = {"mix": _MIXED, **{name: (name,) for name in METHODS}}
    if by not in names:
        close = get_close_matches(by, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"give one of {', '.join(names)}"
        raise InputError(f"--by {by}", f"no such method; {hint}")
    return names[by]


class Ranking(NamedTuple):
    """The `order` in which a method takes n candidates; the score of each, and for which signal."""

    order: NDArray[np.intp]
    signals: tuple[str | None, ...]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats, signals: Sequence[str]) -> Ranking:
        """Rank candidates by scores of shape (n, k), the signals by turns."""
        n, k = scores.shape
        ranks = np.empty((n, k), np.intp)
        for column in range(k):
            ranks[np.argsort(-scores[:, column], kind="stable"), column] = np.arange(n)
        ranks[np.isneginf(scores)] = n
        best = ranks.argmin(axis=1) if k else np.zeros(n, np.intp)
        turns = np.lexsort((best, ranks[np.arange(n), best]))
        named = tuple(signals[column] if k == len(signals) else None for column in best)
        return cls(turns, named, scores[np.arange(n), best])


def rankings(by: str, known: Known) -> dict[str, Ranking]:
    """Rank the candidates by each method that takes turns under a name."""
    return {
        name: Ranking.of(METHODS[name](known), () if name == "random" else known.signals)
        for name in parts_of(by)
    }


class Pick(NamedTuple):
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
        """Yield the articles of the picks without labels; only picked sentences have scores."""
        found, chosen = self.candidates, {pick.row: pick for pick in self.picks}
        limits = zip(found.signals, found.thresholds.tolist(), strict=True)
        thresholds = {name: round(value, 6) for name, value in limits}
        by_article: dict[int, list[int]] = defaultdict(list)
        for row in sorted(chosen):
            by_article[found.rows[row][0]].append(row)
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
            yield {**record, "report": {"model": found.model, "thresholds": thresholds}}

    def summary(self) -> Table:
        """Return a table of the picks by outlet and method."""
        from framescope.classifier.records import printable
        from rich.markup import escape
        from rich.table import Table

        outlets = [self.candidates.outlets[article] for article, _ in self.candidates.rows]
        methods = list(dict.fromkeys(pick.by for pick in self.picks))
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for pick in self.picks:
            counts[outlets[pick.row]][pick.by] += 1
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
    left out. Raise `FramescopeError` when there is nothing to pick.
    """
    from framescope.classifier import bundles

    methods = parts_of(by)
    labelled = _labelled_texts(known)
    if not any(map(reading.is_run, inputs)):
        candidates = reading.of_files(inputs, bundles.load(model), signals, tell, seed)
    elif len(inputs) == 1:
        candidates = reading.of_run(Path(inputs[0]), signals, tell, seed)
    else:
        run = next(filter(reading.is_run, inputs))
        raise InputError(run, "is a run; pick from it alone, or give files")
    rows = candidates.rows
    if not rows:
        raise InputError(inputs[0], "holds no sentence that can be picked; give more")
    scores: tuple[Any, ...] = candidates.proba, candidates.thresholds, candidates.signals, seed
    if "disagreement" in methods:
        scores += reading.second_proba(candidates, bundles.load(second or _other(candidates)))
    ranked = rankings(by, Known(*scores))
    outlets = [candidates.outlets[article] for article, _ in rows]
    articles = [article for article, _ in rows]
    picks = choose(ranked, n, outlets, articles, candidates.texts, labelled, per_outlet)
    if not picks:
        reason = "every sentence is labelled or picked already, or nearly the same as one that is"
        raise InputError(inputs[0], f"{reason}; give other texts")
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
    raise InputError("--second", "give the model to compare with the first")


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
    the picks (None for a fifth, or equal shares of fewer outlets); what it can't fill goes to
    the others. Texts that are nearly the same as another, or as a `known` one, are taken once.
    Returns fewer than n where there are no more.
    """
    first, alike, gone = _near_duplicates(texts, known)
    free = [row for row in range(len(texts)) if first[row] not in gone]
    sizes = Counter(outlets[row] for row in free)
    in_article = Counter((outlets[row], articles[row]) for row in free)
    per_article = max(_ARTICLE_MOST, ceil(2 * n / max(len(in_article), 1)))
    per_outlet = ceil(n * max(_OUTLET_MOST, 1 / max(len(sizes), 1)) - _ROUNDING)
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
        full = of_article[article] >= per_article or of_outlet[outlet] >= limits.get(outlet, 0)
        if full or first[row] in gone:
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
    for rows in data.same_words(everything, 1):
        for row in rows:
            first[row] = rows[0]
    distinct = sorted(set(first))
    alike = {row: {row} for row in distinct}
    sets = [data.shingles(everything[row], data.SENTENCE_WORDS) for row in distinct]
    for one, two in data.similar_pairs(sets, data.SENTENCE_THRESHOLD):
        alike[distinct[one]].add(distinct[two])
        alike[distinct[two]].add(distinct[one])
    gone = {other for row in first[len(texts) :] for other in alike[row]}
    return first[: len(texts)], alike, gone


def shares(n: int, sizes: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    """Return each outlet's part of n: in proportion to its size, rounded up, and at most `most`."""

    def at(scale: float) -> dict[str, int]:
        return {
            name: min(most[name], ceil(scale * size - _ROUNDING)) for name, size in sizes.items()
        }

    low, high = 0.0, float(max([1, *most.values()]))  # at which each has all that it may
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(at(middle).values()) >= n else (middle, high)
    return at(high)
