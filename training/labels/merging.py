"""Several annotators' labels of the same articles, made one record an article.

What they differ on stays: a merged label is the share of annotators who say yes, or the probability
of yes by Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the
EM algorithm", and the loss is taken against it. Places are not averaged: a span is where a majority
marks its characters, a citation is kept when a majority marks the very same.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from framescope.classifier.errors import CorpusError, need
from framescope.classifier.inputs import to_record
from framescope.classifier.records import Article, MarkedCitation, Span, Unit
from framescope.classifier.taxonomy import in_order
from framescope.training.labels.annotators import Annotators
from framescope.training.labels.labelled import LabelledArticle

_DIGITS = 4
_ROUNDS = 100  # of expectation and maximisation; it stops when nothing changes
_DOUBT = 1e-3  # what is left of a doubt that is as good as none

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of merging.

    Attributes
    ----------
    records : tuple of mapping
        One an article, in the order in which they came, with ``annotators``: their names.
    labels, soft, ties : int
        Labels in them; those of them that are neither 0 nor 1; and those left out as `hard` was
        asked for and as many said yes as no.
    alone : int
        Articles that one annotator labelled.
    """

    records: tuple[Mapping[str, Any], ...]
    labels: int
    soft: int
    ties: int
    alone: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """One thing to be decided: a signal of a sentence, or of an article (sentence -1)."""

    article: str
    sentence: int
    signal: str


Votes = Mapping[_Cell, Mapping[str, float]]


def merge(annotators: Annotators, *, dawid_skene: bool = False, hard: bool = False) -> Merged:
    """Merge annotators' labels.

    Parameters
    ----------
    annotators : mapping of str to list of LabelledArticle
    dawid_skene : bool
        A label is the probability of yes, where each annotator's share of right answers, by answer,
        is estimated along with it, signal by signal; labels count as yes from a half. Else it is
        the mean of what those say who labelled it: of yes and no, the share of yes.
    hard : bool
        Round labels to 0 or 1; one of exactly a half is left out.

    Raises
    ------
    CorpusError
        When two annotators don't have the same text, or sentences, of an article.
    FramescopeError
        When crowd-kit is asked for and isn't there.
    """
    by_article: dict[str, dict[str, LabelledArticle]] = defaultdict(dict)
    for name, articles in annotators.items():
        for one in articles:
            by_article[one.article.id][name] = one
    for given in by_article.values():
        _check(list(given.values()))
    votes = _votes(by_article)
    decided = _dawid_skene(votes) if dawid_skene else _shares(votes)
    ties = 0
    if hard:
        ties = sum(value == 0.5 for value in decided.values())
        decided = {c: float(value > 0.5) for c, value in decided.items() if value != 0.5}
    who_marks = _who_marks(annotators)
    records, labels, soft = [], 0, 0
    for name, given in by_article.items():
        article = _article(name, given, decided, who_marks)
        values = [
            value
            for held in (article.labels, *(unit.labels for unit in article.units or ()))
            for value in held.values()
        ]
        labels += len(values)
        soft += sum(value not in (0, 1) for value in values)
        records.append({**to_record(article), "annotators": sorted(given)})
    alone = sum(len(given) == 1 for given in by_article.values())
    return Merged(tuple(records), labels, soft, ties, alone)


def _check(given: Sequence[LabelledArticle]) -> None:
    """Refuse records of one article that are of two texts, or cut into other sentences."""
    first = given[0]
    for one in given:
        if "text" not in one.record:
            raise CorpusError(f"{one.where}: no 'text'; what is merged needs the article")
        what = ""
        if one.article.text != first.article.text:
            what = "the text"
        elif _places(one.article) != _places(first.article):
            what = "the sentences"
        if what:
            where = f"{one.where}: {what} of '{one.article.id}'"
            how = "annotators must be given the same articles, cut alike"
            raise CorpusError(f"{where} differ{'s' * (what[-1] == 't')} from {first.where}; {how}")


def _places(article: Article) -> list[tuple[int, int]]:
    return [(unit.start, unit.end) for unit in article.units or ()]


def _votes(by_article: Mapping[str, Mapping[str, LabelledArticle]]) -> Votes:
    """Gather who says what.

    A line that one calls no content has no other label of theirs; where others label it, that
    counts as a no, as it does in agreement.
    """
    votes: dict[_Cell, dict[str, float]] = defaultdict(dict)
    for name, given in by_article.items():
        for who, one in given.items():
            for signal, label in one.article.labels.items():
                votes[_Cell(name, -1, signal)][who] = label
            for number, unit in enumerate(one.article.units or ()):
                for signal, label in unit.labels.items():
                    votes[_Cell(name, number, signal)][who] = label
    for cell, said in votes.items():
        for who, one in by_article[cell.article].items():
            units = one.article.units or ()
            if cell.sentence >= 0 and units[cell.sentence].labels.get("content") == 0:
                said.setdefault(who, 0.0)
    return votes


def _shares(votes: Votes) -> dict[_Cell, float]:
    return {cell: round(sum(s.values()) / len(s), _DIGITS) for cell, s in votes.items()}


def _dawid_skene(votes: Votes) -> dict[_Cell, float]:
    """Estimate each label and each annotator, signal by signal."""
    need("crowdkit", "merging by Dawid and Skene needs", "annotate")
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    rows: dict[str, list[tuple[_Cell, str, int]]] = defaultdict(list)
    for cell, said in votes.items():
        rows[cell.signal] += [(cell, who, int(label >= 0.5)) for who, label in said.items()]
    decided: dict[_Cell, float] = {}
    for given in rows.values():
        cells = list(dict.fromkeys(cell for cell, *_ in given))
        numbers = {cell: number for number, cell in enumerate(cells)}
        table = pd.DataFrame(
            [(numbers[cell], who, label) for cell, who, label in given],
            columns=["task", "worker", "label"],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # crowd-kit's use of pandas
            chances = DawidSkene(n_iter=_ROUNDS).fit_predict_proba(table)
        yes = chances[1] if 1 in chances.columns else chances.iloc[:, 0] * 0
        for number, cell in enumerate(cells):
            chance = float(yes.loc[number])
            sure = chance < _DOUBT or chance > 1 - _DOUBT
            decided[cell] = float(round(chance)) if sure else round(chance, _DIGITS)
    return decided


def _who_marks(annotators: Annotators) -> dict[str, frozenset[str]]:
    """Tell who labels or marks each signal anywhere: the others may not have looked for it."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, articles in annotators.items():
        for one in articles:
            for signal in {s for unit in one.article.units or () for s in unit.labels}:
                found[signal].add(name)
            for span in one.article.spans:
                found[span.signal].add(name)
    return {signal: frozenset(names) for signal, names in found.items()}


def _article(
    name: str,
    given: Mapping[str, LabelledArticle],
    decided: Mapping[_Cell, float],
    who_marks: Mapping[str, frozenset[str]],
) -> Article:
    """Put one article together; its other fields are those of whoever comes first."""
    articles = {who: one.article for who, one in given.items()}
    first = next(iter(articles.values()))
    units = tuple(
        _unit(name, number, [a.units[number] for a in articles.values() if a.units], decided)
        for number in range(len(first.units or ()))
    )
    labels = {
        signal: decided[cell]
        for signal in in_order({s for a in articles.values() for s in a.labels})
        if (cell := _Cell(name, -1, signal)) in decided
    }
    return replace(
        first, units=units or None, labels=labels, spans=_spans(articles, units, who_marks)
    )


def _unit(name: str, number: int, given: Sequence[Unit], decided: Mapping[_Cell, float]) -> Unit:
    labels = {
        signal: decided[cell]
        for signal in in_order({signal for unit in given for signal in unit.labels})
        if (cell := _Cell(name, number, signal)) in decided
    }
    voice = _most(unit.voice for unit in given if unit.voice is not None)
    citations = _citations([unit.citations for unit in given if unit.citations is not None])
    if labels.get("content", 1) < 0.5:  # a line that is not content gets no other label
        labels, voice, citations = {"content": labels["content"]}, None, None
    return replace(given[0], labels=labels, voice=voice, citations=citations)


def _most(values: Iterable[T]) -> T | None:
    """Give what is said most often; None where nothing is, or two are as often."""
    ranked = Counter(values).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def _citations(given: Sequence[tuple[MarkedCitation, ...]]) -> tuple[MarkedCitation, ...] | None:
    """Keep the citations that a majority marks just so.

    None, which is "not annotated", where nobody annotated them, or where a majority says that
    somebody is cited and agrees on nobody.
    """
    if not given:
        return None
    times = Counter(one for marked in given for one in dict.fromkeys(marked))
    kept = [one for one, count in times.items() if 2 * count > len(given)]
    if not kept and 2 * sum(not marked for marked in given) <= len(given):
        return None
    return tuple(sorted(kept, key=lambda one: (one.content[0].start, str(one))))


def _spans(
    articles: Mapping[str, Article],
    units: Sequence[Unit],
    who_marks: Mapping[str, frozenset[str]],
) -> tuple[Span, ...]:
    """Keep what a majority of those who look for a signal marks, character by character."""
    found = []
    for signal in in_order({span.signal for a in articles.values() for span in a.spans}):
        lookers = [a for who, a in articles.items() if who in who_marks[signal]]
        times: Counter[int] = Counter()
        for one in lookers:
            places = (range(s.start, s.end) for s in one.spans if s.signal == signal)
            times.update({at for place in places for at in place})
        text = lookers[0].text
        agreed = sorted(at for at, count in times.items() if 2 * count > len(lookers))
        for start, end in _runs(agreed):
            words = text[start:end]
            start += len(words) - len(words.lstrip())
            end -= len(words) - len(words.rstrip())
            inside = [u.labels.get(signal, 1) for u in units if u.start < end and start < u.end]
            if start < end and max(inside, default=1) >= 0.5:
                found.append(Span(start, end, signal))
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Join numbers that follow each other, in order, to stretches with an exclusive end."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = runs[-1][0], number + 1
        else:
            runs.append((number, number + 1))
    return runs
