"""Several annotators' labels of the same articles, merged into one record per article.

A merged label is the share of annotators who say yes, or the probability of yes (Dawid and Skene,
1979). Places are decided by majority: a span character by character, a citation as a whole.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import multimode
from typing import Any, NamedTuple, TypeVar

from framescope.classifier.errors import CorpusError, need
from framescope.classifier.inputs import to_record
from framescope.classifier.records import Article, MarkedCitation, Span, Unit
from framescope.classifier.taxonomy import in_order
from framescope.training.labels.reading import Annotators, LabelledArticle

_DIGITS = 4
_ROUNDS = 100  # of expectation and maximisation; it stops when nothing changes
_DOUBT = 1e-3  # the doubt below which a probability is rounded to 0 or 1

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merged:
    """Merged records, with counts of labels, soft ones, ties, and articles of one annotator."""

    records: tuple[Mapping[str, Any], ...]
    labels: int
    soft: int
    ties: int
    alone: int


class _Item(NamedTuple):
    """What is decided: a signal of a sentence, or of the article (sentence -1)."""

    article: str
    sentence: int
    signal: str


Votes = Mapping[_Item, Mapping[str, float]]


def merge(annotators: Annotators, *, dawid_skene: bool = False, hard: bool = False) -> Merged:
    """Merge annotators' labels; `hard` rounds them to 0 or 1, and leaves out exact halves.

    With `dawid_skene` a label is the probability of yes, estimated with each annotator's error
    rates, signal by signal, from labels rounded to yes and no; otherwise it is the mean of those
    who labelled it. Raise `CorpusError` when two annotators have a different text, or different
    sentences, of an article, and `FramescopeError` without crowd-kit.
    """
    by_article: dict[str, dict[str, LabelledArticle]] = defaultdict(dict)
    for name, articles in annotators.items():
        for one in articles:
            by_article[one.article.id][name] = one
    for given in by_article.values():
        _require_same_article(list(given.values()))
    votes = _votes(by_article)
    decided = _dawid_skene(votes) if dawid_skene else _shares(votes)
    ties = 0
    if hard:
        ties = sum(value == 0.5 for value in decided.values())
        decided = {c: float(value > 0.5) for c, value in decided.items() if value != 0.5}
    placed: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for item in decided:
        placed[item.article, item.sentence][item.signal] = decided[item]
    markers = _markers(annotators)
    merged = {name: _article(name, given, placed, markers) for name, given in by_article.items()}
    values = [
        value
        for article in merged.values()
        for labels in (article.labels, *(unit.labels for unit in article.units or ()))
        for value in labels.values()
    ]
    records = (
        {**to_record(article), "annotators": sorted(by_article[name])}
        for name, article in merged.items()
    )
    soft, alone = sum(value not in (0, 1) for value in values), map(len, by_article.values())
    return Merged(tuple(records), len(values), soft, ties, list(alone).count(1))


def _require_same_article(given: Sequence[LabelledArticle]) -> None:
    first = given[0]
    for one in given:
        if "text" not in one.record:
            raise CorpusError(f"{one.where}: no 'text'; merging needs the article")
        (text, places), (other, others) = (
            (a.article.text, [(unit.start, unit.end) for unit in a.article.units or ()])
            for a in (one, first)
        )
        if text != other or places != others:
            what = "sentences of '{}' differ" if text == other else "text of '{}' differs"
            how = "give annotators the same articles, with the same sentences"
            where = f"{what.format(one.article.id)} from {first.where}"
            raise CorpusError(f"{one.where}: the {where}; {how}")


def _votes(by_article: Mapping[str, Mapping[str, LabelledArticle]]) -> Votes:
    """Collect who says what; who calls a line no content says no where others label it."""
    votes: dict[_Item, dict[str, float]] = defaultdict(dict)
    for name, given in by_article.items():
        for who, one in given.items():
            of_units = (unit.labels for unit in one.article.units or ())
            for number, labels in enumerate((one.article.labels, *of_units), start=-1):
                for signal, label in labels.items():
                    votes[_Item(name, number, signal)][who] = label
    for item, said in votes.items():
        for who, one in by_article[item.article].items():
            units = one.article.units or ()
            if item.sentence >= 0 and units[item.sentence].labels.get("content") == 0:
                said.setdefault(who, 0.0)
    return votes


def _shares(votes: Votes) -> dict[_Item, float]:
    return {item: round(sum(s.values()) / len(s), _DIGITS) for item, s in votes.items()}


def _dawid_skene(votes: Votes) -> dict[_Item, float]:
    need("crowdkit", "merging by Dawid and Skene needs", "annotate")
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    by_signal: dict[str, list[_Item]] = defaultdict(list)
    for item in votes:
        by_signal[item.signal].append(item)
    decided: dict[_Item, float] = {}
    for items in by_signal.values():
        rows = [
            (number, who, int(label >= 0.5))
            for number, item in enumerate(items)
            for who, label in votes[item].items()
        ]
        table = pd.DataFrame(rows, columns=["task", "worker", "label"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # crowd-kit's use of pandas
            chances = DawidSkene(n_iter=_ROUNDS).fit_predict_proba(table)
        yes = chances[1] if 1 in chances.columns else chances.iloc[:, 0] * 0
        for number, item in enumerate(items):
            chance = float(yes.loc[number])
            sure = chance < _DOUBT or chance > 1 - _DOUBT
            decided[item] = float(round(chance)) if sure else round(chance, _DIGITS)
    return decided


def _markers(annotators: Annotators) -> dict[str, set[str]]:
    """Return who labels or marks each signal anywhere; the others may not have looked for it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, articles in annotators.items():
        for one in articles:
            signals = {signal for unit in one.article.units or () for signal in unit.labels}
            for signal in signals | {span.signal for span in one.article.spans}:
                found[signal].add(name)
    return found


def _article(
    name: str,
    given: Mapping[str, LabelledArticle],
    placed: Mapping[tuple[str, int], Mapping[str, float]],
    markers: Mapping[str, set[str]],
) -> Article:
    """Return a merged article; its other fields are the first annotator's."""
    articles = {who: one.article for who, one in given.items()}
    first, *_ = articles.values()
    of = [
        {signal: labels[signal] for signal in in_order(labels)}
        for at in range(-1, len(first.units or ()))
        for labels in [placed.get((name, at), {})]
    ]
    units = tuple(
        _unit([a.units[number] for a in articles.values() if a.units], labels)
        for number, labels in enumerate(of[1:])
    )
    spans = _spans(articles, units, markers)
    return replace(first, units=units or None, labels=of[0], spans=spans)


def _unit(given: Sequence[Unit], labels: Mapping[str, float]) -> Unit:
    voice = _most(unit.voice for unit in given if unit.voice is not None)
    citations = _citations([unit.citations for unit in given if unit.citations is not None])
    if labels.get("content", 1) < 0.5:  # a line that is not content gets no other label
        labels, voice, citations = {"content": labels["content"]}, None, None
    return replace(given[0], labels=labels, voice=voice, citations=citations)


def _most(values: Iterable[T]) -> T | None:
    """Return the most frequent value; None for none, or a tie."""
    modes = multimode(values)
    return modes[0] if len(modes) == 1 else None


def _citations(given: Sequence[tuple[MarkedCitation, ...]]) -> tuple[MarkedCitation, ...] | None:
    """Keep citations that a majority marks identically; None where no majority agrees on one."""
    if not given:
        return None
    times = Counter(one for marked in given for one in dict.fromkeys(marked))
    kept = [one for one, count in times.items() if 2 * count > len(given)]
    if not kept and 2 * sum(not marked for marked in given) <= len(given):
        return None
    return tuple(sorted(kept, key=lambda one: (one.content[0].start, str(one))))


def _spans(
    articles: Mapping[str, Article], units: Sequence[Unit], markers: Mapping[str, set[str]]
) -> tuple[Span, ...]:
    """Keep the characters that a majority of those who look for a signal marks."""
    found = []
    for signal in in_order({span.signal for a in articles.values() for span in a.spans}):
        lookers = [a for who, a in articles.items() if who in markers[signal]]
        times: Counter[int] = Counter()
        for one in lookers:
            times.update(
                {a for s in one.spans if s.signal == signal for a in range(s.start, s.end)}
            )
        text = lookers[0].text
        agreed = sorted(at for at, count in times.items() if 2 * count > len(lookers))
        for start, end in _runs(agreed):
            words = text[start:end]
            start, end = end - len(words.lstrip()), start + len(words.rstrip())
            inside = [u.labels.get(signal, 1) for u in units if u.start < end and start < u.end]
            if start < end and max(inside, default=1) >= 0.5:
                found.append(Span(start, end, signal))
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the ranges, with an exclusive end, that consecutive numbers form."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        (_, first), *rest = run
        yield first, first + len(rest) + 1
