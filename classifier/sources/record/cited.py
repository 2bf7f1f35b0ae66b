"""The distinct sources of an article: which of its citations are of the same one.

"Osric Hale", "Mr Hale" and "Hale" are one source, and so are an agency's two names. What counts
them and what lists them must agree, so both ask here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from classifier.attribution import word_set
from classifier.values import Article, Citation, Sentence, SourceKind, fold

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
    """One source of an article.

    Attributes
    ----------
    name : str
        The form of its name that is given most; empty for nobody in particular.
    government, state_media : bool
        Whether any of its citations says so.
    sentences : tuple of int
        The rows that cite it, in order, each once.
    """

    name: str
    kind: SourceKind
    government: bool
    state_media: bool
    sentences: tuple[int, ...]


def distinct(rows: Sequence[Iterable[Citation]]) -> tuple[CitedSource, ...]:
    """Group the citations of an article by their source.

    Two named sources are one when the registry gives both the same outlet, when they differ only
    in a title or a generic word, or when one is the last word of the only longer name that ends
    so. Unnamed and vague ones are one when their words are.

    Parameters
    ----------
    rows : sequence of iterable of Citation
        The citations of each sentence.

    Returns
    -------
    tuple of CitedSource
        Those in most sentences first.
    """
    cited = [(number, citation) for number, row in enumerate(rows) for citation in row]
    found: dict[tuple[SourceKind, _Key], _Group] = {}
    for kind in SourceKind:
        some = [(n, c) for n, c in cited if c.kind is kind and (kind is not SourceKind.NAMED
                                                                or c.name.strip())]  # fmt: skip
        keys = _keys([c for _, c in some]) if kind is SourceKind.NAMED else None
        for number, citation in some:
            key = keys[_key(citation.name)] if keys else _key(citation.name)
            found.setdefault((kind, key), _Group()).add(number, citation)
    sources = [group.source(kind) for (kind, _), group in found.items()]
    return tuple(sorted(sources, key=lambda source: (-len(source.sentences), source.name)))


def is_wrapper(citation: Citation, sentence: Sentence, article: Article) -> bool:
    """Whether a citation only says that the sentence stands in a republished article."""
    for part in article.republications:
        if part.start <= sentence.start < part.end:
            given = citation.source or citation.antecedent
            outside = given is None or not part.start <= given.start < part.end
            return outside and _key(citation.name) == _key(part.outlet)
    return False


@dataclass(slots=True)
class _Group:
    names: Counter[str] = field(default_factory=Counter)
    sentences: dict[int, None] = field(default_factory=dict)
    government: bool = False
    state_media: bool = False

    def add(self, number: int, citation: Citation) -> None:
        self.names[citation.name.strip()] += 1
        self.sentences[number] = None
        self.government |= citation.government
        self.state_media |= citation.state_media

    def source(self, kind: SourceKind) -> CitedSource:
        name = self.names.most_common(1)[0][0]
        return CitedSource(name, kind, self.government, self.state_media, tuple(self.sentences))


def _keys(citations: Sequence[Citation]) -> dict[_Key, _Key]:
    """Map the key of every name to that of the source it stands for."""
    same = _same_keys([_key(citation.name) for citation in citations])
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
    """Give the words of a name that tell it from others; all of them when none would be left."""
    words = [re.sub(r"'s$", "", word) for word in _WORD.findall(fold(name).casefold())]
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return tuple(word for word in words if word not in _GENERIC) or tuple(words)


def _same_keys(keys: Sequence[_Key]) -> dict[_Key, _Key]:
    """Map each key to the one that stands for it: a surname to the full name, where one has it."""
    known = set(keys)
    same = {key: key for key in known}
    for key in known:
        longer = [other for other in known if len(other) > 1 and other[-1:] == key]
        if len(longer) == 1:
            same[key] = longer[0]
    return same
