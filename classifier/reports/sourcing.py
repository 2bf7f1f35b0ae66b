"""Whom an article stands on, its citations in words, and its counts, for every format."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from framescope.classifier import records
from framescope.classifier.attribution import PRONOUNS
from framescope.classifier.languages import in_english
from framescope.classifier.outlets import distinct_sources
from framescope.classifier.records import NOBODY, UNRESOLVED, counted, printable, source_counts
from framescope.classifier.reports import layout
from framescope.classifier.reports.sources import name, sentence_at
from framescope.classifier.taxonomy import TECHNIQUES, in_order

KEY = {"named": "named source", "unnamed": "unnamed", "vague": "vague", UNRESOLVED: "unresolved",
       NOBODY: "no source"}  # fmt: skip
"""The groups of sentences, the best sources first, and what a bar's key calls them."""
_RESTS = {"named": ("on a named source", "on named sources"),
          "unnamed": ("on an unnamed one", "on unnamed ones"),
          "vague": ("on a vague one", "on vague ones"),
          UNRESOLVED: ("on an unresolved source", "on unresolved sources"),
          NOBODY: ("without a source", "without a source")}  # fmt: skip
_WORDS = {"named": "a named source", "unnamed": "somebody unnamed", "vague": "nobody in particular"}
# What a kind follows from (`classifier.models.citation_scorer`).
_SPOKE = {"words": "its words", "sentence": "the sentence", "known": "what is known of it"}
_LOADED = frozenset({"biased_language", *TECHNIQUES})
UNLIKE = (
    "Not like what the model learned from: framing is only flagged where it is sure, and scores "
    "are no probabilities here."
)


class SourceRow(NamedTuple):
    """A source of the article, its kind in words, and the numbers of its sentences, from 1."""

    label: str
    group: str
    tags: tuple[str, ...]
    sentences: tuple[int, ...]


class BarPart(NamedTuple):
    """A part of the bar: sentences that stand on one source, each sentence in one part only."""

    label: str
    group: str
    sentences: int
    start: float  # per cent of the bar
    width: float


class SourcingMap(NamedTuple):
    """How much of an article stands on whom."""

    total: int  # sentences of the article
    # Named sources, then unnamed, then vague, those in most sentences first, each time before what
    # only the model finds attributed. A sentence that cites two stands with both.
    rows: tuple[SourceRow, ...]
    # every sentence once, with the best source it has: the first of ``rows`` that it stands on
    parts: tuple[BarPart, ...]
    # sentences that rest on sources of a group, of the groups to list: those that the model tells,
    # `UNRESOLVED` only where there is any
    counts: dict[str, int]
    powers: str  # how many stand on a government or on state media, in words; or nothing

    @property
    def words(self) -> str:
        """The bar in words."""
        counts = ((number, _RESTS[group]) for group, number in self.counts.items())
        said = ", ".join(f"{number} {words[number != 1]}" for number, words in counts)
        return f"Of {counted(self.total, 'sentence')} {said}."


def sourcing_map(report: records.ArticleReport) -> SourcingMap | None:
    """Map sentences to sources, counted as for the card; None where the model tells of none."""
    total, found = sum(one.is_content for one in report.sentences), source_counts(report)
    counts = {g: found[g] for g in KEY if g in found and (found[g] or g != UNRESOLVED)}
    if not total or not counts:
        return None
    rows = tuple(_rows(report, counts))
    powers = ((found.get("government"), "a government"), (found.get("state_media"), "state media"))
    return SourcingMap(
        total=total,
        rows=rows,
        parts=tuple(_parts(rows, total, counts.get(NOBODY, 0))),
        counts=counts,
        powers=", ".join(f"{counted(n, 'sentence')} on {whom}" for n, whom in powers if n),
    )


def _rows(report: records.ArticleReport, groups: Iterable[str]) -> Iterator[SourceRow]:
    sources = distinct_sources([one.citations for one in report.sentences])
    for group in groups:
        cited = set[int]()
        for source in sources:
            if source.kind == group:
                cited.update(source.sentences)
                yield SourceRow(
                    _label(source.name, source.kind, report.article.lang),
                    group,
                    _tags(source.kind, source.government, source.state_media),
                    tuple(index + 1 for index in source.sentences),
                )
        flagged = (n for n, one in enumerate(report.sentences) if group in one.rests_on)
        numbers = tuple(n + 1 for n in flagged if n not in cited)
        if group != NOBODY and numbers:
            tags = (*([group] if group != UNRESOLVED else []), "attributed by the model alone")
            yield SourceRow("an unresolved source", group, tags, numbers)


def _parts(rows: Sequence[SourceRow], total: int, without: int) -> Iterator[BarPart]:
    placed: dict[int, int] = {}  # by sentence, the first row that it stands in
    for index, row in enumerate(rows):
        for number in row.sentences:
            placed.setdefault(number, index)
    counts = Counter(placed.values())
    start = 0.0
    for label, group, count in (
        *((row.label, row.group, counts[index]) for index, row in enumerate(rows)),
        (KEY[NOBODY], NOBODY, without),
    ):
        if count:
            width = 100 * count / total
            yield BarPart(label, group, count, start, width)
            start += width


class Cited(NamedTuple):
    """A citation in words."""

    name: str
    tags: tuple[str, ...]
    cue: str  # the words that attribute; empty where there are none
    # the number of the sentence that the name is resolved from; 0 where it stands in its own
    sentence: int
    basis: str = ""  # how likely it is, or the rule that found it
    reasons: str = ""  # what spoke for its kind, where a model weighed that

    def __str__(self) -> str:
        """Write it with its kind and its basis: "TASS (state media, 0.97)"."""
        return f"{self.name} ({', '.join(filter(None, (*self.tags, self.basis)))})"


def cited_in(report: records.ArticleReport, sentence: records.SentenceReport) -> tuple[Cited, ...]:
    """Put a sentence's citations into words, each once."""
    number = sentence.sentence.index + 1
    found: dict[Cited, Cited] = {}
    # Of two that read alike the more likely one is shown, in the place of the first.
    by_score = sorted(sentence.citations, key=lambda one: -1 if one.score is None else -one.score)
    for citation in by_score:
        antecedent, cue = sentence_at(report, citation.antecedent), citation.cue
        said = Cited(
            _label(citation.name, citation.kind, report.article.lang),
            _tags(citation.kind, citation.government, citation.state_media),
            name(report.article.text[cue.start : cue.end]) if cue else "",
            0 if antecedent == number else antecedent,
        )
        basis = f"by a {citation.found_by}" if citation.found_by else ""
        basis = basis if citation.score is None else layout.score_in_words(citation.score)
        found.setdefault(said, said._replace(basis=basis, reasons=_reasons(citation)))
    lang = report.article.lang
    first = [_label(one.name, one.kind, lang) for one in sentence.citations]
    return tuple(sorted(found.values(), key=lambda one: first.index(one.name)))


def _reasons(citation: records.Citation) -> str:
    """Write what spoke for and against a source's kind, in log-odds, the most first."""
    shares = [(_SPOKE[part], share) for part, share in citation.reasons if part in _SPOKE]
    shares.sort(key=lambda one: -abs(one[1]))
    return ", ".join(f"{part} ({share:+.1f})" for part, share in shares if round(share, 1))


def _label(text: str, kind: records.SourceKind, language: str | None) -> str:
    """Return a source's name in words: "Ana Poor", "She (unresolved)", "nobody in particular"."""
    label = name(text) or _WORDS[kind]
    pronoun = in_english(label.lower(), language) in PRONOUNS
    return f"{label} ({UNRESOLVED})" if pronoun else label


def _tags(kind: records.SourceKind, government: bool, state_media: bool) -> tuple[str, ...]:
    more = ["government"] * government + ["state media"] * state_media
    return tuple(more if more and kind is records.SourceKind.NAMED else [kind.value, *more])


# What the schema of a report says of a field.
_FLAGGED = "The sentences that carry each sentence-level signal, without experimental ones."
_TECHNIQUES = "How many different techniques were found; None where none is looked for."


class Summary(NamedTuple):
    """The counts of one article."""

    # None, which is not 0, where it was not scored, or the model lacks a signal that it needs
    text: Annotated[str, "The article in one sentence."]
    sentences: Annotated[layout.VoiceCounts, "Its sentences, without those of the page around it."]
    flagged: Annotated[Mapping[str, layout.VoiceCounts], _FLAGGED]
    claims: Annotated[int | None, "Sentences that carry the signal of that name, in any voice."]
    attributed: Annotated[int | None, "Sentences that carry the signal of that name, in any voice."]
    own_claims: Annotated[int | None, "Claims in the article's own voice."]
    unsourced_own_claims: Annotated[int | None, "Those of them without a source."]
    techniques: Annotated[int | None, _TECHNIQUES]


def summarise(report: records.ArticleReport) -> Summary:
    """Count an article's sentences, flags and claims by voice."""
    sentences = report.sentences
    given = in_order(report.given)
    flagged = {name: layout.count_voices(s for s in sentences if name in s.flags) for name in given}
    claims, attributed = flagged.get("claim"), flagged.get("attributed")
    voices = layout.count_voices(one for one in sentences if one.is_content)
    voiced = claims is not None and voices.own is not None
    unsourced = sum(map(layout.is_unsourced_own_claim, sentences))
    techniques = [flagged[name].total > 0 for name in TECHNIQUES if name in flagged]
    return Summary(
        text=in_brief(report),
        sentences=voices,
        flagged=flagged,
        claims=claims.total if claims else None,
        attributed=attributed.total if attributed else None,
        own_claims=sum(map(layout.is_own_claim, sentences)) if voiced else None,
        unsourced_own_claims=unsourced if voiced and attributed else None,
        techniques=sum(techniques) if techniques else None,
    )


def in_brief(report: records.ArticleReport) -> str:
    """Sum an article up: "29 sentences; 10 rest on a named source, ...; 6 loaded passages."."""
    if report.note is not None:
        return f"Not scored: {report.note.removeprefix('not scored: ').rstrip('.')}."
    total = sum(one.is_content for one in report.sentences)
    parts = (counted(total, "sentence"), _sourcing(report), _framing(report))
    said = "; ".join(filter(None, parts)) + "."
    outlet = report.source.outlet if report.source else None
    if outlet is not None and records.Content.SATIRE in outlet.content:
        said = f"Satire: {printable(outlet.name)} is on record as satire. {said}"
    return f"{said} {UNLIKE}" if report.far else said


def count_loaded(report: records.ArticleReport) -> int | None:
    """Count the loaded sentences; None where no signal that says so is given and shown."""
    return None if _LOADED.isdisjoint(report.given) else sum(map(is_loaded, report.sentences))


def is_loaded(sentence: records.SentenceReport) -> bool:
    """Whether a sentence is biased, or holds a technique that is known; an opinion is neither."""
    return not _LOADED.isdisjoint(sentence.flags)


def _sourcing(report: records.ArticleReport) -> str:
    found = sourcing_map(report)
    said: list[str] = []
    if found is not None:
        for group, words in _RESTS.items():
            if group != NOBODY and (number := found.counts.get(group)):
                verb = "" if said else "rests " if number == 1 else "rest "
                said.append(f"{number} {verb}{words[number != 1]}")
        said = said or ["none rests on a source"] * (NOBODY in found.counts)
    if number := sum(layout.ASSERTION in sentence.flags for sentence in report.sentences):
        said.append(f"{counted(number, 'assertion')} without a source")
    return ", ".join(said)


def _framing(report: records.ArticleReport) -> str:
    loaded = [one for one in report.sentences if is_loaded(one)]
    voices = layout.count_voices(loaded)
    others = (("quoted", voices.quoted), ("reported", voices.reported))
    of_them = ", ".join(f"{number} {voice}" for voice, number in others if number)
    said = counted(len(loaded), "loaded passage") + (f", of them {of_them}" if of_them else "")
    return said if loaded else ""  # these signals may be experimental, and not looked for
