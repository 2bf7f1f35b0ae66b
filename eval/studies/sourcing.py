"""Who says what: the citations that a model finds, compared with those that annotators marked."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import records
from framescope.classifier.attribution import PRONOUNS, Names, cited, gender_of
from framescope.classifier.attribution.phrases import parse
from framescope.classifier.bundles import Bundle
from framescope.classifier.inputs import split_sentences
from framescope.classifier.models import Referents, SpeakerScorer, TransformerModel
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.records import Citation, MarkedCitation, Place, SourceKind, fold
from framescope.eval.metrics import estimates_of_sums, ratio
from framescope.eval.rows import Evaluation, Floats, blocks
from framescope.eval.sections import Estimate, Row, Section, Table, table
from framescope.training import corpora
from framescope.training.data import Mark, RowCitation
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

DRAWS = 2000
Pieces = tuple[Place, ...]  # characters that belong together, in order and apart
AnyCitation = MarkedCitation | Citation
Counts = NDArray[np.int64]

ROLES = ("source", "cue", "content")
KINDS = tuple(kind.value for kind in SourceKind)
ON_TOP = ("government", "state_media")
MISSED = "not found"
MEASURES: tuple[str, ...] = (
    "sentences",
    *(f"{role}, {how}" for role in ROLES for how in ("characters", "exact", "overlap")),
    *("citations", "citations, resolved"),
    *(*KINDS, *ON_TOP),
)
RIGHT, STANDS, OTHER = "name right", "name as it stands", "somebody else's name"
_OF_PRONOUNS = "pronouns: "
NAMES = tuple(f"{whose}{how}" for whose in ("", _OF_PRONOUNS) for how in (RIGHT, STANDS, OTHER))
SHARES: tuple[str, ...] = (
    *NAMES,
    *("links", "links, resolved", "kind"),
    *(f"{kind} found as {other}" for kind in KINDS for other in (*KINDS, MISSED)),
)
_OF_GROUPS = (
    *NAMES,
    *("sentences", *(f"{role}, {how}" for role in ROLES for how in ("characters", "overlap"))),
    *("citations", "citations, resolved", "links, resolved"),
)
HALF = 0.5  # the share of the longer one's characters from which two spans overlap

NOTE = (
    "Citations found by {by}. n: how many are marked. Characters: of all that have that role. "
    "Exact: the same but for space, quotation marks and punctuation at the edges. Overlap: half of "
    "the characters of the longer one; each span is paired once. Links: of contents that both "
    "have, the share whose source is the same; resolved: or is named by the same words elsewhere. "
    "Citations: content in the same sentence, with that source. Kinds are those of "
    "the resolved citations, and of the most similar ones. Names: of found citations whose speaker "
    "is annotated; right: the full name, or what stands there while the article has named nobody; "
    "as it stands: a shorter form, or words of the source. All: without PolNeAR, which has other "
    "guidelines and kinds typed by rules. 95% intervals resample articles."
)


# The citations of an annotated sentence: those that are marked, and those that were found.
JudgedSentence = tuple[tuple[MarkedCitation, ...], tuple[Citation, ...]]


class JudgedArticle(NamedTuple):
    """An article's annotated sentences of one part; ``text`` holds sentences at their offsets."""

    id: str
    corpus: str
    part: str
    outlet: str
    text: str
    sentences: tuple[JudgedSentence, ...]
    lang: str = "en"


def judged_articles(evaluation: Evaluation) -> list[JudgedArticle]:
    """Find the citations of annotated articles by the last bundle; one of two parts is two."""
    rows, model = evaluation.examples, evaluation.bundles[-1].model
    annotated = np.array([marked is not None for marked in rows.citations], np.bool_)
    wanted = annotated & np.isin(rows.part, evaluation.parts)
    whole = np.flatnonzero(np.isin(rows.article, rows.article[wanted]))
    index = np.array([rows.sentences[row].index for row in whole], np.intp)
    rows = rows.where(whole[np.lexsort((index, rows.article[whole]))])
    found = [one for block in blocks(rows.sentences) for one in model.predict(block).citations]
    articles = []
    for name, numbers in groupby(range(len(rows)), lambda row: str(rows.article[row])):
        own, text, starts = list(numbers), "", dict[int, int]()
        for one in (rows.sentences[row] for row in own):
            text, starts[one.index] = text.ljust(one.start) + one.text, one.start
        for part in evaluation.parts:
            judged = tuple(
                (tuple(_marked(one, starts) for one in marked), found[row])
                for row in own
                if rows.part[row] == part and (marked := rows.citations[row]) is not None
            )
            if judged:
                corpus, outlet = str(rows.corpus[own[0]]), str(rows.outlet[own[0]])
                lang = rows.sentences[own[0]].lang or "en"
                articles.append(JudgedArticle(name, corpus, part, outlet, text, judged, lang))
    return articles


def section(evaluation: Evaluation) -> Section | None:
    """Judge the citations of the last bundle; None where no row of the parts has citations."""
    bundle, articles = evaluation.bundles[-1], judged_articles(evaluation)
    if not articles:
        return None
    tallies = {id(one): tally(one) for one in articles}
    kinds = kinds_of_text(one.corpus for one in articles)
    draws = min(evaluation.draws, DRAWS)
    cells = list[Row]()
    for name, own in groups_of(articles, kinds, bundle.registry or load_registry()).items():
        counts = np.stack([tallies[id(one)] for one in own])
        figures = extractions(counts, draws=draws, seed=evaluation.seed)
        every = dict.fromkeys((*NAMES, *MEASURES, *SHARES))
        for measure in _OF_GROUPS if cells and name != ALL else every:
            n, precision, recall, f1 = figures[measure]
            both = ("", "") if measure in SHARES else (precision.value, recall.value)
            cells.append((name, len(own), measure, n, *both, f1))
    columns = ("articles", "number", "", "n", "precision", "recall", "F1 or share")
    tables: list[Table | None] = [table("Who says what", columns, cells, heads=2)]
    if REAL in {one.corpus for one in articles}:
        tables.append(of_pronouns(bundle, corpora.given_folder(None), draws, evaluation.seed))
    return Section(NOTE.format(by=bundle.name), tuple(filter(None, tables)))


def _marked(one: RowCitation, starts: Mapping[int, int]) -> MarkedCitation:
    """Take a mark from the offsets of its sentence to those of its article."""

    def place(mark: Mark | None) -> Place | None:
        start = starts[mark.sentence] if mark else 0
        return Place(start + mark.start, start + mark.end) if mark else None

    content, said = tuple(filter(None, map(place, one.content))), one.speaker
    speaker = records.Speaker(place(said.name), said.type, said.gender) if said else None
    return MarkedCitation(
        place(one.source), place(one.cue), content, one.kind, one.government, one.state_media,
        place(one.antecedent), speaker,
    )  # fmt: skip


HOUSE, REAL, ALL = "house", "standoff", "all"
_WIDER = [  # corpora that mark citations by other guidelines
    name for name, one in corpora.CORPORA.items() if "attributed" in one.card.other_sense
]
# Kinds of text by the genres of the house corpus' articles and of the real ones.
NEWS, TRANSLATED = "news", "translated"
_KIND_OF_GENRE = {
    **dict.fromkeys(("opinion", "op_ed", "editorial", "analysis"), "opinion"),
    **dict.fromkeys(("transcript", "interview"), "transcript"),
    **dict.fromkeys(("wire", "wire_report"), "wire"),
    "live_blog": "live blog",
    "translated": TRANSLATED,
}
# What a collection adds to an outlet's name: "Fox Online News", "New York Times - News".
_ADDED = re.compile(r"(?: - News| Online News| \(Online(?: News)?\))$")


def groups_of(
    articles: Sequence[JudgedArticle], kinds: Mapping[str, str], registry: Registry
) -> dict[str, list[JudgedArticle]]:
    """Group articles: all, by part, by corpus, real ones by outlet, and by kind of text."""
    several = len({one.part for one in articles}) > 1
    groups: dict[tuple[int, str], list[JudgedArticle]] = {}
    for one in articles:
        names = [(2, one.corpus), *([(2, f"{one.corpus}, {one.part}")] if several else ())]
        if one.corpus not in _WIDER:
            kind = kinds.get(one.id, "not given" if one.lang == "en" else one.lang)
            names += [(0, ALL), (1, one.part), (4, f"{one.corpus}: {kind}")]
        if one.corpus == REAL:
            names.append((3, outlet_group(one.outlet, registry)))
        for name in names:
            groups.setdefault(name, []).append(one)
    return {name: own for (_, name), own in sorted(groups.items(), key=lambda item: item[0][0])}


def kinds_of_text(names: Iterable[str]) -> dict[str, str]:
    """Read the kind of text of articles by their ids, of the corpora that name genres."""
    asked, house = set(names), corpora.find_corpus(HOUSE)
    place = house.place(None) if HOUSE in asked else None
    found: dict[str, str] = {}
    for path in house.files(place) if place is not None else ():
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            # An article that carries another whole is read as if that stood alone.
            genre = TRANSLATED if record.get("republications") else record.get("genre")
            found[f"{HOUSE}/{record['id']}"] = genre
    if REAL in asked and corpora.labels_file().is_file():
        for record in corpora.standoff_labels(corpora.labels_file()):
            found[f"{REAL}/{record['collection']}/{record['article']}"] = record.get("genre", "")
    return {name: _KIND_OF_GENRE.get(genre, NEWS) for name, genre in found.items() if genre}


def outlet_group(name: str, registry: Registry) -> str:
    """Return where an outlet is, and whether a state controls it; several of a name must agree."""
    plain = _ADDED.sub("", name)
    forms = (name, plain, plain.replace("-", " "), plain.title())
    called = next((found for form in forms if form and (found := registry.called(form))), ())
    groups = {
        "state-controlled" if one.state_media else "unknown" if not one.country else
        "US" if one.country == "US" else "other, not US"
        for one in called
    }  # fmt: skip
    return groups.pop() if len(groups) == 1 else "unknown"


def shared(one: Pieces, other: Pieces) -> int:
    """Count the characters that both have."""
    ends = ((min(a.end, b.end), max(a.start, b.start)) for a, b in product(one, other))
    return sum(max(0, end - start) for end, start in ends)


def _length(pieces: Pieces) -> int:
    return sum(place.end - place.start for place in pieces)


def overlap(one: Pieces, other: Pieces) -> float:
    """Return the share of the longer one's characters that both have; 0 below `HALF`."""
    share = shared(one, other) / max(_length(one), _length(other), 1)
    return share if share >= HALF else 0.0


def _pieces(one: AnyCitation, *roles: str) -> Pieces:
    if roles == ("content",):
        return one.content
    return tuple(place for role in roles if (place := getattr(one, role)) is not None)


def _same_source(one: AnyCitation, other: AnyCitation) -> bool:
    mine, theirs = _pieces(one, "source"), _pieces(other, "source")
    return not (mine or theirs) or shared(mine, theirs) > 0


def _same_resolved(one: AnyCitation, other: AnyCitation) -> bool:
    mine, theirs = (_pieces(each, "source", "antecedent") for each in (one, other))
    return _same_source(one, other) or shared(mine, theirs) > 0


def _similarity(one: AnyCitation, other: AnyCitation) -> float:
    """Return how similar two citations are; two of one content are told apart by source and cue."""
    both = shared(one.content, other.content)
    if not both:
        return 0.0
    share = both / (_length(one.content) + _length(other.content) - both)
    cues = _pieces(one, "cue"), _pieces(other, "cue")
    cue = not any(cues) or shared(*cues) > 0
    return (2 * share + _same_source(one, other) + _same_resolved(one, other) / 2 + cue / 2) / 4


def _pairs(
    marked: Sequence[Any], found: Sequence[Any], weigh: Callable[[Any, Any], float], most: bool
) -> list[tuple[int, int]]:
    """Pair each once, by the largest sum of weights; with ``most`` as many pairs as can be."""
    weights = np.array([[weigh(one, other) for other in found] for one in marked], np.float64)
    if not weights.any():
        return []
    if most:  # one pair more outweighs any weight of the others, which is 1 at most
        weights = np.where(weights > 0, weights + min(weights.shape), 0.0)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if weights[row, column] > 0]


def tally(article: JudgedArticle) -> Counts:
    """Count what is right, found and marked in an article, by `MEASURES` and `SHARES`."""
    hits = {name: np.zeros(3, np.int64) for name in (*MEASURES, *SHARES)}
    for role in ROLES:
        _count_spans(article, role, hits)
    for sentence in article.sentences:
        marked, found = map(bool, sentence)
        hits["sentences"] += marked and found, found, marked
        if marked or found:
            _count_citations(sentence, hits)
            _count_names(article.text, sentence, hits)
    return np.stack(list(hits.values()))


def _count_spans(article: JudgedArticle, role: str, hits: dict[str, Counts]) -> None:
    sides = [[_pieces(one, role) for row in article.sentences for one in row[k]] for k in (0, 1)]
    marked, found = (
        {at for pieces in side for place in pieces for at in range(place.start, place.end)}
        for side in sides
    )
    hits[f"{role}, characters"] += len(marked & found), len(found), len(marked)
    truth, guess = (
        list(dict.fromkeys(filter(None, (_trimmed(article.text, one) for one in side))))
        for side in sides
    )
    pairs = _pairs(truth, guess, overlap, most=True)
    for how, right in (("exact", {*truth} & {*guess}), ("overlap", pairs)):
        hits[f"{role}, {how}"] += len(right), len(guess), len(truth)


# What an annotator may put on either side of an edge: space, quotation marks, punctuation.
_EDGE = r"[\s\"'“”„‟‘’‚‛«»‹›`´.,;:!?…()\[\]{}*_–—-]+"
_EDGES = re.compile(rf"^{_EDGE}|{_EDGE}$")


def _trimmed(text: str, pieces: Pieces) -> Pieces:
    """Trim the edges of places; one that holds nothing else, a headline's colon say, stays."""
    found = []
    for place in pieces:
        words = text[place.start : place.end]
        if inner := _EDGES.sub("", words) or words.strip():
            start = place.start + words.index(inner)
            found.append(Place(start, start + len(inner)))
    return tuple(found)


def _count_citations(sentence: JudgedSentence, hits: dict[str, Counts]) -> None:
    marked, found = sentence

    def pairs_where(same: Callable[[AnyCitation, AnyCitation], object]) -> list[tuple[int, int]]:
        return _pairs(
            marked, found, lambda *both: _similarity(*both) if same(*both) else 0.0, most=True
        )

    for row, column in pairs_where(lambda one, other: overlap(one.content, other.content)):
        hits["links"] += _same_source(marked[row], found[column]), 1, 1
        hits["links, resolved"] += _same_resolved(marked[row], found[column]), 1, 1
    hits["citations"] += len(pairs_where(_same_source)), len(found), len(marked)
    pairs = pairs_where(_same_resolved)
    hits["citations, resolved"] += len(pairs), len(found), len(marked)
    # Kinds are those of the resolved pairs, of which there are the most.
    matches = {row: found[column] for row, column in pairs}
    for row, one in enumerate(marked):
        if one.kind is not None:
            given = matches[row].kind.value if row in matches else MISSED
            hits["kind"] += given == one.kind.value, row in matches, row in matches
            for other in (*KINDS, MISSED):
                hits[f"{one.kind.value} found as {other}"] += other == given, 1, 1
    # A citation marked without a kind says nothing for or against that of its match.
    unknown = {column for row, column in pairs if marked[row].kind is None}
    known = [one for column, one in enumerate(found) if column not in unknown]
    for name in (*KINDS, *ON_TOP):
        hits[name] += (
            sum(_is(marked[row], name) and _is(match, name) for row, match in matches.items()),
            sum(_is(one, name) for one in known),
            sum(_is(one, name) for one in marked),
        )


def _is(one: AnyCitation, name: str) -> bool:
    return bool(getattr(one, name)) if name in ON_TOP else one.kind == name


_WORD, _NO_WORD = re.compile(r"[\w']+"), re.compile(r"'s?(?!\w)|\b(?:the|an?)\b")
_TITLE = re.compile(r"mrs?|ms|miss|dr|prof|sir|sen|rep|gov|president|senator")


def _count_names(text: str, sentence: JudgedSentence, hits: dict[str, Counts]) -> None:
    marked, found = sentence
    for row, column in _pairs(marked, found, _similarity, most=False):
        one = marked[row]
        if one.source and (how := _name_shown(text, one, found[column])):
            pronoun = text[one.source.start : one.source.end].lower() in PRONOUNS
            for each in NAMES if pronoun else NAMES[: len(NAMES) // 2]:
                hits[each] += each.removeprefix(_OF_PRONOUNS) == how, 1, 1


def _name_shown(text: str, one: MarkedCitation, match: Citation) -> str | None:
    """Judge the name that a match shows by the annotated speaker; None if there is none."""
    if (speaker := one.speaker) is None or (source := one.source) is None:
        return None
    name, full = _plain(match.name), _plain(text, speaker.name or Place(0, 0))
    person = speaker.type == "person"
    if person:  # also after an office, and with or without middle names
        right = full[1:] and full[0] in name and name[-1] == full[-1]
        right = right or name[-len(full) :] == full
    else:
        right = name == full if speaker.type == "state" else _holds(name, full)
    if full and right:
        return RIGHT
    before = set(_plain(text, Place(0, source.end)) if person else ())
    known = speaker.name and (speaker.name.start < source.end or {*full[-1:]} <= before)
    places = source, match.source if _same_source(one, match) else None
    heard = filter(None, places if known else (*places, one.antecedent))
    if {*name} <= {*full} or any(_holds(_plain(text, place), name) for place in heard):
        return STANDS if known else RIGHT
    return OTHER


def _holds(words: Sequence[str], others: Sequence[str]) -> bool:
    return f" {' '.join(others)} " in f" {' '.join(words)} "


def _plain(text: str, place: Place | None = None) -> list[str]:
    """Return the words of a text or a place, folded, without 's, articles and titles of names."""
    given = fold(text[place.start : place.end] if place else text).lower()
    words = _WORD.findall(_NO_WORD.sub("", given))
    return [one for one in words if not _TITLE.fullmatch(one)] or words


def extractions(
    tallies: Counts, *, draws: int, seed: int
) -> dict[str, tuple[int, Estimate, Estimate, Estimate]]:
    """Return how many are marked, precision, recall and F1 by measure; of a share, all the same."""
    found = estimates_of_sums(tallies.astype(np.float64), _scores, draws=draws, seed=seed)
    marked = tallies[:, :, 2].sum(axis=0).tolist()
    figures = zip(marked, found[::3], found[1::3], found[2::3], strict=True)
    return dict(zip((*MEASURES, *SHARES), figures, strict=True))


def _scores(counts: Floats) -> Floats:
    """Precision, recall and F1 of each measure: of shape (m, measures, 3) -> (m, measures * 3)."""
    right, found, marked = np.moveaxis(counts, -1, 0)
    f1 = np.where(marked > 0, ratio(2 * right, found + marked), math.nan)
    scores: Floats = np.stack([ratio(right, found), ratio(right, marked), f1], axis=-1)
    return scores.reshape(len(counts), -1)


def of_pronouns(bundle: Bundle, root: Path | None, draws: int, seed: int) -> Table | None:
    """Judge whom a bundle takes pronouns to mean, by GAP (Webster et al., 2018); None without."""
    place, model = corpora.articles.GAP.place(root), bundle.model
    path = place and place / corpora.articles.GAP_VALIDATION
    if path is None or not path.is_file() or not isinstance(model, TransformerModel):
        return None
    if not (chosen := (model.heads.fusion or {}).get("speakers")):
        return None
    scorer, registry = SpeakerScorer.from_record(chosen), bundle.registry or load_registry()
    counts, feminine = list[list[int]](), list[bool]()
    for one in corpora.articles.read_gap(path):
        article = records.Article(one.name, one.text, lang="en")
        sentences = cited(article, split_sentences(article), registry)
        plain = fold(one.text)
        names = Names(plain, sentences, registry.mentions(plain))
        words = one.text[one.pronoun.start : one.pronoun.end]
        refer = Referents(plain, sentences, model.encode(sentences).links, scorer)
        found = refer(one.pronoun, parse(words), [], names)
        meant = [] if found is None else found.mentions
        said = [any(m.start < at.end and at.start < m.end for m in meant) for at, _ in one.names]
        truth = [is_meant for _, is_meant in one.names]
        counts.append([sum(map(int.__mul__, said, truth)), sum(said), sum(truth)])
        feminine.append(gender_of((words.lower(),)) == "f")
    sums, of_women = np.array(counts, np.float64)[:, None], np.array(feminine)
    rows = {"all": of_women | True, "feminine": of_women, "masculine": ~of_women}
    lines = list[Row]()
    for name, of in ((name, of) for name, of in rows.items() if of.any()):
        figures = estimates_of_sums(sums[of], _scores, draws=draws, seed=seed)
        lines.append((name, int(of.sum()), *figures))
    columns = ("pronouns", "n", "precision", "recall", "F1")
    return table("Ambiguous pronouns (GAP, validation)", columns, lines)
