"""An article's sentences, by the one splitter of training and serving.

Each paragraph is split by the rules of its own language: English by nupunkt, repaired.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from framescope.classifier.inputs.boundaries import ends as ends_of_others
from framescope.classifier.inputs.language import detect_language, paragraph_languages
from framescope.classifier.languages import ENGLISH, LANGUAGES
from framescope.classifier.records import Article, Sentence, count_words, fold, spaceless

MAX_CHARS = 1500  # no sentence is longer: a megabyte may hold no full stop
_WINDOW = 4_000  # handed to the library at once: it is not linear in the length of a single word
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_TERMINAL = re.compile(r"[.!?…:;؟۔。！？；：」』][\"'”’»)\]]*$")
# A block that ends no sentence before its own end.
_ONE_END = re.compile(r"[^.!?…]*[.!?…]?[\"'”’»“)\]]{0,9}\s*")
_ITEM = re.compile(r"(?:[-*•·]|\d{1,3}[.)]|\(\w{1,3}\)|[#>])\s")
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
    return bool(line and following) and full and not _ITEM.match(following)


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
