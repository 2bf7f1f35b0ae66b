"""What an article itself shows of its sourcing: how much of what it states stands on whom.

Counts only; what they are worth to a record is `classifier.sources.record`'s to say. Which
sentences cite whom is found by `classifier.citations`, and stands in the report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from classifier import voice
from classifier.citations.lexicon import word_set
from classifier.sentences import fold
from classifier.sources.card import ArticleEvidence
from classifier.types import (
    Article,
    ArticleReport,
    Citation,
    Sentence,
    SentenceReport,
    SourceKind,
    Voice,
)

#: From the best source to none.
_RANK = (SourceKind.NAMED, SourceKind.UNNAMED, SourceKind.VAGUE)

# What a model's flag says of the source where the rules found none. `attributed` alone says that
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
_ADDRESS_END = ".,;:!?…"

_THIS = r"th(?:is|e)\s(?:\w+\s)?(?:article|story|report|post|piece|headline|column|page|caption)"
_CORRECTION = re.compile(
    r"^\W*(?:corrections?|clarifications?|corrigendum|erratum)\b\s*(?:\([^)\n]{1,40}\))?\s*[:–—-]"
    r"|^\W*(?:corrections?|clarifications?)\W*$"
    rf"|\b(?:an\s(?:earlier|older)|(?:a|the)\s(?:previous|prior|earlier)|the\soriginal)\sversion"
    rf"\sof\s{_THIS}"
    rf"|\b{_THIS}\s(?:has\sbeen|was)\s(?:corrected|amended|updated\sto\scorrect|clarified)"
    r"|\bwe\sregret\sthe\serrors?\b",
    re.IGNORECASE,
)

# A line that says who the article is from, and nothing else.
_CREDIT = re.compile(r"[(\[]?\s*sources?\s*:[^.!?\n]{1,80}[)\]]?\.?", re.IGNORECASE)

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


def article_evidence(report: ArticleReport) -> ArticleEvidence:
    """Count an article's claims by the best source given for each, and its named sources.

    A claim is a sentence with the flag ``claim``; where the model doesn't give that signal, every
    sentence that has words. Notices of corrections and lines that only name the article's source
    are none. Claims count in every voice.

    The best source of a claim, named before unnamed before vague, is that of its citations. Where
    the rules found nobody but the model flags a source signal, the flag decides: ``named_source``
    and ``vague_source`` by name, and the others, ``attributed`` among them, as unnamed: somebody
    stands behind the sentence, and that is all it says. A claim stands on nobody only when neither
    rules nor model give it a source.

    Within a republished part the voice is that of the outlet republished. That outlet is no source
    of its own article, and only what it quotes in turn counts as quoted.

    Parameters
    ----------
    report : ArticleReport
        Scored, with its citations.

    Returns
    -------
    ArticleEvidence
    """
    article = report.article
    notices = [_is_notice(item.sentence.text) for item in report.sentences]
    content = [
        _Item(item, tuple(c for c in item.citations if not _is_wrapper(c, item.sentence, article)))
        for item, notice in zip(report.sentences, notices, strict=True)
        if not notice and _is_content(item.sentence.text)
    ]
    claims = [item for item in content if _is_claim(item.report)]
    best = Counter(_best(item) for item in claims)
    return ArticleEvidence(
        claims=len(claims),
        named=best[SourceKind.NAMED],
        unnamed=best[SourceKind.UNNAMED],
        vague=best[SourceKind.VAGUE],
        none=best[None],
        sources=_sources(item.citations for item in content),
        quotes=_quotes(report),
        links=len(set(addresses(article.text))),
        corrections=corrections(article.text),
    )


def corrections(text: str) -> int:
    """Count the notices of corrections: lines that say what an earlier version had wrong."""
    found = 0
    headed = False  # the line before is a bare "Correction", and this one its notice
    for line in filter(None, map(str.strip, text.splitlines())):
        if _is_notice(line):
            found += not headed
            headed = ":" not in line and len(line) < 20
        else:
            headed = False
    return found


def addresses(text: str) -> Iterator[str]:
    """Give the addresses that stand in a text, without scheme, ``www.`` and closing dots."""
    for match in _ADDRESS.finditer(text):
        address = match[0].rstrip(_ADDRESS_END)
        yield re.sub(r"^(?:https?://)?(?:www\.)?", "", address, flags=re.IGNORECASE).rstrip("/")


@dataclass(frozen=True, slots=True)
class _Item:
    """A sentence of content and the citations that are its own article's."""

    report: SentenceReport
    citations: tuple[Citation, ...]


def _is_notice(text: str) -> bool:
    return _CORRECTION.search(fold(text)) is not None


def _is_content(text: str) -> bool:
    return _WORD.search(text) is not None and _CREDIT.fullmatch(text.strip()) is None


def _is_claim(item: SentenceReport) -> bool:
    return "claim" in item.flags if "claim" in item.scores else True


def _best(item: _Item) -> SourceKind | None:
    found = {citation.kind for citation in item.citations}
    if not found:
        found = {_FLAGS[flag] for flag in item.report.flags if flag in _FLAGS}
    return next((kind for kind in _RANK if kind in found), None)


def _is_wrapper(citation: Citation, sentence: Sentence, article: Article) -> bool:
    """Whether a citation only says that the sentence stands in a republished article."""
    for part in article.republications:
        if part.start <= sentence.start < part.end:
            given = citation.source or citation.antecedent
            outside = given is None or not part.start <= given.start < part.end
            return outside and _key(citation.name) == _key(part.outlet)
    return False


def _quotes(report: ArticleReport) -> int:
    article = report.article
    sentences = [item.sentence for item in report.sentences]
    if article.republications:
        # As if the republished articles stood alone.
        alone = voice.assign(replace(article, republications=(), units=None), sentences)
        sentences = [
            other if _is_republished(sentence, article) else sentence
            for sentence, other in zip(sentences, alone, strict=True)
        ]
    return sum(sentence.voice is Voice.QUOTED for sentence in sentences)


def _is_republished(sentence: Sentence, article: Article) -> bool:
    return any(p.start < sentence.end and sentence.start < p.end for p in article.republications)


# --- the named sources ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Source:
    names: Counter[str] = field(default_factory=Counter)
    sentences: set[int] = field(default_factory=set)


def _sources(sentences: Iterable[tuple[Citation, ...]]) -> tuple[tuple[str, int], ...]:
    """Give the distinct named sources and the number of sentences on each, most first.

    Two names are one source when the registry gives both the same outlet, when they differ only in
    a title or a generic word, or when one is the last word of the only longer name that ends so.
    """
    named = [
        (number, citation)
        for number, citations in enumerate(sentences)
        for citation in citations
        if citation.kind is SourceKind.NAMED and citation.name.strip()
    ]
    same = _same_keys([_key(citation.name) for _, citation in named])
    by_outlet: dict[str, tuple[str, ...]] = {}
    for _, citation in named:
        for outlet in citation.outlets:
            by_outlet.setdefault(outlet, same[_key(citation.name)])
    by_key = {
        same[_key(citation.name)]: by_outlet[citation.outlets[0]]
        for _, citation in named
        if len(citation.outlets) == 1
    }
    found: dict[tuple[str, ...], _Source] = {}
    for number, citation in named:
        key = same[_key(citation.name)]
        source = found.setdefault(by_key.get(key, key), _Source())
        source.names[citation.name.strip()] += 1
        source.sentences.add(number)
    rows = [(source.names.most_common(1)[0][0], len(source.sentences)) for source in found.values()]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


def _key(name: str) -> tuple[str, ...]:
    """Give the words of a name that tell it from others; all of them when none would be left."""
    words = [re.sub(r"'s$", "", word) for word in _WORD.findall(fold(name).casefold())]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return tuple(word for word in words if word not in _GENERIC) or tuple(words)


def _same_keys(keys: list[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Map each key to the one that stands for it: a surname to the full name, where one has it."""
    distinct = set(keys)
    same = {key: key for key in distinct}
    for key in distinct:
        longer = [other for other in distinct if len(other) > 1 and other[-1:] == key]
        if len(longer) == 1:
            same[key] = longer[0]
    return same
