"""Detect the language of a text, offline."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from framescope.classifier.inputs.normal import legible

MIN_BYTES = 20  # of words together, in UTF-8: 20 letters, 7 ideographs; fewer tell nothing
_HEAD, _MIDDLE = 5_000, 2_000  # characters looked at: the start, and a part from the middle

# Words that are common in English and no words of its neighbours ("in", "is", "was", "had" are).
_ENGLISH = frozenset(
    {"the", "and", "of", "to", "that", "with", "for", "from", "this", "which", "have", "has"}
    | {"been", "they", "their", "there", "were", "would", "about", "after", "said", "who", "not"}
    | {"but", "are", "as", "at", "by", "its", "it", "he", "she", "his", "her"}
)
_ENGLISH_SHARE = 0.20  # running English prose has 0.3 to 0.4; no other language comes near
_ENGLISH_VARIETY = 6
_ENGLISH_WORDS = 30

# A false "not English" keeps an article from being scored, a missed one costs less: be sure.
_SURE = 0.6
_SURE_ENGLISH = 0.2
_NEAR_ENGLISH = frozenset({"pcm"})  # not to be told from English by a headline or two
# Labels of the model for varieties whose written standard has a two-letter code.
_STANDARD = {"arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "nn": "no"}
_NO_LANGUAGE = "zxx"

_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S{1,2000}|[@#]\w{1,200}")


def detect_language(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language (ISO 639-3 where it has no other).

    The start and a part of the middle are looked at, without addresses, handles and hashtags. None
    when the text is too short or too mixed to tell.
    """
    if len(text) > _HEAD + _MIDDLE:
        middle = max(_HEAD, (len(text) - _MIDDLE) // 2)
        text = text[:_HEAD] + " " + text[middle : middle + _MIDDLE]
    return _detect(legible(text))


@lru_cache(maxsize=128)  # asked when a page is read, and soon after when it is scored
def _detect(sample: str) -> str | None:
    sample = _ADDRESS.sub(" ", sample)
    words = _WORD.findall(sample)
    if len("".join(words).encode()) < MIN_BYTES:
        return None
    if _reads_english(words):
        return "en"
    language, probability = _classify(" ".join(sample.split()))
    if language == _NO_LANGUAGE or probability < (_SURE_ENGLISH if language == "en" else _SURE):
        return None
    if language in _NEAR_ENGLISH and len(words) < _ENGLISH_WORDS:
        return None
    return language


def _reads_english(words: list[str]) -> bool:
    if len(words) < _ENGLISH_WORDS:
        return False
    common = [word for word in map(str.lower, words) if word in _ENGLISH]
    return len(common) >= _ENGLISH_SHARE * len(words) and len(set(common)) >= _ENGLISH_VARIETY


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _classify(text: str) -> tuple[str, float]:
    """Return the likeliest language and its probability, varieties counted with their standard."""
    totals: dict[str, float] = {}
    for label, probability in _identifier().rank(text):
        language = _STANDARD.get(label, label)
        totals[language] = totals.get(language, 0.0) + probability
    return max(totals.items(), key=lambda item: item[1])
