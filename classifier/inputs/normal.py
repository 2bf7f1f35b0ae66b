"""Put right what a text hides from a model: unseen characters, ligatures, look-alike letters."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framescope.classifier.records import Article, ArticleReport, Citation, SentenceReport, Skipped

# Soft hyphens, zero-width spaces and joiners, direction marks and overrides, invisible operators,
# variation selectors, the byte order mark.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
)
_MARKS = "\u0300-\u036f"
# Whose compatibility form is what they stand for: ligatures, full-width and mathematical letters.
_COMPATIBLE = "\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a\uff10-\uff19\U0001d400-\U0001d7ff"
# Letters of other scripts, and the Latin ones that they are taken for (after Unicode's confusables,
# UTS 39, as far as no reader would notice).
_LIKE = {
    **dict(zip("аеорсухіјѕһԁԛԝѵӏүԍкгмтв", "aeopcyxijshdqwvlyGkrmtb", strict=True)),
    **dict(zip("АВЕЅІЈКМНОРСТУХҮԌԚԜѴӀЗ", "ABESIJKMHOPCTYXYGQWVI3", strict=True)),
    **dict(zip("αορνιυκγχωτ", "aopviukyxwt", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("ɑɡոսօհց", "agnuohg", strict=True)),
}
_CYRILLIC = {like: char for char, like in _LIKE.items() if "\u0400" <= char <= "\u044f"}
# Some are alike only in some fonts: they are put right within a word that is mixed, and are no
# sign that a word of their own script is none.
_ROUGHLY = frozenset("кгмтвЗγωτιυκχνα")
_OTHER = "\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u0251\u0261"
_SUSPECT = re.compile(f"[{_UNSEEN}{_MARKS}{_COMPATIBLE}{_OTHER}]")
_CLUSTER = re.compile(f"[^{_MARKS}][{_MARKS}]+")
# Persian parts a word from its ending with a zero-width non-joiner.
_DROPPED = re.compile(
    f"(?:(?<![\u0600-\u06ff])\u200c|\u200c(?![\u0600-\u06ff])|(?!\u200c)[{_UNSEEN}])+"
)
_STANDS_FOR = re.compile(f"[{_COMPATIBLE}]")
_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile(f"[{_OTHER}]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_MOSTLY = 0.8  # of a text's letters are Latin where single look-alikes are put right


@dataclass(frozen=True, slots=True)
class Normal:
    """A text put right, and where each of its characters stands in the text as given."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def given(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the text as given of a place in this one."""
        if end > start:
            return self.starts[start], self.ends[end - 1]
        at = self.starts[start] if start < len(self.starts) else (self.ends or (0,))[-1]
        return at, at

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in this text of a place in the text as given."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)


Original = tuple[Article, Normal] | None  # as it was given, and its text, if that is put right


def normalise(text: str) -> Normal | None:
    """Put a text right; None where nothing has to be, as in most."""
    if text.isascii() or not _SUSPECT.search(text) or not (changes := sorted(_changes(text))):
        return None
    parts, starts, ends, done = list[str](), list[int](), list[int](), 0
    for start, end, words in [*changes, (len(text), len(text), "")]:
        if start < done:  # a mark on a letter that was put right already
            continue
        parts += text[done:start], words
        starts += [*range(done, start), *[start] * len(words)]
        ends += [*range(done + 1, start + 1), *[end] * len(words)]
        done = end
    return Normal("".join(parts), starts, ends)


def legible(text: str) -> str:
    """Return a text put right, where its places don't matter."""
    return text if (found := normalise(text)) is None else found.text


def normalise_articles(
    items: Iterable[Article | Skipped], note: Callable[[Original], None]
) -> Iterator[Article | Skipped]:
    """Put articles right as they come; `note` is told the original of each item, in order."""
    for item in items:
        original: Original = None
        if isinstance(item, Article) and (normal := normalise(item.text)) is not None:
            given = {one: getattr(item, one) for one in ("title", "outlet", "author", "site_name")}
            known: dict[str, Any] = {one: legible(text) for one, text in given.items() if text}
            for name in ("units", "spans", "republications"):
                known[name] = _moved(getattr(item, name), normal.place)
            original, item = (item, normal), replace(item, text=normal.text, **known)
        note(original)
        yield item


def restore(report: ArticleReport | Skipped, original: Original) -> ArticleReport | Skipped:
    """Return a report of an article as it was given: every place is one of its own text."""
    if original is None or isinstance(report, Skipped):
        return report
    article, normal = original
    card = report.source
    if card is not None:
        links = card.publication.chain
        chain = tuple(replace(one, place=_moved(one.place, normal.given)) for one in links)
        card = replace(card, publication=replace(card.publication, chain=chain))
    sentences = tuple(_sentence(one, article.text, normal) for one in report.sentences)
    article = replace(article, lang=report.article.lang)
    return replace(report, article=article, sentences=sentences, source=card, reading=None)


def _sentence(report: SentenceReport, text: str, normal: Normal) -> SentenceReport:
    one = report.sentence
    start, end = normal.given(one.start, one.end)

    def within(first: int, last: int) -> tuple[int, int]:
        left, right = normal.given(one.start + first, one.start + last)
        return left - start, right - start

    sentence = replace(
        _moved(one, normal.given),
        text=text[start:end],
        citations=_moved(one.citations, normal.given),
        mentions=_moved(one.mentions, within),
        quoted=tuple(within(*place) for place in one.quoted),
    )
    evidence, citations = (_moved(x, normal.given) for x in (report.evidence, report.citations))
    return replace(report, sentence=sentence, evidence=evidence, citations=citations)


def _moved(item: Any, move: Callable[[int, int], tuple[int, int]]) -> Any:
    """Move whatever has a start and an end, the places of a citation, or several of these."""
    if item is None or isinstance(item, tuple):
        return item and tuple(_moved(one, move) for one in item)
    if isinstance(item, Citation):
        places = ("source", "cue", "content", "antecedent")
        return replace(item, **{name: _moved(getattr(item, name), move) for name in places})
    start, end = move(item.start, item.end)
    return replace(item, start=start, end=end)


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    yield from ((*match.span(), "") for match in _DROPPED.finditer(text))
    for match in _STANDS_FOR.finditer(text):
        yield *match.span(), unicodedata.normalize("NFKC", match[0])
    for match in _CLUSTER.finditer(text):
        if len(whole := unicodedata.normalize("NFC", match[0])) < len(match[0]):
            yield *match.span(), whole
    yield from _look_alikes(text)


def _look_alikes(text: str) -> Iterator[tuple[int, int, str]]:
    # In a word that holds letters of both scripts; and a whole word of nothing but look-alikes,
    # where the text is in Latin letters and has no word that is surely of the other script.
    if not _FOREIGN.search(text):
        return
    mixed, alike, genuine = list[tuple[int, str]](), list[tuple[int, str]](), False
    others = list[tuple[int, str]]()  # Latin letters in words of the other script
    # Words as they are seen: a zero-width character within one doesn't end it.
    at = [i for i, char in enumerate(text) if not _DROPPED.match(char)]
    seen = "".join(text[i] for i in at)
    for match in _WORD.finditer(seen):
        word = match[0]
        if not _FOREIGN.search(word):
            continue
        found = [(at[match.start() + i], _LIKE[c]) for i, c in enumerate(word) if c in _LIKE]
        if latin := _LATIN.findall(word):
            mixed += found
            if _CYRILLIC.keys() >= {*latin}:
                places = (i for i, c in enumerate(word) if c in latin)
                others += [(at[match.start() + i], _CYRILLIC[word[i]]) for i in places]
        elif len(found) == len(word) and not _ROUGHLY.issuperset(word):
            alike += found
        else:
            genuine = True
    letters = "".join(_WORD.findall(seen))
    mostly_latin = len(_LATIN.findall(letters)) >= _MOSTLY * len(letters)
    if genuine or not mostly_latin:
        alike = []
        mixed = mixed if len(_LATIN.findall(letters)) * 2 > len(letters) else others
    for place, char in (*mixed, *alike):
        yield place, place + 1, char
