"""Which words of a sentence to show as evidence: spans of techniques, or words that stand out."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import compress, dropwhile, groupby, pairwise
from math import exp, log

import numpy as np
from framescope.classifier.attribution import word_set
from framescope.classifier.attribution.names import CAPITALISED
from framescope.classifier.languages import ENGLISH, LANGUAGES
from framescope.classifier.models.base import Doubles
from framescope.classifier.models.passages import Heads, Tokens
from framescope.classifier.records import UNSPACED, Sentence, SentenceReport, Span, fold, spaceless
from framescope.classifier.taxonomy import BY_NAME, Family
from numpy.typing import ArrayLike, NDArray

Range = tuple[int, int]
MOST_SPANS = 3  # of a signal: more would mark the sentence, and not what is telling in it
SPACED = re.compile(r"\S+")
_CHUNK = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")  # one letter where no space parts words
_CORE = re.compile(r"\w(?:\S*\w)?")  # of a chunk, without the punctuation around it
_CONTRACTED = re.compile(r"n['’]t$|['’]\w{1,2}$")
_WHOLE = re.compile(r"(?<!\w['’])\b\w+\b(?!['’]t\b)")  # not half of "don't" or "we'll"
# Two letters of a word. Persian joins its parts without a space; Arabic writes marks on letters.
_IN_WORD = rf"(?:(?![{UNSPACED}_])\w|(?<=\w)\u200c(?=\w)|[\u064b-\u0652])"
_JOINED = re.compile(f"{_IN_WORD}{_IN_WORD}")
_LEAST_SHARE = 0.3  # of the strongest word's score, from which a word is evidence
# Words that carry grammar: they join neighbours that say something, and are no evidence alone.
_FUNCTION_WORDS = word_set(
    "a an the and or nor of to in on at for from by with as into this that these those it its he "
    "his him she her they their them we our us i me my you your is am are was were be been being "
    "has have had do does did will would which who whom whose there here so but if then than when "
    "while also just only very too now still even yet because about over under again once how "
    "what why where can could should may might must shall not no more most such own same some any "
    "all each other another up out off down back ca wo sha ai among across against along amid "
    "around before after behind below above far beside besides between beyond despite during "
    "except inside like near onto outside since through throughout till until toward towards upon "
    "via within without per vs whether either neither both though although unless however "
    "therefore thus hence myself yourself himself herself itself ourselves yourselves themselves"
)
_OPENING = "(“\"«‘'[—–（「『《"  # of a clause
_ENDING = '.,;:!?…)”"»]—–，。、；：！？）」』》،؛؟'
_BEGINNING = ("", *".!?:…")  # what a beginning stands behind
_LEAST = 1e-6  # probabilities are clipped, so that log-odds are finite


def chunks(text: str, pattern: re.Pattern[str] = _CHUNK) -> list[Range]:
    """Return what stands between white space, as offsets."""
    return [match.span() for match in pattern.finditer(text)]


def shared_out(places: Sequence[Range], scores: ArrayLike, words: Sequence[Range]) -> Doubles:
    """Share out what stretches of a text add evenly among the words that each reaches into."""
    found = np.zeros(len(words))
    if not places or not words:
        return found
    starts, ends = np.array(places).T
    first = np.searchsorted([end for _, end in words], starts, side="right")
    first = np.minimum(first, len(words) - 1)
    last = np.maximum(np.searchsorted([start for start, _ in words], ends) - 1, first)
    added = np.asarray(scores, np.float64).tolist()
    for begin, end, score in zip(first.tolist(), last.tolist(), added, strict=True):
        found[begin : end + 1] += score / (end + 1 - begin)
    return found


def telling_words(
    sentence: Sentence, signal: str, scores: Doubles, known: Container[str] = ()
) -> tuple[Span, ...]:
    """Return the runs of `chunks` in a clause that add most to a signal's log-odds, most first."""
    text, words, own = sentence.text, chunks(sentence.text), scores.copy()
    lang = sentence.lang
    names = names_in(text, known, lang)
    name_of = [next((n for n in names if n[0] < b and a < n[1]), None) for a, b in words]
    of_sources = BY_NAME[signal].family is Family.SOURCING and signal != "unsourced_assertion"
    for name in names:  # which is only told of a source, and then whole
        inside = np.array([one == name for one in name_of])
        own[inside] = scores[inside].sum() if of_sources else -np.inf
    clauses = [0]
    for number, ((_, end), (start, _)) in enumerate(pairwise(words), start=1):
        apart = text[end - 1] in _ENDING or text[start] in _OPENING
        whole = name_of[number] is not None and name_of[number] == name_of[number - 1]
        clauses.append(clauses[-1] + (apart and not whole))
    tells = [is_telling(text[start:end], lang) for start, end in words]
    limit = _LEAST_SHARE * max(compress(own.tolist(), tells), default=0.0)
    runs: list[tuple[float, int, int]] = []
    for (out, _), group in groupby(range(len(words)), lambda n: (own[n] >= limit > 0, clauses[n])):
        run = list(group)
        if out and any(tells[n] for n in run):
            place = trimmed(text, words[run[0]][0], words[run[-1]][1], lang)
            runs.append((float(scores[run].sum()), *place))
    runs.sort(key=lambda run: -run[0])
    return tuple(
        Span(sentence.start + start, sentence.start + end, signal, float(f"{score:.4g}"))
        for score, start, end in runs[:MOST_SPANS]
    )


def trimmed(text: str, start: int, end: int, lang: str | None = None) -> Range:
    """Take punctuation and function words off both ends, unless there is nothing else."""
    words = [(start + a, start + b) for a, b in chunks(text[start:end])]
    words = [word for word in words if is_telling(text[slice(*word)], lang)] or words
    if not words:
        return start, end
    first, last = _CORE.search(text, *words[0]), _CORE.search(text, *words[-1])
    return first.start() if first else words[0][0], last.end() if last else words[-1][1]


def is_telling(text: str, lang: str | None = None) -> bool:
    """Return whether a text has any word that isn't a function word of its language."""
    words = (_core(text[start:end]).lower() for start, end in chunks(text))
    return any(word and word not in _function_words(lang) for word in words)


def _function_words(lang: str | None) -> frozenset[str]:
    other = None if lang == ENGLISH else LANGUAGES.get(lang or "")
    return _FUNCTION_WORDS if other is None else other.function_words


def _core(chunk: str) -> str:
    """Return a chunk without punctuation, possessive and contraction; empty where there is none."""
    found = _CORE.search(chunk)
    return _CONTRACTED.sub("", found[0]) if found else ""


def names_by_article(sentences: Iterable[Sentence]) -> Mapping[str, set[str]]:
    """Return the words of the names in each article, by its id."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in sentences:
        for start, end in names_in(one.text, lang=one.lang):
            found[one.article_id].update(map(_core, one.text[start:end].split()))
    return found


def names_in(text: str, known: Container[str] = (), lang: str | None = None) -> list[Range]:
    """Return the names in a sentence: what has capitals; at a beginning, what is `known`."""
    found: list[Range] = []
    # In German every noun has a capital, which tells nothing.
    for run in CAPITALISED.finditer("" if lang == "de" else fold(text)):
        places = [(run.start() + a, run.start() + b) for a, b in chunks(run[0])]
        places = [*dropwhile(lambda place: not is_telling(text[slice(*place)], lang), places)]
        if not places:
            continue
        start, end = places[0][0], places[-1][1]
        begins = text[:start].rstrip(" “\"‘'(")[-1:] in _BEGINNING and text[start].isupper()
        if (begins and len(places) == 1) or len(places) > max(3, text.count(" ") / 2):
            found += [place for place in places if _core(text[slice(*place)]) in known]
        else:
            found.append((start, end))
    return found


def repeated(article: Sequence[SentenceReport], flag: str) -> dict[int, tuple[int, ...]]:
    """Return, for each flagged sentence, the others with half of the words of its evidence."""
    flagged = [at for at, one in enumerate(article) if flag in one.flags]
    words = [set(_words(one.text if one.is_content else "")) for one in article if flagged]
    telling = {word for one in words for word in one}
    # Names and numbers, which the article never has in lower case, tell nothing.
    telling = {w for w in telling if w.islower() or (w.isalpha() and w.upper() == w.lower())}
    for lang in {one.sentence.lang for one in article}:
        telling -= _function_words(lang)
    lower = [telling.intersection(map(str.lower, one)) for one in words]
    found = {}
    for at in flagged:
        start, spans = article[at].start, (s for s in article[at].evidence if s.signal == flag)
        said = " ".join(article[at].text[s.start - start : s.end - start] for s in spans)
        own = telling.intersection(_words(said.lower()))
        shared = enumerate(len(own & other) for other in lower)
        found[at] = tuple(n for n, k in shared if n != at and 2 * k >= len(own) > 0)
    return found


def _words(text: str) -> list[str]:
    """Return the words of a text; where no space parts them, each two letters that touch."""
    words = _WHOLE.findall(text)
    pairs = (a + b for word in words for a, b in pairwise(word) if spaceless(a) and spaceless(b))
    return [*(word for word in words if not spaceless(word)), *pairs]


def whole_words(text: str, start: int, end: int) -> Range:
    """Widen a range to whole words."""
    while 0 < start < len(text) and _JOINED.match(text, start - 1):
        start -= 1
    while 0 < end < len(text) and _JOINED.match(text, end - 1):
        end += 1
    return start, end


def stretches(inside: NDArray[np.bool_], gap: int) -> list[Range]:
    """Return the stretches of tokens inside a span; at most `gap` tokens don't divide one."""
    places = np.flatnonzero(inside)
    runs = np.split(places, np.flatnonzero(np.diff(places) > gap + 1) + 1)
    return [(int(run[0]), int(run[-1]) + 1) for run in runs if run.size]


def likely(logits: NDArray[np.float32], threshold: float, gap: int) -> list[Range]:
    """Return the stretches above a threshold, or else those within one logit of the strongest."""
    limit, most = np.float32(threshold), logits.max()
    return stretches(logits >= (np.float32(most - 1.0) if most < limit else limit), gap)


def log_odds_of_span(weights: Sequence[float], strongest: float, chance: float) -> float:
    """Return how sure a span is, by its strongest token's logit and its sentence's probability."""
    if not weights:
        return strongest
    chance = min(max(chance, _LEAST), 1 - _LEAST)
    token, sentence, intercept = weights
    return token * strongest + sentence * log(chance / (1 - chance)) + intercept


def technique_spans(
    sentence: Sentence,
    tokens: Tokens,
    logits: NDArray[np.float32],
    heads: Heads,
    signal: str,
    chance: float,
    known: Container[str] = (),
) -> tuple[Span, ...]:
    """Return the spans of a technique, the surest first; `logits` are those of its tokens."""
    text, base, column = sentence.text, sentence.start, heads.tags.index(signal)
    spans: list[tuple[int, int, float]] = []
    for first, end in likely(logits, heads.tag_thresholds[column], heads.tag_gap):
        odds = log_odds_of_span(heads.span_scores, float(logits[first:end].max()), chance)
        score = float(f"{1.0 / (1.0 + exp(-odds)):.4g}")
        words = whole_words(text, tokens.offsets[first][0], tokens.offsets[end - 1][1])
        start, stop = trimmed(text, *words, sentence.lang)
        for first, last in names_in(text, known, sentence.lang):
            if first < stop and start < last:
                start, stop = min(start, first), max(stop, last)
        if not any(map(str.isalnum, text[start:stop])):
            continue
        if spans and start <= spans[-1][1] + 1:  # they touch after widening
            start, last, before = spans[-1][0], spans[-1][1], spans.pop()[2]
            stop, score = max(last, stop), max(before, score)
        spans.append((start, stop, score))
    # A phrase may be of function words alone ("yes, we can").
    telling = [s for s in spans if is_telling(text[s[0] : s[1]], sentence.lang)]
    telling = telling or [span for span in spans if text.count(" ", span[0], span[1]) > 1]
    telling.sort(key=lambda span: -span[2])
    return tuple(Span(base + start, base + stop, signal, score) for start, stop, score in telling)
