"""The citation scorer: how sure citations are, of what kind their sources, and what that decides.

The encoder marks raw citations and votes on signals; citation resolution says who the sources are.
Small logistic regressions, fitted on articles that the encoder has not seen, put them together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate, chain, groupby, islice
from typing import Any, TypeVar

import numpy as np
from framescope.classifier import attribution, records
from framescope.classifier.models import raw_citations
from framescope.classifier.models.base import sigmoid
from framescope.classifier.models.raw_citations import KINDS, Links, RawCitation, RowSpan
from framescope.classifier.outlets import Registry
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_T = TypeVar("_T")

# The signals whose votes the citations of a sentence add to.
SOURCING = (
    "attributed", "named_source", "unnamed_source", "vague_source", "government_attribution",
    "state_media_attribution", "unsourced_assertion", "quoted", "reported",
)  # fmt: skip
_KIND_SIGNALS = SOURCING[1:6]  # what `KINDS` are of a source, these are of a sentence

CITATION_FEATURES = (
    "marked", "linked", "cued", "cue", "source", "nested", "carried", "elsewhere", "quoted",
    "attributed", "length",
)  # fmt: skip
KIND_FEATURES = (
    *(f"{by}: {kind}" for by in ("words", "sentence", "known") for kind in KINDS),
    *("known: outlet", "known: antecedent", "source"),
)
SENTENCE_FEATURES = (
    "vote", "cited", *KINDS, "quoted share", "quoted content", "names state media",
)  # fmt: skip
_EXCLUSIVE = len(records.SourceKind)  # of `KINDS`, a source is one of the first
_LIKELY = 0.5  # from which a source is a government or state media
_LEAST = 1e-6  # probabilities are clipped, so that log-odds are finite


@dataclass(frozen=True)
class Regressions:
    """Weights by output, each with the intercept last."""

    features: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]

    @classmethod
    def from_record(cls, record: Mapping[str, Any], features: tuple[str, ...]) -> Regressions:
        """Read a record; raise `ValueError` where it is of other features."""
        lines = {name: tuple(map(float, line)) for name, line in record["weights"].items()}
        if tuple(record["features"]) != features or any(
            len(line) != len(features) + 1 for line in lines.values()
        ):
            raise ValueError("a regression is of other features")
        return cls(features, lines)

    def log_odds(self, features: Floats) -> dict[str, Floats]:
        """Return each output's log-odds, shape (n,), of features of shape (n, n_features)."""
        return {name: _weighed(features, line) for name, line in self.weights.items()}

    def shares(self, name: str, features: Sequence[float]) -> dict[str, float]:
        """Return what each feature of one row adds to an output's log-odds."""
        lines = zip(self.features, self.weights[name], features, strict=False)
        return {feature: float(weight * value) for feature, weight, value in lines}


def _weighed(features: Floats, line: Sequence[float]) -> Floats:
    # Row by row: a product of matrices may round a row by how many others there are.
    found: Floats = (features * np.asarray(line[:-1])).sum(axis=1) + line[-1]
    return found


@dataclass(frozen=True)
class CitationScorer:
    """The fitted regressions."""

    citation: Regressions  # whether a citation is right
    kinds: Regressions  # an output for each of `KINDS`
    signals: Regressions  # an output for each signal of `SOURCING`
    threshold: float  # the probability from which a citation is shown
    speakers: raw_citations.SpeakerScorer | None = None  # whom pronouns and descriptions refer to

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {**asdict(self), "speakers": self.speakers and self.speakers.to_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CitationScorer:
        """Read what `to_record` wrote; raise `ValueError` where it is of other features."""
        expected = (CITATION_FEATURES, KIND_FEATURES, SENTENCE_FEATURES)
        citation, kinds, signals = (
            Regressions.from_record(record[name], features)
            for name, features in zip(("citation", "kinds", "signals"), expected, strict=True)
        )
        chosen = record.get("speakers")
        speakers = raw_citations.SpeakerScorer.from_record(chosen) if chosen else None
        return cls(citation, kinds, signals, float(record["threshold"]), speakers)

    def chances(self, features: Sequence[Sequence[float]]) -> list[float]:
        """Return the probability that each citation is right."""
        if not features or not self.citation.weights:
            return [1.0] * len(features)
        found: list[float] = sigmoid(self.citation.log_odds(np.asarray(features))["right"]).tolist()
        return found

    def kind_chances(self, features: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the probability of each of `KINDS` for each source."""
        if not features:
            return []
        given = np.asarray(features)
        lines = self.kinds.log_odds(given)
        odds = np.stack([lines[kind] for kind in KINDS], 1) if lines else given[:, : len(KINDS)]
        exclusive = odds[:, :_EXCLUSIVE]
        exclusive = np.exp(exclusive - exclusive.max(axis=1, keepdims=True))
        exclusive /= exclusive.sum(axis=1, keepdims=True)
        found: list[list[float]] = np.hstack([exclusive, sigmoid(odds[:, _EXCLUSIVE:])]).tolist()
        return found


@dataclass(frozen=True, slots=True)
class ResolvedCitations:
    """The raw citations of each row, and the same with their sources and the article's places."""

    raw: tuple[tuple[RawCitation, ...], ...]
    citations: tuple[tuple[records.Citation, ...], ...]


def resolve_raw_citations(
    raw: Sequence[Sequence[RawCitation]],
    sentences: Sequence[records.Sentence],
    registry: Registry,
    links: Sequence[Links] | None = None,
    speakers: raw_citations.SpeakerScorer | None = None,
) -> ResolvedCitations:
    """Resolve the sources of each sentence's raw citations; `speakers` needs the `links`."""
    whole = raw_citations.carried(raw, sentences)
    found: list[tuple[records.Citation, ...]] = []
    for rows in _articles(sentences):
        of_rows = None if links is None else [links[row] for row in rows]
        found += _of_article(rows, whole, sentences, registry, of_rows, speakers)
    # A named source has the mean of what its words say throughout the article: few sentences say
    # that somebody speaks for a government.
    named: dict[tuple[str, str], list[RawCitation]] = defaultdict(list)
    keys = [
        [(sentence.article_id, one.name.lower() if one.kind is records.SourceKind.NAMED else "")
         for one in row]
        for sentence, row in zip(sentences, found, strict=True)
    ]  # fmt: skip
    for key, one in zip(chain(*keys), chain(*whole), strict=True):
        named[key].append(one)
    groups = [(key, [one.kinds for one in group]) for key, group in named.items() if key[1]]
    kinds = {key: np.stack(of_group).mean(axis=0) for key, of_group in groups}
    merged = tuple(
        tuple(replace(one, kinds=kinds.get(key, one.kinds)) for key, one in zip(*row, strict=True))
        for row in zip(keys, whole, strict=True)
    )
    return ResolvedCitations(merged, tuple(found))


def _articles(sentences: Sequence[records.Sentence]) -> Iterator[list[int]]:
    groups = groupby(range(len(sentences)), key=lambda row: sentences[row].article_id)
    return (list(rows) for _, rows in groups)


def laid_out(sentences: Sequence[records.Sentence]) -> tuple[str, list[records.Sentence]]:
    """Put an article's text together from its sentences, folded, and move them to it."""
    starts = accumulate((len(one.text) + 1 for one in sentences), initial=0)
    pairs = zip(sentences, starts, strict=False)  # the last is the end of the text
    here = [replace(one, start=start, end=start + len(one.text)) for one, start in pairs]
    return records.fold("\n".join(one.text for one in here)), here


def _of_article(
    rows: Sequence[int],
    raw: Sequence[Sequence[RawCitation]],
    sentences: Sequence[records.Sentence],
    registry: Registry,
    links: Sequence[Links] | None,
    speakers: raw_citations.SpeakerScorer | None,
) -> list[tuple[records.Citation, ...]]:
    """Resolve the citations of an article, whose text is put together from its sentences."""
    if not any(raw[row] for row in rows):
        return [()] * len(rows)
    plain, here = laid_out([sentences[row] for row in rows])
    starts = [one.start for one in here]
    start_of = dict(zip(rows, starts, strict=True))

    def place(span: RowSpan | None) -> records.Place | None:
        if span is None or span.row not in start_of:
            return None
        return records.Place(start_of[span.row] + span.start, start_of[span.row] + span.end)

    def back(place: records.Place | None) -> records.Place | None:
        """Return a place of the article's own text."""
        if place is None:
            return None
        number = bisect_right(starts, place.start) - 1
        shift = sentences[rows[number]].start - starts[number]
        return records.Place(place.start + shift, place.end + shift)

    def placed(one: RawCitation) -> records.MarkedCitation:
        content = tuple(p for span in one.content if (p := place(span)))
        return records.MarkedCitation(place(one.source), place(one.cue), content)

    own = attribution.own_outlets(here[0].outlet, registry)
    given = [[placed(one) for one in raw[row]] for row in rows]
    refer = raw_citations.Referents(plain, here, links, speakers)
    resolved = attribution.resolve_citations(plain, here, given, registry, own, refer)

    def returned(one: records.Citation) -> records.Citation:
        source, cue, antecedent = map(back, (one.source, one.cue, one.antecedent))
        content = tuple(p for each in one.content if (p := back(each)))
        return replace(one, source=source, cue=cue, content=content, antecedent=antecedent)

    return [tuple(map(returned, row)) for row in resolved]


@dataclass(frozen=True, slots=True)
class CitationFeatures:
    """What the scorer decides by: per citation of each row, and per signal of each row."""

    citations: list[list[list[float]]]
    chances: list[list[float]]
    kind_features: list[list[list[float]]]
    kinds: list[list[list[float]]]
    sentences: dict[str, Floats]


def features_of(
    scorer: CitationScorer,
    resolved: ResolvedCitations,
    sentences: Sequence[records.Sentence],
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> CitationFeatures:
    """Return the features by which `decide` decides, which has the same parameters."""
    votes = {s: logits[:, list(signals).index(s)] for s in SOURCING if s in signals}
    nothing = np.zeros(len(sentences), np.float32)
    attributed = votes.get("attributed", nothing)
    of_kinds = np.stack([votes.get(signal, nothing) for signal in _KIND_SIGNALS], axis=1)
    rows = list(zip(sentences, resolved.raw, resolved.citations, strict=True))
    citations = [
        [citation_features(one, sentence, float(attributed[row])) for one in raw]
        for row, (sentence, raw, _) in enumerate(rows)
    ]
    kind_rows = [
        [kind_features(*pair, of_kinds[row].tolist()) for pair in zip(raw, known, strict=True)]
        for row, (_, raw, known) in enumerate(rows)
    ]
    chances = list(_by_row(scorer.chances(list(chain(*citations))), citations))
    kinds = list(_by_row(scorer.kind_chances(list(chain(*kind_rows))), citations))
    shared = [
        sentence_features(sentence, raw, chances[row], kinds[row], state_media[row])
        for row, (sentence, raw, _) in enumerate(rows)
    ]
    array = np.array(shared, np.float64).reshape(-1, len(SENTENCE_FEATURES) - 1)
    of_signals = {signal: np.column_stack([vote, array]) for signal, vote in votes.items()}
    return CitationFeatures(citations, chances, kind_rows, kinds, of_signals)


def _by_row(values: Iterable[_T], rows: Sequence[Sequence[object]]) -> Iterator[list[_T]]:
    left = iter(values)
    return (list(islice(left, len(row))) for row in rows)


def citation_features(one: RawCitation, sentence: records.Sentence, vote: float) -> list[float]:
    """Return the `CITATION_FEATURES`; `vote` are the log-odds that the sentence is attributed."""
    spans = [(words.start, words.end) for words in one.content]
    elsewhere = one.source is not None and one.source.row != one.content[0].row
    facts = (one.cue is not None, one.source is not None, one.nested, one.carried, elsewhere)
    length = float(np.log1p(sum(end - start for start, end in spans)))
    sure = map(log_odds, (one.marked, one.linked, one.cued))
    return [*sure, *map(float, facts), quoted_share(spans, sentence), vote, length]


def kind_features(one: RawCitation, known: records.Citation, votes: Sequence[float]) -> list[float]:
    """Return the `KIND_FEATURES`; `votes` are the log-odds of the sentence's kinds of source."""
    held = [0.0] * (len(KINDS) + 2)
    if known.source is not None:
        held[KINDS.index(known.kind.value)] = 1.0
        antecedent = known.antecedent is not None
        facts = known.government, known.state_media, bool(known.outlets), antecedent
        held[_EXCLUSIVE:] = map(float, facts)
    return [*map(float, one.kinds), *map(float, votes), *held, float(one.source is not None)]


def sentence_features(
    sentence: records.Sentence,
    raw: Sequence[RawCitation],
    chances: Sequence[float],
    kinds: Sequence[Sequence[float]],
    names_state_media: bool,
) -> list[float]:
    """Return the `SENTENCE_FEATURES` without the vote."""
    of_kinds = [
        max((chance * kind[at] for chance, kind in zip(chances, kinds, strict=True)), default=0.0)
        for at in range(len(KINDS))
    ]
    whole = quoted_share([(0, len(sentence.text))], sentence)
    surest = max(range(len(raw)), key=chances.__getitem__, default=None)
    content = () if surest is None else raw[surest].content
    share = quoted_share([(words.start, words.end) for words in content], sentence)
    return [max(chances, default=0.0), *of_kinds, whole, share, float(names_state_media)]


def quoted_share(spans: Sequence[tuple[int, int]], sentence: records.Sentence) -> float:
    """Return the share of the letters and digits of some spans that are in quotation marks."""
    if not sentence.quoted:
        return 0.0

    def counted(start: int, end: int) -> int:
        return sum(map(str.isalnum, sentence.text[start:end]))

    total = sum(counted(*span) for span in spans)
    inside = sum(
        counted(max(start, first), min(end, last))
        for start, end in spans
        for first, last in sentence.quoted  # which don't overlap
        if first < end and start < last
    )
    return inside / total if total else 0.0


def log_odds(chance: float) -> float:
    """Return the log-odds of a probability, which are finite."""
    return float(np.log(max(chance, _LEAST) / max(1.0 - chance, _LEAST)))


def decide(
    scorer: CitationScorer,
    resolved: ResolvedCitations,
    sentences: Sequence[records.Sentence],
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> tuple[tuple[tuple[records.Citation, ...], ...], NDArray[np.float32]]:
    """Return the citations that are shown, with their probabilities, and the signals' logits."""
    given = features_of(scorer, resolved, sentences, logits, signals, state_media)
    found = logits.copy()
    for signal, line in scorer.signals.weights.items():
        if signal in given.sentences:
            found[:, list(signals).index(signal)] = _weighed(given.sentences[signal], line)
    rows = zip(resolved.citations, given.chances, given.kind_features, given.kinds, strict=True)
    shown = tuple(
        tuple(
            _typed(one, scorer, chance, features, kinds)
            for one, chance, features, kinds in zip(*row, strict=True)
            if chance >= scorer.threshold
        )
        for row in rows
    )
    return shown, found


def _typed(
    one: records.Citation,
    scorer: CitationScorer,
    chance: float,
    features: Sequence[float],
    kinds: Sequence[float],
) -> records.Citation:
    """Return a citation with its source's kind, its probability, and what spoke for the kind."""
    kind = records.SourceKind(KINDS[max(range(_EXCLUSIVE), key=kinds.__getitem__)])
    government, state_media = (likely >= _LIKELY for likely in kinds[_EXCLUSIVE:])
    if kind is records.SourceKind.VAGUE and (government or state_media):
        kind = records.SourceKind.UNNAMED  # such a source could be counted
    shares = scorer.kinds.shares(kind.value, features) if scorer.kinds.weights else {}
    reasons: dict[str, float] = defaultdict(float)
    for feature, share in shares.items():
        reasons[feature.partition(":")[0]] += share
    told = tuple((part, float(f"{share:.3g}")) for part, share in reasons.items())
    one = replace(one, kind=kind, government=government, state_media=state_media)
    return replace(one, score=float(f"{chance:.4g}"), found_by="transformer", reasons=told)


def with_rules(
    sentences: Sequence[records.Sentence], found: Sequence[tuple[records.Citation, ...]]
) -> tuple[tuple[records.Citation, ...], ...]:
    """Add to the encoder's citations those of quotations that run on and of speakers' labels."""
    rows: list[tuple[records.Citation, ...]] = []
    for article in _articles(sentences):
        here = [sentences[row] for row in article]
        labels = {one.source for sentence in here for one in sentence.citations}
        given = [found[row] for row in article]
        heard = attribution.speaking(here, attribution.run_on(here, given))
        for sentence, said, own in zip(here, given, heard, strict=True):
            if not said:
                own = tuple(replace(one, score=None, found_by=attribution.RUN_ON) for one in own)
            own = tuple(one for one in own if one.source not in labels)
            if sentence.citations:
                own = (*sentence.citations, *(one for one in own if one.cue and one.source))
            rows.append(own)
    return tuple(rows)
