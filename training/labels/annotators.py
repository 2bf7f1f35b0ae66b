"""Labels of several annotators: their agreement, with intervals over articles, and their merging.

Krippendorff's alpha is computed by the package of that name; the intervals from the coincidences of
each article, which add up: resampling by the package would take minutes.
"""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations, product
from pathlib import Path
from statistics import multimode
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import records as rec
from framescope.classifier.errors import CorpusError, need
from framescope.classifier.inputs import read_citations, to_record
from framescope.classifier.records import Article, MarkedCitation, Place, SourceKind, Span, Unit
from framescope.classifier.taxonomy import NAMES, in_order
from framescope.training.corpora import house_folder
from framescope.training.labels.reading import Annotators, LabelledArticle, label_sets
from numpy.typing import NDArray

Record = Mapping[str, Any]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Marked = tuple[MarkedCitation, ...]

ROLES = ("source", "cue", "content")
_ON_TOP = ("government", "state_media")
_LONGEST = 1 << 40  # longer than any text: offsets are checked against sentences here
_DIGITS = 4
_ROUNDS = 100  # of expectation and maximisation; it stops when nothing changes
_DOUBT = 1e-3  # the doubt below which a probability is rounded to 0 or 1


def passes(*, citations: bool = False) -> tuple[Path, ...]:
    """Return the files of the part of the house corpus that was labelled twice."""
    folder = house_folder() / "agreement"
    prefixes = ("citations-", "speakers-") if citations else ("",)
    return tuple(folder / f"{one}{n}.jsonl" for one in prefixes for n in ("first", "second"))


def _alpha(value_counts: Counts) -> float:
    """Return alpha of units, shape (n, k): how many annotators gave each of k values."""
    if value_counts.any(axis=0).sum() < 2:
        return float("nan")
    package = need("krippendorff", "measuring agreement needs", "annotate")
    return float(package.alpha(value_counts=value_counts, level_of_measurement="nominal"))


def _alphas(counts: NDArray[Any]) -> Floats:
    """Return alpha of counts of pairs of k values, by two annotators, shape (n, k * k)."""
    given = counts.reshape(len(counts), (k := math.isqrt(counts.shape[1])), k)
    values = given.sum(axis=1) + given.sum(axis=2)
    n, equal = values.sum(axis=1), 2 * given.trace(axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - (n - equal) * (n - 1) / (n**2 - (values**2).sum(axis=1)))


def _interval(sums: Any, statistic: Callable[[Any], Floats], draws: int) -> tuple[float, float]:
    """Return the 95% percentile interval of a statistic of sums, over resamples of articles."""
    n = len(sums)
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1.0 / n), size=draws)
    spread = (found := statistic(drawn @ sums))[np.isfinite(found)]
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) else (np.nan, np.nan)
    return float(low), float(high)


class Agreement(NamedTuple):
    """Agreement on one signal in sentences that at least two labelled, and its 95% interval."""

    signal: str
    sentences: int
    articles: int
    positive: tuple[int, ...]  # sentences that each annotator labelled 1
    alpha: float  # NaN where only one value was given
    low: float
    high: float


def agreement(*annotators: Sequence[Record], draws: int = 2000) -> list[Agreement]:
    """Compare annotators' labels, in taxonomy order of the signals; 0.5 counts as 1."""
    articles: dict[str, list[Record | None]] = {}
    for number, records in enumerate(annotators):
        for record in records:
            articles.setdefault(record["id"], [None] * len(annotators))[number] = record
    shared = [given for given in articles.values() if sum(one is not None for one in given) > 1]
    if not shared:
        raise CorpusError("the annotators have no article in common; give files of one set")
    labelled = [
        {name for record in records for labels in _units(record).values() for name in labels}
        for records in annotators
    ]
    found = []
    for signal in NAMES:
        who = [signal in names for names in labelled]
        values = [_values(given, who, signal) for given in shared] if sum(who) > 1 else []
        if values := [one for one in values if len(one)]:
            found.append(_of_signal(signal, values, draws))
    if not found:
        raise CorpusError("the annotators label no signal in common; give files of one set")
    return found


def _units(record: Record) -> dict[tuple[int, int], Record]:
    units = {(s["start"], s["end"]): s.get("labels") or {} for s in record.get("sentences") or ()}
    return units | ({(-1, -1): found} if (found := record.get("labels")) else {})


def _values(given: Sequence[Record | None], who: Sequence[bool], signal: str) -> Floats:
    """Return the labels of the sentences that two labelled at least, shape (n, n_annotators)."""
    places: dict[tuple[int, int], Floats] = {}
    for number, record in enumerate(given):
        for place, labels in _units(record).items() if record is not None and who[number] else ():
            value = labels.get(signal, 0 if labels.get("content") == 0 else None)
            row = places.setdefault(place, np.full(len(given), np.nan))
            row[number] = np.nan if value is None or value != value else value >= 0.5
    values = np.array(list(places.values())).reshape(-1, len(given))
    return np.asarray(values[np.isfinite(values).sum(axis=1) > 1])


def _of_signal(signal: str, articles: Sequence[Floats], draws: int) -> Agreement:
    counts = [np.stack([(one == 0).sum(1), (one == 1).sum(1)], axis=1) for one in articles]
    # Each of a unit's m labels is compared with m - 1 others; a pair counts once.
    pairs = [one / (one.sum(axis=1, keepdims=True) - 1) / 2 for one in counts]
    sums = [(a.T @ b - np.diag(b.sum(axis=0))).ravel() for a, b in zip(counts, pairs, strict=True)]
    values, alpha = np.concatenate(articles), _alpha(np.concatenate(counts))
    positive = tuple((values == 1).sum(axis=0).tolist())
    bounds = _interval(np.array(sums), _alphas, draws)
    return Agreement(signal, len(values), len(articles), positive, alpha, *bounds)


class CitationAgreement(NamedTuple):
    """Agreement on one property of `n` citations or characters, and its 95% interval."""

    what: str
    measure: str
    n: int
    articles: int
    value: float
    low: float
    high: float


_STATISTICS: Mapping[str, Callable[[Counts], Floats]] = {
    "F1": lambda counts: 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1),
    "share": lambda counts: counts[:, 1] / np.maximum(counts[:, 0], 1),
    "alpha": _alphas,
    "alpha of characters": _alphas,
}
_TYPES, _GENDERS = tuple(rec.SpeakerType), ("m", "f", None)
_NAME, _TYPE, _GENDER = "speaker, the same name", "speaker's type", "gender of a person"
_MEASURES = {
    "citation": "F1",
    **dict.fromkeys(ROLES, "alpha of characters"),
    **{f"{role}, the very same": "share" for role in ROLES},
    "link to one source": "share",
    **dict.fromkeys((*SourceKind, *_ON_TOP), "alpha"),
    **{_NAME: "share", _TYPE: "alpha", _GENDER: "alpha"},
}
_VALUES = {_NAME: 2, _TYPE: len(_TYPES), _GENDER: len(_GENDERS)}  # of other properties: two


def citation_agreement(*annotators: Sequence[Record], draws: int = 2000) -> list[CitationAgreement]:
    """Compare citations and speakers by pairs of annotators, and add up the pairs of an article."""
    by_article: dict[str, list[Record]] = defaultdict(list)
    for record in chain.from_iterable(annotators):
        by_article[record["id"]].append(record)
    tallies: list[dict[str, Counts]] = []
    for given in by_article.values():
        pairs = [_tally(one, other) for one, other in combinations(given, 2)]
        counted = {what: [one[what] for one in pairs if what in one] for what in _MEASURES}
        tallies.append({what: np.sum(ones, axis=0) for what, ones in counted.items() if ones})
    if not any(tallies):
        raise CorpusError("the annotators have no citations in common; give files of one set")
    found = []
    for what, measure in _MEASURES.items():
        if not (of_articles := [tally[what] for tally in tallies if what in tally]):
            continue
        total = (counts := np.stack(of_articles)).sum(axis=0)
        if _STATISTICS[measure] is _alphas:
            one = np.eye(math.isqrt(len(total)), dtype=int)
            pairs_of_values = (one[:, None] + one).reshape(len(total), -1)
            n, value = total.sum(), _alpha(np.repeat(pairs_of_values, total, axis=0))
        else:
            n, value = total[0], float(_STATISTICS[measure](total[None])[0])
        bounds = _interval(counts, _STATISTICS[measure], draws)
        found.append(CitationAgreement(what, measure, int(n), len(counts), value, *bounds))
    return found


def _tally(one: Record, other: Record) -> dict[str, Counts]:
    counts = {what: np.zeros(_VALUES.get(what, 2) ** 2, np.int64) for what in _MEASURES}
    shared, (told, answers) = list(_shared(one, other)), map(_speakers, (one, other))
    named = told.keys() & answers.keys()
    for names, types, genders in (zip(told[at], answers[at], strict=True) for at in named):
        counts[_NAME][:2] += (1, names[0] == names[1])
        counts[_TYPE][len(_TYPES) * types[0] + types[1]] += 1
        if types == (0, 0):  # persons
            counts[_GENDER][len(_GENDERS) * genders[0] + genders[1]] += 1
    for place, mine, theirs in shared:
        pairs = align(mine, theirs)
        counts["citation"][:3] += (len(pairs), len(mine), len(theirs))
        for role in ROLES:
            own, others = (_characters(found, role, place) for found in (mine, theirs))
            both, either = len(own & others), len(own | others)
            only = len(own) - both
            counts[role] += (place.end - place.start - either, either - both - only, only, both)
        for first, second in pairs:
            for role in ROLES:
                same = getattr(first, role) == getattr(second, role)
                counts[f"{role}, the very same"][:2] += (1, same)
            counts["link to one source"][:2] += (1, _overlap(first.source, second.source))
            for name in (*SourceKind, *_ON_TOP):
                held = [getattr(given, name, given.kind == name) for given in (first, second)]
                counts[name][2 * held[0] + held[1]] += 1
    return {what: held for what, held in counts.items() if (named if what in _VALUES else shared)}


def _speakers(record: Record) -> dict[tuple[int, int], tuple[Any, int, int]]:
    """Return name, number of type and of gender by source; without text a name is its place."""
    cited = (one for item in record.get("sentences") or () for one in item.get("citations") or ())
    marked = [{"source": one["source"], **one["speaker"]} for one in cited if one.get("speaker")]
    found: dict[tuple[int, int], tuple[Any, int, int]] = {}
    for given in marked if "sentences" in record else record.get("speakers") or ():
        source, at = (given.get(key) or {"start": 0, "end": 0} for key in ("source", "name"))
        name = rec.fold(record["text"][at["start"] : at["end"]]).lower() if "text" in record else at
        kind, gender = _TYPES.index(given["type"]), _GENDERS.index(given.get("gender"))
        found[source["start"], source["end"]] = name, kind, gender
    return found


def align(first: Marked, second: Marked) -> list[tuple[MarkedCitation, MarkedCitation]]:
    """Pair a sentence's citations by shared characters, cue and source."""
    scored = []
    for (i, one), (j, other) in product(enumerate(first), enumerate(second)):
        mine, theirs = _covered(one.content), _covered(other.content)
        if shared := len(mine & theirs) / len(mine | theirs):
            same = _overlap(one.source, other.source) + _overlap(one.cue, other.cue)
            scored.append((-shared - same / 2, i, j))
    pairs: dict[int, int] = {}
    for _, i, j in sorted(scored):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(first[i], second[j]) for i, j in sorted(pairs.items())]


def _overlap(one: Place | None, other: Place | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.start < other.end and other.start < one.end


def _covered(places: Iterable[Place | None]) -> frozenset[int]:
    return frozenset(at for place in places if place for at in range(place.start, place.end))


def _characters(found: Sequence[MarkedCitation], role: str, inside: Place) -> frozenset[int]:
    given = (getattr(one, role) for one in found)
    places = (place for one in given for place in (one if role == "content" else (one,)))
    return _covered(places) & frozenset(range(inside.start, inside.end))


def _shared(one: Record, other: Record) -> Iterator[tuple[Place, Marked, Marked]]:
    found = [
        {(s["start"], s["end"]): read_citations(s, _LONGEST) for s in record.get("sentences") or ()}
        for record in (one, other)
    ]
    for place, mine in found[0].items():
        if mine is not None and (theirs := found[1].get(place)) is not None:
            yield Place(*place), mine, theirs


class Merged(NamedTuple):
    """Merged records, with counts of labels, soft ones, ties, and articles of one annotator."""

    records: tuple[Mapping[str, Any], ...]
    labels: int
    soft: int
    ties: int
    alone: int


_Item = tuple[str, int, str]  # what is decided: an article's id, a sentence (-1: all), a signal
Votes = Mapping[_Item, Mapping[str, float]]


def merge(annotators: Annotators, *, dawid_skene: bool = False, hard: bool = False) -> Merged:
    """Merge annotators' labels; `hard` rounds them to 0 or 1, and leaves out exact halves."""
    by_article: dict[str, dict[str, LabelledArticle]] = defaultdict(dict)
    for name, articles in annotators.items():
        for one in articles:
            by_article[one.article.id][name] = one
    for given in by_article.values():
        _require_same_article(list(given.values()))
    votes = _votes(by_article)
    shares = {item: round(sum(v.values()) / len(v), _DIGITS) for item, v in votes.items()}
    decided = _dawid_skene(votes) if dawid_skene else shares
    ties = sum(value == 0.5 for value in decided.values()) if hard else 0
    placed: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for signal in in_order({signal for *_, signal in decided}):
        for (article, sentence, of), value in decided.items():
            if of == signal and not (hard and value == 0.5):
                placed[article][sentence][signal] = float(value > 0.5) if hard else value
    looked: dict[str, set[str]] = defaultdict(set)
    for who, own in ((who, one.article) for who, ones in annotators.items() for one in ones):
        looked[who].update(*(u.labels for u in own.units or ()), (s.signal for s in own.spans))
    merged = {name: _merged(given, placed[name], looked) for name, given in by_article.items()}
    sets = (labels for article in merged.values() for labels in label_sets(article))
    values = [value for labels in sets for value in labels.values()]
    soft = sum(value not in (0, 1) for value in values)
    alone = sum(len(given) == 1 for given in by_article.values())
    pairs = ((to_record(article), sorted(by_article[name])) for name, article in merged.items())
    records = tuple({**record, "annotators": names} for record, names in pairs)
    return Merged(records, len(values), soft, ties, alone)


def _require_same_article(given: Sequence[LabelledArticle]) -> None:
    texts = [one.article.text for one in given]
    places = [[(unit.start, unit.end) for unit in one.article.units or ()] for one in given]
    for one, text, own in zip(given, texts, places, strict=True):
        if "text" not in one.record:
            raise CorpusError(f"{one.where}: no 'text'; merging needs the article")
        if text != texts[0] or own != places[0]:
            what = "sentences of '{}' differ" if text == texts[0] else "text of '{}' differs"
            how = "give annotators the same articles, with the same sentences"
            where = f"{what.format(one.article.id)} from {given[0].where}"
            raise CorpusError(f"{one.where}: the {where}; {how}")


def _votes(by_article: Mapping[str, Mapping[str, LabelledArticle]]) -> Votes:
    """Collect who says what; who calls a line no content says no where others label it."""
    votes: dict[_Item, dict[str, float]] = defaultdict(dict)
    for name, given in by_article.items():
        for who, one in given.items():
            for number, labels in enumerate(label_sets(one.article), start=-1):
                for signal, label in labels.items():
                    votes[name, number, signal][who] = label
    for (name, number, _), said in votes.items():
        for who, one in by_article[name].items():
            if number >= 0 and (one.article.units or ())[number].labels.get("content") == 0:
                said.setdefault(who, 0.0)
    return votes


def _dawid_skene(votes: Votes) -> dict[_Item, float]:
    need("crowdkit", "merging by Dawid and Skene needs", "annotate")
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    by_signal: dict[str, list[_Item]] = defaultdict(list)
    for item in votes:
        by_signal[item[2]].append(item)
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


def _merged(
    given: Mapping[str, LabelledArticle],
    labels: Mapping[int, Mapping[str, float]],
    looked: Mapping[str, set[str]],
) -> Article:
    """Return a merged article; its other fields are the first annotator's."""
    articles = {who: one.article for who, one in given.items()}
    first, *_ = articles.values()
    pairs = enumerate(zip(*(one.units or () for one in articles.values()), strict=True))
    units = tuple(_unit(of_annotators, labels[at]) for at, of_annotators in pairs)
    spans = _spans(articles, units, looked)
    return replace(first, units=units or None, labels=labels[-1], spans=spans)


def _unit(given: Sequence[Unit], labels: Mapping[str, float]) -> Unit:
    voices = multimode(unit.voice for unit in given if unit.voice is not None)
    voice = voices[0] if len(voices) == 1 else None  # None of a tie
    citations = _agreed_citations([unit.citations for unit in given if unit.citations is not None])
    if labels.get("content", 1) < 0.5:  # a line that is not content gets no other label
        labels, voice, citations = {"content": labels["content"]}, None, None
    return replace(given[0], labels=labels, voice=voice, citations=citations)


def _agreed_citations(given: Sequence[Marked]) -> Marked | None:
    """Keep citations that a majority marks identically; None where no majority agrees on one."""
    times = Counter(one for marked in given for one in dict.fromkeys(marked))
    kept = [one for one, count in times.items() if 2 * count > len(given)]
    if not kept and 2 * sum(not marked for marked in given) <= len(given):
        return None
    return tuple(sorted(kept, key=lambda one: (one.content[0].start, str(one))))


def _spans(
    articles: Mapping[str, Article], units: Sequence[Unit], looked: Mapping[str, set[str]]
) -> tuple[Span, ...]:
    """Merge spans; who labels or marks a signal nowhere may not have looked for it."""
    found = []
    for signal in in_order({span.signal for a in articles.values() for span in a.spans}):
        lookers = [a for who, a in articles.items() if signal in looked[who]]
        text, marked = lookers[0].text, np.zeros((len(lookers), len(lookers[0].text)), bool)
        for row, one in zip(marked, lookers, strict=True):
            for span in one.spans:
                row[span.start : span.end] |= span.signal == signal
        agreed = np.flatnonzero(2 * marked.sum(axis=0) > len(lookers))
        for run in np.split(agreed, np.flatnonzero(np.diff(agreed) > 1) + 1) if len(agreed) else ():
            start, end = int(run[0]), int(run[-1]) + 1
            words = text[start:end]
            start, end = end - len(words.lstrip()), start + len(words.rstrip())
            inside = [u.labels.get(signal, 1) for u in units if u.start < end and start < u.end]
            if start < end and max(inside, default=1) >= 0.5:
                found.append(Span(start, end, signal))
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))
