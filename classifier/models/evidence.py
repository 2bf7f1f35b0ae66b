"""Which words of a sentence to show as evidence: spans of techniques, or words that stand out."""

import re
from collections.abc import Sequence
from math import exp, log

import numpy as np
from framescope.classifier.attribution import word_set
from framescope.classifier.models.passages import Heads, Tokens
from framescope.classifier.records import Sentence, SentenceReport, Span
from numpy.typing import NDArray

_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"\w+")
_WHOLE = re.compile(r"(?<!\w['’])\b\w+\b(?!['’]t\b)")  # not half of "don't" or "we'll"
_MOST_SPANS = 4
_LEAST_SHARE = 0.3  # of the strongest word's score, from which a word is evidence
# Words that carry grammar: they join neighbours that say something, and are no evidence alone.
_FUNCTION_WORDS = word_set(
    "a an the and or nor of to in on at for from by with as into this that these those it its "
    "he his she her they their them we our us i my you your is are was were be been being has "
    "have had do does did will would which who whom whose there here s t so but if then than "
    "when while also just only very too now still even yet because about over under again once "
    "how what why where can could should may might must shall not no more most such own same "
    "some any all each other up out off down"
)
_LEAST = 1e-6  # probabilities are clipped, so that log-odds are finite


def chunks(text: str) -> list[tuple[int, int]]:
    """Return what stands between white space, as offsets."""
    return [match.span() for match in _CHUNK.finditer(text)]


def standing_out(
    text: str, words: Sequence[tuple[int, int]], scores: NDArray[np.float64]
) -> list[tuple[int, int, float]]:
    """Return the runs of neighbouring words that score high, strongest first.

    `scores` say what each of the text's `words` adds to the log-odds. At most four runs, without
    punctuation around them, with the sum of their scores, which is above 0. Runs of function words
    alone are left out, unless there is nothing else.
    """
    of_words = scores.tolist()
    strongest = max(of_words, default=0.0)
    if strongest <= 0:
        return []
    found: list[tuple[int, int, float]] = []
    last = -1
    for number, score in enumerate(of_words):
        if score < _LEAST_SHARE * strongest:
            continue
        start, end = words[number]
        if found and last == number - 1:
            start, before = found[-1][0], found.pop()[2]
            score += before
        found.append((start, end, score))
        last = number
    telling = [one for one in found if _is_telling(text[one[0] : one[1]])] or found
    telling.sort(key=lambda one: -one[2])
    return [(*trimmed(text, start, end), score) for start, end, score in telling[:_MOST_SPANS]]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Take punctuation and function words off both ends, unless there is nothing else."""
    words = [(start + a, start + b) for a, b in chunks(text[start:end])]
    words = [word for word in words if _is_telling(text[slice(*word)])] or words
    if not words:
        return start, end
    first, last = words[0][0], words[-1][1]
    found = _WORD.search(text, first, last)
    if found is None:
        return first, last
    while not (text[last - 1].isalnum() or text[last - 1] == "_"):
        last -= 1
    return found.start(), last


def _is_telling(text: str) -> bool:
    """Return whether a text has any word that isn't a function word."""
    return not _FUNCTION_WORDS.issuperset(_WORD.findall(text.lower()))


def repeated(article: Sequence[SentenceReport], flag: str) -> dict[int, tuple[int, ...]]:
    """Return, for each sentence with a flag, the others that have words of the evidence for it.

    They have at least half of the telling words. Function words tell nothing, nor do names and
    numbers: words that the article never has in lower case.
    """
    flagged = [at for at, one in enumerate(article) if flag in one.flags]
    words = [set(_WHOLE.findall(one.text if one.is_content else "")) for one in article if flagged]
    telling = {word for one in words for word in one if word.islower()} - _FUNCTION_WORDS
    lower = [telling.intersection(map(str.lower, one)) for one in words]
    found = {}
    for at in flagged:
        start, spans = article[at].start, (s for s in article[at].evidence if s.signal == flag)
        said = " ".join(article[at].text[s.start - start : s.end - start] for s in spans)
        own = telling.intersection(_WHOLE.findall(said.lower()))
        shared = enumerate(len(own & other) for other in lower)
        found[at] = tuple(n for n, k in shared if n != at and 2 * k >= len(own) > 0)
    return found


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a range to whole words."""
    while 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while 0 < end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end


def telling_words(sentence: Sentence, signal: str, scores: NDArray[np.float64]) -> tuple[Span, ...]:
    """Return the words of a sentence that stand out by what each adds to a signal's log-odds."""
    return tuple(
        Span(sentence.start + start, sentence.start + end, signal, float(f"{score:.4g}"))
        for start, end, score in standing_out(sentence.text, chunks(sentence.text), scores)
    )


def stretches(inside: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Return the stretches of tokens inside a span; at most `gap` tokens don't divide one."""
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(inside).tolist():
        if found and at - found[-1][1] <= gap:
            found[-1] = found[-1][0], at + 1
        else:
            found.append((at, at + 1))
    return found


def likely(logits: NDArray[np.float32], threshold: float, gap: int) -> list[tuple[int, int]]:
    """Return the stretches above a threshold, or else those within one logit of the strongest.

    A flagged sentence always shows a span.
    """
    limit = np.float32(threshold)
    if logits.max() < limit:
        limit = np.float32(logits.max() - 1.0)
    return stretches(logits >= limit, gap)


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
) -> tuple[Span, ...]:
    """Return the spans of a technique in a sentence, the surest first.

    `logits` say of each token that it lies in a span, and `chance` is the sentence's probability.
    """
    text, base, column = sentence.text, sentence.start, heads.tags.index(signal)
    spans: list[tuple[int, int, float]] = []
    for first, end in likely(logits, heads.tag_thresholds[column], heads.tag_gap):
        odds = log_odds_of_span(heads.span_scores, float(logits[first:end].max()), chance)
        score = float(f"{1.0 / (1.0 + exp(-odds)):.4g}")
        words = whole_words(text, tokens.offsets[first][0], tokens.offsets[end - 1][1])
        start, stop = trimmed(text, *words)
        if not any(map(str.isalnum, text[start:stop])):
            continue
        if spans and start <= spans[-1][1] + 1:  # they touch after widening
            start, last, before = spans[-1][0], spans[-1][1], spans.pop()[2]
            stop, score = max(last, stop), max(before, score)
        spans.append((start, stop, score))
    telling = [span for span in spans if _is_telling(text[span[0] : span[1]])] or spans
    telling.sort(key=lambda span: -span[2])
    return tuple(Span(base + start, base + stop, signal, score) for start, stop, score in telling)
