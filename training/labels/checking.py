"""Checks of labels: offsets, pairs, duplicates, benchmarks, balance, contradictions, likely errors.

A label is likely wrong by a model that didn't learn it: a logistic regression per signal, on a
bundle's log-odds of every signal and on the sentence's n-grams, in five folds of whole articles; or
a bundle that never saw the labels. A line through the scores (Platt scaling) gives how much more
often such a score stands by the other answer, whatever the share of yes; with `_WRONG` of either
answer's labels taken to be wrong, that ratio gives the chance that this one is (Bayes' rule).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle, text_digest
from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.models import Ngrams, count, weigh
from framescope.classifier.records import Article, SpeakerType, Unit, Voice
from framescope.classifier.taxonomy import BY_NAME, TECHNIQUES, Level, in_order
from framescope.training import corpora, data
from framescope.training.corpora import standoff
from framescope.training.data.splits import SENTENCE_THRESHOLD, SENTENCE_WORDS, shingles
from framescope.training.labels import reading
from framescope.training.labels.reading import LabelledArticle, LabelledFiles, LabelProblem
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_MOST_ALIKE = 0.5  # Jaccard index of word 5-grams from which articles are near-duplicates
# Labels of the rarer answer from which an encoder learns a signal; and a head, or a threshold.
_TO_TUNE, _TO_FIT = 50, 20
_ARTICLES = 10  # with a positive label: whole articles are held out and resampled
_NAMED = 3  # benchmark sentences of an article that are listed
_CONFIRMED = "confirmed"  # the key of verified labels: true, or the names of the signals
_WRONG = 0.05  # the share of either answer's labels that is taken to be wrong
_SURE = 0.5  # the chance of being wrong from which a label is a finding
_LISTED = 0.2  # from which it is listed
_FOLDS = 5
_FEWEST = 10  # labels of each answer that a signal needs
_WEIGHT = 0.3  # of log-odds of unit spread, relative to n-grams of unit length


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
    """The rows that bundles are judged by, and why others are not there."""

    rows: data.Examples
    unread: tuple[str, ...] = ()


def check_labelled(name: str, files: LabelledFiles, known: Benchmarks | None = None) -> LabelCheck:
    """Check what was read from some files; with benchmarks, compare and count labels too."""
    found, pairs = files.articles, _pairs(files.articles)
    of_articles = chain.from_iterable(_of_article(one.article, one.name) for one in found)
    problems = [*files.problems, *of_articles, *_repeated_ids(found), *_flaws(pairs)]
    problems += _near_duplicates(found)
    more: tuple[Any, ...] = ()
    if known is not None:
        problems += [*labelled_otherwise(found), *in_benchmarks(found, known)]
        more = known.unread, class_balance(found)
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
    records = list(standoff.labels(standoff.labels_file(name)))
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
        rows = data.assign_parts(data.build_examples(root, here)).examples
    except CorpusError as error:
        rows = data.examples_of_articles("exchange", ())
        unread.append(f"benchmarks: {error}")
    return Benchmarks(rows.where(np.isin(rows.part, (data.TEST, data.UNSEEN))), tuple(unread))


def in_benchmarks(found: Sequence[LabelledArticle], known: Benchmarks) -> Iterator[LabelProblem]:
    """Find articles, and sentences of the other articles, that bundles are judged by."""
    names = known.rows.article.tolist()
    part_of = dict(zip(names, known.rows.part.tolist(), strict=True))
    bodies, whole = data.splits.article_texts(known.rows), dict[str, str]()
    mine = [one.article.text for one in found]
    for left, right in _across(mine, bodies.values(), _MOST_ALIKE, 0):
        whole.setdefault(found[left].name, [*bodies][right])
    for name, other in whole.items():
        what = f"is nearly the same as {other}, which bundles are judged by"
        yield LabelProblem(name, f"{what} ({part_of[other]})", "benchmark")
    rows = [row for row in _sentences(found) if row.of.name not in whole]
    mine, texts = [row.text for row in rows], [one.text for one in known.rows.sentences]
    alike: dict[str, dict[int, str]] = defaultdict(dict)
    for left, right in _across(mine, texts, SENTENCE_THRESHOLD, SENTENCE_WORDS):
        alike[rows[left].of.name].setdefault(rows[left].number, names[right])
    for name in dict.fromkeys(one.name for one in found if one.name in alike):
        shown = sorted(alike[name].items())
        listed = [f"{n} ({other}, {part_of[other]})" for n, other in shown[:_NAMED]]
        listed += [f"and {len(shown) - _NAMED} more"] * (len(shown) > _NAMED)
        what = "nearly the same as one that bundles are judged by: sentence " + ", ".join(listed)
        yield LabelProblem(name, what, "benchmark")


def _across(
    mine: Iterable[str], others: Iterable[str], least: float, words: int
) -> Iterator[tuple[int, int]]:
    """Yield the positions of nearly the same texts, one of each sequence."""
    own = [shingles(text, words) for text in mine]
    known = frozenset(chain.from_iterable(own))
    # Few of the others share anything with the given texts; the rest is left out.
    sets = (shingles(text, words) for text in others)
    near = (found if found & known else frozenset() for found in sets)
    for left, right in data.splits.similar_pairs([*own, *near], least):
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


@dataclass(frozen=True, slots=True)
class LikelyError:
    """A label that may be wrong, how likely that is, and the probability of 1."""

    article: str
    sentence: int
    text: str
    signal: str
    given: int
    chance: float
    wrong: float
    words: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason, in words."""
        reason = f"labelled {self.given}, wrong with a chance of {self.wrong:.0%}"
        return reason + (f"; evidence for 1: {', '.join(self.words)}" if self.words else "")


class LikelyErrors(NamedTuple):
    """What may be wrong, the likeliest first, among how many `labels`, and what was not checked."""

    found: tuple[LikelyError, ...]
    labels: int
    unread: tuple[str, ...]

    @property
    def sure(self) -> int:
        """The number of those that are more likely wrong than right."""
        return sum(one.wrong >= _SURE for one in self.found)


def find_errors(ones: Sequence[LabelledArticle], bundle: Bundle, own: bool = False) -> LikelyErrors:
    """Look for labels that are likely wrong; `own` takes the bundle's probabilities as they are."""
    # Positions in place of ids, which several annotators share; whole articles, for the context.
    articles = [replace(one.article, id=str(at)) for at, one in enumerate(ones)]
    rows = data.examples_of_articles("exchange", iter(articles), bundle.registry)
    if not len(rows):
        return LikelyErrors((), 0, ("likely errors: there is no sentence",))
    position = [int(sentence.article_id.rpartition("/")[2]) for sentence in rows.sentences]
    groups = np.array([ones[at].article.id for at in position])
    prediction = bundle.model.predict(rows.sentences)
    features = None if own else _features(rows, prediction.proba)
    errors: list[tuple[int, LikelyError]] = []
    lacking: dict[str, list[str]] = defaultdict(list)
    labels = 0
    for signal in (one for one in rows.signals if BY_NAME[one].level is not Level.ARTICLE):
        if own and signal not in bundle.signals:
            lacking[f"{bundle.name} doesn't give them"].append(signal)
            continue
        at = np.flatnonzero(np.isin(rows.column(signal), (0, 1)))
        given, chance = rows.column(signal)[at].astype(np.int64), None
        if (enough := np.bincount(given, minlength=2).min() >= _FEWEST) and features is not None:
            chance = _out_of_fold(features[at], given, groups[at])
        elif enough:
            chance = prediction.proba[at, bundle.signals.index(signal)].astype(float)
        if chance is None:
            lacking[f"fewer than {_FEWEST} labels of an answer"].append(signal)
            continue
        labels += len(at)
        wrong = chance_of_error(given, chance)
        for place in np.flatnonzero(wrong >= _LISTED):
            row = int(at[place])
            one, sentence = ones[position[row]], rows.sentences[row]
            item = dict(enumerate(one.record.get("sentences") or ())).get(sentence.index, {})
            confirmed = item.get(_CONFIRMED)
            if confirmed is not True and not (isinstance(confirmed, list) and signal in confirmed):
                label = signal, int(given[place]), float(chance[place]), float(wrong[place])
                errors.append((row, LikelyError(one.name, sentence.index, sentence.text, *label)))
    wanted = [(r, e.signal) for r, e in errors if not e.given and e.signal in bundle.signals]
    evidence, ranked = dict(zip(wanted, prediction.evidence(wanted), strict=True)), []
    for row, error in errors:
        text, spans = articles[position[row]].text, evidence.get((row, error.signal), ())
        words = tuple(f"“{text[span.start : span.end]}”" for span in spans[:3])
        ranked.append(replace(error, words=words))
    ranked.sort(key=lambda e: (-e.wrong, e.article, e.sentence, e.signal))
    unread = (f"likely errors of {', '.join(names)}: {why}" for why, names in lacking.items())
    return LikelyErrors(tuple(ranked), labels, tuple(unread))


def _features(rows: data.Examples, proba: NDArray[np.float32]) -> Any:
    """Return what the regressions are fitted on, sparse, shape (n_rows, n_features)."""
    from scipy.sparse import csr_matrix, hstack
    from scipy.special import logit

    odds = logit(np.clip(proba.astype(float), 1e-4, 1 - 1e-4))
    parts = [csr_matrix(_WEIGHT * (odds - odds.mean(axis=0)) / np.maximum(odds.std(axis=0), 1e-6))]
    texts = [sentence.text for sentence in rows.sentences]
    try:
        learn = Ngrams.learn
        blocks = learn(texts, "word", 1, 2, 2, 20_000), learn(texts, "char", 2, 4, 3, 20_000)
    except ValueError:  # too little text for n-grams that repeat
        return parts[0]
    return hstack([weigh(blocks, count(blocks, texts)), *parts], format="csr")


def _out_of_fold(features: Any, given: NDArray[np.int64], groups: data.Text) -> _Floats | None:
    """Return probabilities from regressions that saw nothing of the article; None with too few."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    if (folds := min(_FOLDS, len(np.unique(groups)))) < 2:
        return None
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    parts = list(split.split(given, given, groups))
    if any(len(np.unique(given[learned])) < 2 for learned, _ in parts):
        return None
    line = LogisticRegression(solver="liblinear", dual=True, tol=0.1, random_state=0)
    chance = cross_val_predict(line, features, given, cv=parts, method="predict_proba")
    return np.asarray(chance[:, 1])


def chance_of_error(given: NDArray[np.int64], chance: _Floats) -> _Floats:
    """Return the chance that each label is wrong, by the probabilities of 1 without that label."""
    from scipy.special import expit, logit
    from sklearn.linear_model import LogisticRegression

    odds = logit(np.clip(chance, 1e-4, 1 - 1e-4))[:, None]
    line = LogisticRegression(C=np.inf).fit(odds, given)
    if line.coef_[0, 0] <= 0:  # higher where the answer is 0: the scores tell nothing of it
        return np.full(len(given), _WRONG)
    # Less the odds of the shares, this is the ratio of how often either answer has such a score.
    ratio = line.decision_function(odds) - logit(given.mean())
    wrong: _Floats = expit(logit(_WRONG) + np.where(given == 1, -ratio, ratio))
    return wrong
