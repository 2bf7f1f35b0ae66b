"""Count how an article's claims are sourced, by the citations that its report holds.

"Osric Hale", "Mr Hale" and "Hale" are one source, and so are an agency's two names: what counts
sources and what lists them must agree, so both ask here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from framescope.classifier.attribution import word_set
from framescope.classifier.records import (
    Article,
    ArticleEvidence,
    ArticleReport,
    Citation,
    Sentence,
    SentenceReport,
    SourceCount,
    SourceKind,
    Voice,
    fold,
)

#: From the best source to none.
_RANK = (SourceKind.NAMED, SourceKind.UNNAMED, SourceKind.VAGUE)

# What a model's flag says of the source where it cites nobody. `attributed` alone says that
# somebody stands behind the sentence, and nothing of who: a source that isn't named.
_FLAGS = {
    "named_source": SourceKind.NAMED,
    "unnamed_source": SourceKind.UNNAMED,
    "government_attribution": SourceKind.UNNAMED,
    "state_media_attribution": SourceKind.UNNAMED,
    "attributed": SourceKind.UNNAMED,
    "vague_source": SourceKind.VAGUE,
}

_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'“”‘’(){}\[\]]+"
    # Without a scheme only with a path: "example.org" may be somebody's name.
    r"|(?<![\w@./-])(?:[a-z0-9-]+\.)+[a-z]{2,12}/[^\s<>\"'“”‘’(){}\[\]]+",
    re.IGNORECASE,
)

_THIS = r"th(?:is|e)\s(?:\w+\s)?(?:article|story|report|post|piece|headline|column|page|caption)"
_HEADING = re.compile(
    r"\W*(?:(?:corrections?|clarifications?|corrigendum|erratum)\b\s*(?:\([^)\n]{1,40}\))?\s*[:–—-]"
    r"|(?:corrections?|clarifications?)\W*$)",
    re.IGNORECASE,
)
_NOTICE_WORDS = ("version", "corrected", "amended", "clarified", "updated", "regret")
_NOTICE = re.compile(
    rf"\b(?:an\s(?:earlier|older)|(?:a|the)\s(?:previous|prior|earlier)|the\soriginal)\sversion"
    rf"\sof\s{_THIS}"
    rf"|\b{_THIS}\s(?:has\sbeen|was)\s(?:corrected|amended|updated\sto\scorrect|clarified)"
    r"|\bwe\sregret\sthe\serrors?\b",
    re.IGNORECASE,
)

# A line that says who the article is from, and nothing else.
_CREDIT = re.compile(r"[(\[]?\s*sources?\s*:[^.!?\n]{1,80}[)\]]?\.?", re.IGNORECASE)


def article_evidence(report: ArticleReport) -> ArticleEvidence:
    """Count an article's claims by the best source given for each, and its named sources.

    A claim is a sentence with the flag ``claim``; where the model doesn't give that signal, every
    sentence that has words. An outlet republished is no source of its own article.
    """
    plain, content = _content(report)
    rows = _own(report, content)
    sentences = zip(report.sentences, rows, content, strict=True)
    claims = [(item, row) for item, row, counts in sentences if counts and _is_claim(item)]
    best = Counter(best_source(item, row) for item, row in claims)
    named = (source for source in distinct_sources(rows) if source.kind is SourceKind.NAMED)
    return ArticleEvidence(
        claims=len(claims),
        named=best[SourceKind.NAMED],
        unnamed=best[SourceKind.UNNAMED],
        vague=best[SourceKind.VAGUE],
        none=best[None],
        sources=tuple(SourceCount(source.name, len(source.sentences)) for source in named),
        quotes=_quotes(report),
        links=len(set(addresses(report.article.text))),
        corrections=corrections(plain),
    )


def own_citations(report: ArticleReport) -> tuple[tuple[Citation, ...], ...]:
    """Return each sentence's citations that count, as `article_evidence` counts them."""
    return _own(report, _content(report)[1])


def _own(report: ArticleReport, content: Sequence[bool]) -> tuple[tuple[Citation, ...], ...]:
    article = report.article
    return tuple(
        tuple(c for c in item.citations if counts and not _is_wrapper(c, item.sentence, article))
        for item, counts in zip(report.sentences, content, strict=True)
    )


def _content(report: ArticleReport) -> tuple[str, list[bool]]:
    """Return the folded article, and for each sentence whether it is content."""
    plain = report.reading.plain if report.reading else fold(report.article.text)
    sentences = (item.sentence for item in report.sentences)
    return plain, [_is_content(s.text, plain[s.start : s.end]) for s in sentences]


def best_source(item: SentenceReport, citations: tuple[Citation, ...]) -> SourceKind | None:
    """Return the kind of a sentence's best source, by those of its citations, else by its flags."""
    found = {citation.kind for citation in citations}
    found = found or {_FLAGS[flag] for flag in item.flags if flag in _FLAGS}
    return next((kind for kind in _RANK if kind in found), None)


def corrections(plain: str) -> int:
    """Count the notices of corrections in a folded article."""
    found = 0
    headed = False  # the line before is a bare "Correction", and this one its notice
    for line in filter(None, map(str.strip, plain.splitlines())):
        notice = _is_notice(line)
        found += notice and not headed
        headed = notice and ":" not in line and len(line) < 20
    return found


def addresses(text: str) -> Iterator[str]:
    """Return the addresses that stand in a text, without scheme, ``www.`` and closing dots."""
    # None has white space in it, and few words can be one.
    words = (word for word in text.split() if "/" in word or "www." in word.lower())
    for match in (match for word in words for match in _ADDRESS.finditer(word)):
        address = match[0].rstrip(".,;:!?…")
        yield re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE).rstrip("/")


def _is_notice(plain: str) -> bool:
    # Of two long patterns the first looks at the beginning alone, and the other needs one of a few
    # words. In any but ASCII, other letters can stand for theirs.
    lower = plain.lower()
    told = not plain.isascii() or any(word in lower for word in _NOTICE_WORDS)
    return _HEADING.match(plain) is not None or (told and _NOTICE.search(plain) is not None)


def _is_content(text: str, plain: str) -> bool:
    words = _WORD.search(text) is not None and _CREDIT.fullmatch(text.strip()) is None
    return words and not _is_notice(plain)


def _is_claim(item: SentenceReport) -> bool:
    return "claim" in item.flags or "claim" not in item.scores


def _quotes(report: ArticleReport) -> int:
    spoken = (item.sentence.inner_voice or item.sentence.voice for item in report.sentences)
    return sum(voice is Voice.QUOTED for voice in spoken)


# What a name may be given with or without: "Hengaw", "the Hengaw organisation".
_GENERIC = word_set(
    "agency association broadcaster center centre channel company corporation foundation group "
    "institute institution magazine network news newspaper ngo office organisation organization "
    "outlet paper party press service site spokesman spokesperson spokeswoman station the "
    "watchdog website"
)
_TITLES = word_set(
    "mr mrs ms miss dr prof professor sir dame lord lady sen senator rep gov governor gen general "
    "col colonel capt captain maj major lt president minister premier chancellor secretary mayor "
    "prime foreign"
)
_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CitedSource:
    """One source of an article."""

    name: str  # the form of its name that is given most; empty for nobody in particular
    kind: SourceKind
    # government and state_media: whether any of its citations says so
    government: bool
    state_media: bool
    sentences: tuple[int, ...]  # the rows that cite it, in order, each once


def distinct_sources(rows: Sequence[Iterable[Citation]]) -> tuple[CitedSource, ...]:
    """Group the citations of each sentence by their source; those in most sentences come first.

    Two named sources are one when the registry gives both the same outlet, when they differ only
    in a title or a generic word, or when one is the last word of the only longer name that ends
    so. Unnamed and vague ones are one when their words are.
    """
    cited = [(number, citation) for number, row in enumerate(rows) for citation in row]
    found: dict[tuple[SourceKind, _Key], list[tuple[int, Citation]]] = {}
    for kind in SourceKind:
        named = kind is SourceKind.NAMED
        some = [(n, c) for n, c in cited if c.kind is kind and (c.name.strip() or not named)]
        keys = _keys([c for _, c in some]) if named else {}
        for number, citation in some:
            key = _key(citation.name)
            found.setdefault((kind, keys.get(key, key)), []).append((number, citation))
    sources = [_source(kind, rows) for (kind, _), rows in found.items()]
    return tuple(sorted(sources, key=lambda source: (-len(source.sentences), source.name)))


def _is_wrapper(citation: Citation, sentence: Sentence, article: Article) -> bool:
    """Return whether a citation only says that the sentence stands in a republished article."""
    for part in article.republications:
        if part.start <= sentence.start < part.end:
            given = citation.source or citation.antecedent
            outside = given is None or not part.start <= given.start < part.end
            return outside and _key(citation.name) == _key(part.outlet)
    return False


def _source(kind: SourceKind, rows: Sequence[tuple[int, Citation]]) -> CitedSource:
    names = Counter(citation.name.strip() for _, citation in rows)
    return CitedSource(
        names.most_common(1)[0][0],
        kind,
        any(citation.government for _, citation in rows),
        any(citation.state_media for _, citation in rows),
        tuple(dict.fromkeys(number for number, _ in rows)),
    )


def _keys(citations: Sequence[Citation]) -> dict[_Key, _Key]:
    """Map the key of every name to that of the source it stands for."""
    known = {_key(citation.name) for citation in citations}
    same = {key: key for key in known}
    for key in known:  # a surname, where one full name has it
        longer = [other for other in known if len(other) > 1 and other[-1:] == key]
        if len(longer) == 1:
            same[key] = longer[0]
    by_outlet: dict[str, _Key] = {}
    for citation in citations:
        for outlet in citation.outlets:
            by_outlet.setdefault(outlet, same[_key(citation.name)])
    by_key = {
        same[_key(citation.name)]: by_outlet[citation.outlets[0]]
        for citation in citations
        if len(citation.outlets) == 1
    }
    return {key: by_key.get(other, other) for key, other in same.items()}


def _key(name: str) -> _Key:
    """Return the words of a name that tell it from others; all of them when none would be left."""
    words = [re.sub(r"'s$", "", word) for word in _WORD.findall(fold(name).casefold())]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return tuple(word for word in words if word not in _GENERIC) or tuple(words)
