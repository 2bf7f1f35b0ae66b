"""Checks of labels: offsets, contrast pairs, duplicates, benchmarks, balance, contradictions."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.bundles import text_digest
from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.records import Article, SpeakerType, Unit, Voice
from framescope.classifier.taxonomy import TECHNIQUES, in_order
from framescope.training import corpora, data
from framescope.training.corpora import labels_file, standoff
from framescope.training.data.splits import SENTENCE_THRESHOLD, SENTENCE_WORDS, shingles
from framescope.training.labels import reading
from framescope.training.labels.reading import LabelledArticle, LabelledFiles, LabelProblem

_MOST_ALIKE = 0.5  # Jaccard index of word 5-grams from which articles are near-duplicates
# Labels of the rarer answer from which an encoder learns a signal; and a head, or a threshold.
_TO_TUNE, _TO_FIT = 50, 20
_ARTICLES = 10  # with a positive label: whole articles are held out and resampled
_NAMED = 3  # benchmark sentences of an article that are listed


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The labels of one signal, and what they are too few for; `soft` are neither 0 nor 1."""

    signal: str
    labels: int
    articles: int
    positives: int
    with_positives: int
    soft: int
    lacks: str


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The outcome for one collection of labelled articles; `unread`: what could not be checked."""

    name: str
    articles: int
    sentences: int
    pairs: int
    problems: tuple[LabelProblem, ...]
    unread: tuple[str, ...] = ()
    balance: tuple[ClassBalance, ...] = ()


class Benchmarks(NamedTuple):
    """The sentences that bundles are judged by, and the part of the split of each article."""

    texts: tuple[str, ...]
    articles: tuple[str, ...]
    parts: Mapping[str, str]
    unread: tuple[str, ...] = ()


def check_labelled(
    name: str, files: LabelledFiles, benchmarks: Benchmarks | None = None
) -> LabelCheck:
    """Check what was read from some files; with `benchmarks`, compare and count labels too."""
    found, pairs = files.articles, _pairs(files.articles)
    of_articles = chain.from_iterable(_of_article(one.article, one.name) for one in found)
    problems = [*files.problems, *of_articles, *_repeated_ids(found), *_flaws(pairs)]
    problems += _near_duplicates(found)
    more: tuple[Any, ...] = ()
    if benchmarks is not None:
        problems += [*labelled_otherwise(found), *in_benchmarks(found, benchmarks)]
        more = benchmarks.unread, class_balance(found)
    sentences = sum(len(one.article.units or ()) for one in found)
    complete = sum(sorted(side for side, _ in sides) == ["a", "b"] for sides in pairs.values())
    return LabelCheck(name, len(found), sentences, complete, tuple(problems), *more)


def refuse_shared(files: Mapping[Path, LabelledFiles]) -> None:
    """Raise `InputError` where a file holds articles that are in an earlier one too."""
    seen: dict[int, Path] = {}
    for path, labelled in files.items():
        own = [text_digest(one.article.text) for one in labelled.articles]
        for other, times in Counter(seen[one] for one in own if one in seen).items():
            what = f"{times:,} of its {len(own):,} articles are in {other} too"
            raise InputError(path, f"{what}; leave them out of one, or accept it: --allow-seen")
        seen |= dict.fromkeys(own, path)


def check_house(corpus: str = "house", name: str = "written") -> LabelCheck:
    """Check a written part of the house corpus; raise `CorpusError` when it isn't there."""
    folder = corpora.house_folder() / corpora.find_corpus(corpus).card.folder
    if not (paths := sorted(folder.glob("*.jsonl"))):
        what = "no articles there; restore the folder, or name it: --house DIR"
        raise CorpusError(f"{folder}: {what}")
    return check_labelled(name, reading.read_labelled(paths))


def check_standoff(root: Path | None, name: str = "standoff") -> LabelCheck:
    """Check a file of stand-off labels, with the texts that lie in the folder of corpora."""
    records = list(standoff.labels(labels_file(name)))
    problems: list[LabelProblem] = []
    texts = {article.id: article for article in standoff.read(root, name)} if root else {}
    unread: Counter[str] = Counter()
    for record in records:
        article = texts.get(f"{record['collection']}/{record['article']}")
        if article is None:
            unread[record["collection"]] += 1
            # Any text of that length will do for labels and offsets.
            article = standoff.join(record, "x" * record["sentences"][-1]["end"])
        digests = {item["digest"] for item in record["sentences"]}
        for number, unit in enumerate((article.units or ()) if article.id in texts else ()):
            digest = standoff.digest(article.text[unit.start : unit.end])
            if digest[: standoff.SHORT] not in digests:
                where = f"{article.id}, sentence {number}"
                problems.append(LabelProblem(where, "the digest is of another sentence", "digest"))
        problems += _of_article(article, article.id)
    missing = tuple(f"{of}: {n} articles without their text" for of, n in unread.items())
    sentences = sum(len(record["sentences"]) for record in records)
    return LabelCheck(name, len(records), sentences, 0, tuple(problems), missing)


def _of_article(article: Article, name: str) -> Iterator[LabelProblem]:
    units = article.units or ()
    for number, unit in enumerate(units):
        text, where = article.text[unit.start : unit.end], f"{name}, sentence {number}"
        if text != text.strip():
            yield LabelProblem(where, "begins or ends with a space", "offsets")
    for span in article.spans:
        if units and not any(u.start < span.end and span.start < u.end for u in units):
            what = f"a span of {span.signal} lies in no sentence"
            yield LabelProblem(f"{name}, {span.start}-{span.end}", what, "offsets")
    for number, reason in contradictions(article):
        yield LabelProblem(f"{name}, sentence {number}", reason, "contradiction")


class _Row(NamedTuple):
    of: LabelledArticle
    number: int
    text: str
    labels: Mapping[str, float]


def _sentences(found: Sequence[LabelledArticle]) -> list[_Row]:
    return [
        _Row(one, number, one.article.text[unit.start : unit.end], unit.labels)
        for one in found
        for number, unit in enumerate(one.article.units or ())
    ]


def _pairs(found: Sequence[LabelledArticle]) -> dict[str, list[tuple[str, _Row]]]:
    """Collect the sentences that are marked as sides of a contrast pair."""
    pairs: dict[str, list[tuple[str, _Row]]] = defaultdict(list)
    for row in _sentences(found):
        items = row.of.record.get("sentences") or ()
        if row.number < len(items) and "pair" in (item := items[row.number]):
            pairs[str(item["pair"])].append((str(item.get("side")), row))
    return pairs


def _flaws(pairs: Mapping[str, Sequence[tuple[str, _Row]]]) -> Iterator[LabelProblem]:
    for name, sides in pairs.items():
        names = [side for side, _ in sides]
        flaws = [f"has the sides {', '.join(names)}, and not a and b"]
        if sorted(names) == ["a", "b"]:
            (_, left), (_, right) = sides
            groups = {corpora.articles.by_block(row.of.article) for row in (left, right)}
            where = "stands in articles that may come into different parts of a split"
            flaws = ["is the same sentence twice"] * (left.text == right.text)
            flaws += ["is labelled differently for its two sides"] * (left.labels != right.labels)
            flaws += [where] * (len(groups) > 1)
        yield from (LabelProblem(f"pair {name}", what, "pair") for what in flaws)


def _repeated_ids(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    for (name, who), times in Counter((one.article.id, one.annotator) for one in found).items():
        if times > 1:
            twice = f"annotator '{who}' has labelled this article twice"
            yield LabelProblem(name, twice if who else "two articles have this id", "duplicate")


def _near_duplicates(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    sets = [shingles(one.article.text) for one in found]
    for left, right in data.splits.similar_pairs(sets, _MOST_ALIKE):
        one, other = found[left].article.id, found[right].article.id
        if one != other:
            yield LabelProblem(one, f"is nearly the same as {other}", "duplicate")


def labelled_otherwise(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    """Find long sentences of two articles that are nearly the same, with different labels."""
    rows = _sentences(found)
    sets = [shingles(row.text, SENTENCE_WORDS) for row in rows]
    for left, right in sorted(data.splits.similar_pairs(sets, SENTENCE_THRESHOLD)):
        one, other = rows[left], rows[right]
        both = {s: (v, other.labels[s]) for s, v in one.labels.items() if s in other.labels}
        differ = [f"{s} {v:g} and {w:g}" for s, (v, w) in both.items() if (v >= 0.5) != (w >= 0.5)]
        if differ and one.of.article.id != other.of.article.id:
            what = f"is nearly {other.of.name}, sentence {other.number}, and labelled otherwise: "
            where = f"{one.of.name}, sentence {one.number}"
            yield LabelProblem(where, what + ", ".join(differ), "duplicate")


def read_benchmarks(root: Path | None) -> Benchmarks:
    """Read the held-out parts of the corpora that are here; without a folder, of what ships."""
    states = {name: corpora.CORPORA[name].state(root) for name in corpora.KNOWN}
    here = [one for one, state in states.items() if state in ("present", "partial")]
    unread = [f"benchmark {one}: {state}" for one, state in states.items() if one not in here]
    if root is None:
        unread = ["benchmarks of the public corpora: name their folder with --corpora DIR"]
    try:
        examples = data.assign_parts(data.build_examples(root, here)).examples
    except CorpusError as error:
        return Benchmarks((), (), {}, (*unread, f"benchmarks: {error}"))
    kept = examples.where(np.isin(examples.part, (data.TEST, data.UNSEEN)))
    articles = tuple(map(str, kept.article))
    parts = dict(zip(articles, map(str, kept.part), strict=True))
    texts = tuple(sentence.text for sentence in kept.sentences)
    return Benchmarks(texts, articles, parts, tuple(unread))


def in_benchmarks(found: Sequence[LabelledArticle], known: Benchmarks) -> Iterator[LabelProblem]:
    """Find articles, and sentences of the other articles, that bundles are judged by."""
    bodies: dict[str, list[str]] = defaultdict(list)
    for text, name in zip(known.texts, known.articles, strict=True):
        bodies[name].append(text)
    names, whole = list(bodies), dict[str, str]()
    mine = [one.article.text for one in found]
    for left, right in _across(mine, [" ".join(bodies[name]) for name in names], _MOST_ALIKE, 0):
        whole.setdefault(found[left].name, names[right])
    for name, other in whole.items():
        what = f"is nearly the same as {other}, which bundles are judged by"
        yield LabelProblem(name, f"{what} ({known.parts[other]})", "benchmark")
    rows = [row for row in _sentences(found) if row.of.name not in whole]
    texts = [row.text for row in rows]
    alike: dict[str, dict[int, str]] = defaultdict(dict)
    for left, right in _across(texts, known.texts, SENTENCE_THRESHOLD, SENTENCE_WORDS):
        alike[rows[left].of.name].setdefault(rows[left].number, known.articles[right])
    for name in dict.fromkeys(one.name for one in found if one.name in alike):
        shown = sorted(alike[name].items())
        listed = [f"{n} ({other}, {known.parts[other]})" for n, other in shown[:_NAMED]]
        listed += [f"and {len(shown) - _NAMED} more"] * (len(shown) > _NAMED)
        what = "nearly the same as one that bundles are judged by: sentence " + ", ".join(listed)
        yield LabelProblem(name, what, "benchmark")


def _across(
    mine: Sequence[str], others: Sequence[str], threshold: float, words: int
) -> Iterator[tuple[int, int]]:
    """Yield the positions of nearly the same texts, one of each sequence."""
    own = [shingles(text, words) for text in mine]
    known = frozenset(chain.from_iterable(own))
    # Few of the others share anything with the given texts; the rest is left out.
    sets = (shingles(text, words) for text in others)
    near = (found if found & known else frozenset() for found in sets)
    for left, right in data.splits.similar_pairs([*own, *near], threshold):
        if left < len(own) <= right:
            yield left, right - len(own)


def class_balance(found: Sequence[LabelledArticle]) -> tuple[ClassBalance, ...]:
    """Count the labels, in taxonomy order of the signals."""
    values: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one in found:
        for labels in reading.label_sets(one.article):
            for signal, label in labels.items():
                values[signal].append((one.article.id, label))
    return tuple(_of_signal(signal, values[signal]) for signal in in_order(values))


def _of_signal(signal: str, values: Sequence[tuple[str, float]]) -> ClassBalance:
    positive = [article for article, label in values if label >= 0.5]
    articles, with_positives = len({article for article, _ in values}), len(set(positive))
    soft = sum(label not in (0, 1) for _, label in values)
    rarer, name = min((len(positive), "yes"), (len(values) - len(positive), "no"))
    lacks = ""
    if rarer < _TO_FIT:
        lacks = f"too few for a head or to calibrate: {rarer} '{name}', {_TO_FIT} needed"
    elif rarer < _TO_TUNE:
        lacks = f"enough for a head, few to fine-tune: {rarer} '{name}', {_TO_TUNE} needed"
    elif with_positives < _ARTICLES:
        lacks = f"from too few articles: {with_positives} with a 'yes', {_ARTICLES} needed"
    return ClassBalance(signal, len(values), articles, len(positive), with_positives, soft, lacks)


SOURCES = ("named_source", "unnamed_source", "vague_source")
ON_TOP = ("government_attribution", "state_media_attribution")
_UNSOURCED = "unsourced_assertion"


class _Given(NamedTuple):
    """What is certain of a sentence: a label between 0 and 1 is a doubt, and breaks no rule."""

    labels: Mapping[str, float]
    voice: Voice | None
    republished: bool

    def on(self, *signals: str) -> bool:
        """Whether any of the signals holds."""
        return any(self.labels.get(signal) == 1 for signal in signals)


class Rule(NamedTuple):
    """A rule of the guidelines, the signals that it needs annotated, and what breaks it."""

    reason: str
    needs: tuple[str, ...]
    broken: Callable[[_Given], bool]


RULES: tuple[Rule, ...] = (
    Rule("a line that is not content gets no other label", ("content",),
         lambda s: not s.on("content") and (len(s.labels) > 1 or s.voice is not None)),
    Rule("an unsourced_assertion has a claim", (_UNSOURCED, "claim"),
         lambda s: s.on(_UNSOURCED) and not s.on("claim")),
    Rule("an unsourced_assertion has no source", (_UNSOURCED,),
         lambda s: s.on(_UNSOURCED) and s.on(*SOURCES, "attributed")),
    Rule("an unsourced_assertion is in the article's own voice", (_UNSOURCED,),
         lambda s: s.on(_UNSOURCED) and not s.republished
         and (s.voice not in (None, Voice.OWN) or s.on("quoted", "reported"))),
    Rule("a government or state media comes on top of a named or an unnamed source", SOURCES[:2],
         lambda s: s.on(*ON_TOP) and not s.on(*SOURCES[:2])),
    Rule("attributed is 1 when a source signal holds, and only then", ("attributed", *SOURCES),
         lambda s: s.on("attributed") != s.on(*SOURCES)),
    Rule("a sentence is not both quoted and reported", ("quoted", "reported"),
         lambda s: s.on("quoted") and s.on("reported")),
    Rule("a reported sentence has a source", ("reported", *SOURCES),
         lambda s: s.on("reported") and not s.on(*SOURCES)),
    Rule("a sentence in the article's own voice has no source", ("quoted", "reported", *SOURCES),
         lambda s: s.on(*SOURCES) and not s.on("quoted", "reported")),
    Rule("quoted says what the voice says", ("quoted",),
         lambda s: s.voice is not None and s.on("quoted") != (s.voice is Voice.QUOTED)),
    Rule("reported says what the voice says", ("reported",),
         lambda s: s.voice is not None and s.on("reported") != (s.voice is Voice.REPORTED)),
    Rule("a subjective sentence is in the author's own voice", ("subjective",),
         lambda s: s.on("subjective") and s.on("quoted", "reported")),
    Rule("any_technique is 1 when one of the fourteen is, and only then",
         ("any_technique", *TECHNIQUES),
         lambda s: s.on("any_technique") != s.on(*TECHNIQUES)),
)  # fmt: skip


def contradictions(article: Article) -> Iterator[tuple[int, str]]:
    """Yield the number of each sentence whose labels contradict each other, and the rule."""
    for number, unit in enumerate(article.units or ()):
        inside = any(r.start <= unit.start and unit.end <= r.end for r in article.republications)
        labels = {signal: label for signal, label in unit.labels.items() if label in (0, 1)}
        given = _Given(labels, unit.voice, inside)
        broken = (r.reason for r in RULES if labels.keys() >= {*r.needs} and r.broken(given))
        others = *_span_reasons(article, unit, labels), *_citation_reasons(unit, given)
        yield from ((number, reason) for reason in (*broken, *others))


def _span_reasons(article: Article, unit: Unit, labels: Mapping[str, float]) -> Iterator[str]:
    marked = {s.signal for s in article.spans if s.start < unit.end and unit.start < s.end}
    for technique in (one for one in TECHNIQUES if one in labels):
        if (labels[technique] == 1) != (technique in marked):
            where = "a span of it" if technique in marked else "no span of it"
            yield f"{technique} is {labels[technique]:g}, and {where} lies in the sentence"


def _citation_reasons(unit: Unit, given: _Given) -> Iterator[str]:
    if unit.citations is None:
        return
    for speaker in (one.speaker for one in unit.citations if one.speaker):
        if speaker.gender and speaker.type is not SpeakerType.PERSON:
            yield f"only a person has a gender, and the speaker is of type {speaker.type}"
    attributed = given.labels.get("attributed")
    if attributed is not None and (attributed == 1) != bool(unit.citations):
        who = "somebody" if unit.citations else "nobody"
        yield f"attributed is {attributed:g}, and {who} is cited"
        return
    marked = {f"{one.kind}_source" for one in unit.citations if one.kind}
    for signal, held in zip(ON_TOP, ("government", "state_media"), strict=True):
        marked |= {signal for one in unit.citations if getattr(one, held)}
    for signal in (*SOURCES, *ON_TOP):
        if given.on(signal) and signal not in marked:
            yield f"{signal} is 1, and no citation is of that kind"
