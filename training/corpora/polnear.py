"""PolNeAR: attributions in news of the US election campaign of 2016."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from framescope.classifier.attribution import begin
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import split_sentences
from framescope.classifier.models import digest_of_names
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.records import Article, MarkedCitation, Place, Sentence, SourceKind, Unit
from framescope.training.corpora.articles import Card, house_folder

CARD = Card.of("polnear")
_NAME = re.compile(r"(?P<outlet>[a-z-]+)_(?P<date>\d{4}-\d\d-\d\d)_.+")
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
# brat's stand-off files
_ENTITY = re.compile(r"(T\d+)\t(Source|Cue|Content) (\d+ \d+(?:;\d+ \d+)*)\t")
_EVENT = re.compile(r"E\d+\t(.*)")
_ROLE = re.compile(r"([A-Z][a-z]+)\d*:(\S+)")
# Cues of an attribution to nobody in particular, where no source is marked.
_VAGUE_CUE = re.compile(
    r"\b(?:reportedly|allegedly|supposedly|purportedly|rumou?red|rumou?rs?|speculation"
    r"|(?:is|are|was|were|been|be)(?: \w+){0,2} (?:expected|believed|thought|said|seen|considered"
    r"|regarded|viewed|alleged|reported|known|perceived|assumed|feared|hoped|understood))\b",
    re.IGNORECASE,
)
# What precedes the outlet that carried the words: "told CNN", "on ABC's This Week".
_CHANNEL = re.compile(
    r"\b(?:told|tells|telling|spoke (?:to|with)|speaking (?:to|with)|interview (?:with|on|by)"
    r"|interviewed (?:by|on)|statement to|on|in|writing (?:in|for)|op-ed (?:in|for|published in)"
    r"|according to|reported by|published (?:in|by)|by) (?:the |an? )?$",
    re.IGNORECASE,
)
_CHANNEL_WIDTH = 40  # characters before an outlet's name that are searched
_Vote = dict[str, bool | None]  # of an annotator on the signals; None abstains
_KINDS = {"N": SourceKind.NAMED, "U": SourceKind.UNNAMED, "V": SourceKind.VAGUE}


@dataclass(frozen=True, slots=True)
class TypedSource:
    """What kind of source an attribution has; `outlets` are registry ids that it names."""

    kind: SourceKind | None
    government: bool = False
    state_media: bool = False
    outlets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """Attributed content; source and cue reach from the first to the last of their words."""

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    typed: TypedSource | None = None  # also None for a source that names nobody ("I", "you")

    def touches(self, start: int, end: int) -> bool:
        """Return whether any of the content lies in a range."""
        return any(place.start < end and start < place.end for place in self.content)


def read_attributions(path: Path) -> list[Attribution]:
    """Read one annotator's brat file; content without an event is an attribution by itself."""
    places: dict[str, list[Place]] = {}
    alone: dict[str, Attribution] = {}
    found: list[Attribution] = []

    def joined(names: Iterable[str]) -> tuple[Place, ...]:
        parts = (place for name in names for place in places.get(name, ()))
        return tuple(sorted(parts, key=lambda place: (place.start, place.end)))

    def whole(names: Iterable[str]) -> Place | None:
        parts = joined(names)
        return Place(parts[0].start, max(part.end for part in parts)) if parts else None

    for line in path.read_text(encoding="utf-8").splitlines():
        if match := _ENTITY.match(line):
            pairs = (piece.split() for piece in match[3].split(";"))
            places[match[1]] = [Place(int(start), int(end)) for start, end in pairs]
            if match[2] == "Content":
                alone[match[1]] = Attribution(None, None, joined([match[1]]))
        elif match := _EVENT.match(line):
            roles: dict[str, list[str]] = defaultdict(list)
            for role, name in _ROLE.findall(match[1]):
                roles[role].append(name)
            source, cue, content = (roles[role] for role in ("Source", "Cue", "Content"))
            found.append(Attribution(whole(source), whole(cue), joined(content)))
            for name in content:
                alone.pop(name, None)
    return [*found, *alone.values()]


def kinds_file() -> Path:
    """Return the file of what the corpus doesn't mark: kinds of source, and quotations."""
    return house_folder() / "standoff" / "polnear.jsonl"


def _typed(code: str) -> TypedSource | None:
    """Read a code: "NG", "U", "NS:tass"; it is empty where the source has no kind."""
    letters, _, outlets = code.partition(":")
    if not letters:
        return None
    ids = tuple(filter(None, outlets.split(",")))
    return TypedSource(_KINDS[letters[0]], "G" in letters, "S" in letters, ids)


def read(folder: Path) -> Iterator[Article]:
    """Read the articles of every part, ordered by part and file name."""
    registry = load_registry()
    for annotated in texts(folder):
        labelled = annotated.labels(registry), annotated.citations()
        units = tuple(
            Unit(sentence.start, sentence.end, labels, citations=citations)
            for sentence, labels, citations in zip(annotated.sentences, *labelled, strict=True)
        )
        title = annotated.sentences[0].text if units else None
        yield replace(annotated.article, title=title, units=units)


def version() -> str:
    """Return what the labels follow from besides this module's code."""
    kinds = kinds_file().read_text(encoding="utf-8") if kinds_file().is_file() else ""
    return digest_of_names(load_registry()) + kinds


def texts(folder: Path) -> Iterator[Annotated]:
    """Read each text with its annotations; raise `CorpusError` where they don't belong together."""
    if not (file := kinds_file()).is_file():
        raise CorpusError(f"{file}: no kinds of source for polnear; restore the file")
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    records = {record["article"]: record for record in lines}
    for part in sorted(path for path in (folder / "data").iterdir() if path.is_dir()):
        annotators: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((part / "attributions").glob("*.ann")):
            annotators[path.stem.rpartition("_")[0]].append(path)
        for path in sorted((part / "text").glob("*.txt")):
            name = _NAME.fullmatch(path.stem)
            if name is None or path.stem not in annotators:
                what = f"no attributions for this text in {part / 'attributions'}"
                raise CorpusError(f"{path}: {what}; obtain the corpus again")
            text, outlet, date = path.read_text(encoding="utf-8"), name["outlet"], name["date"]
            article = Article(path.stem, text, outlet=outlet, date=date, lang="en")
            marked = [tuple(read_attributions(one)) for one in annotators[path.stem]]
            sentences, record = split_sentences(article), records.get(article.id)
            if record is None:  # a text of a fuller release: kinds of source are unknown
                yield Annotated(article, sentences, tuple(marked), begin(article).quotations)
                continue
            kinds = [list(map(_typed, codes)) for codes in record["kinds"]]
            digest = hashlib.sha256(text.encode()).hexdigest()
            if digest != record["digest"] or list(map(len, kinds)) != list(map(len, marked)):
                what = f"not the text and attributions whose sources were typed in {file}"
                raise CorpusError(f"{path}: {what}; obtain the corpus again")
            typed = (
                tuple(replace(one, typed=kind) for one, kind in zip(*pair, strict=True))
                for pair in zip(marked, kinds, strict=True)
            )
            quotations = tuple((start, end) for start, end in record["quotations"])
            yield Annotated(article, sentences, tuple(typed), quotations)


@dataclass(frozen=True)
class Annotated:
    """A text with each annotator's attributions, and the ranges that are in quotation marks."""

    article: Article
    sentences: tuple[Sentence, ...]
    annotators: tuple[tuple[Attribution, ...], ...]
    quotations: tuple[tuple[int, int], ...] = ()

    def labels(self, registry: Registry) -> list[dict[str, float]]:
        """Label each sentence as the majority does; leave ties unlabelled."""
        votes = (self._votes(marked, registry) for marked in self.annotators)
        return list(map(_majority, zip(*votes, strict=True)))

    def citations(self) -> list[tuple[MarkedCitation, ...]]:
        """Return each sentence's citations: the first annotator's, cut at the sentence's ends."""
        found = []
        for sentence in self.sentences:
            here = []
            for one in self.annotators[0]:
                start, end = (one.cue.start, one.cue.end) if one.cue else (-1, -1)
                cue = one.cue if sentence.start <= start and end <= sentence.end else None
                typed = one.typed or TypedSource(SourceKind.VAGUE if self._is_vague(one) else None)
                if content := tuple(clipped(one.content, sentence)):
                    on_top = typed.kind, typed.government, typed.state_media
                    here.append(MarkedCitation(one.source, cue, content, *on_top))
            found.append(tuple(here))
        return found

    def outlets(self, registry: Registry) -> list[frozenset[str]]:
        """Return the outlets, by sentence, that a source names or that carried the words."""
        behind: list[set[str]] = [set() for _ in self.sentences]
        for marked in self.annotators:
            rows = self._by_sentence(marked, registry)
            for found, (_, here, channels) in zip(behind, rows, strict=True):
                found |= channels
                found.update(name for one in here if one.typed for name in one.typed.outlets)
        return list(map(frozenset, behind))

    def _by_sentence(
        self, marked: Sequence[Attribution], registry: Registry
    ) -> Iterator[tuple[Sentence, list[Attribution], set[str]]]:
        """Yield each sentence with its attributions, and the outlets that carried the words."""
        for sentence in self.sentences:
            here = [one for one in marked if one.touches(sentence.start, sentence.end)]
            found = registry.mentions(sentence.text) if here else []
            near = (m for m in found if any(_carries(sentence, a, m.start, m.end) for a in here))
            yield sentence, here, {outlet for mention in near for outlet in mention.outlets}

    def _votes(self, marked: Sequence[Attribution], registry: Registry) -> Iterator[_Vote]:
        """Yield one annotator's labels of each sentence; None abstains."""
        for sentence, here, channels in self._by_sentence(marked, registry):
            typed = [one.typed for one in here if one.typed is not None]
            sourceless = [self._is_vague(one) for one in here if one.typed is None]
            kinds = {one.kind for one in typed} | ({SourceKind.VAGUE} if any(sourceless) else set())
            state_media = {registry[one].state_media for one in channels}
            state_media |= {one.state_media for one in typed}
            # A source that is not marked may be of any kind, so that nothing can be ruled out.
            absent = False if all(sourceless) else None
            quoted = self._is_quoted(sentence, here)
            yield {
                "attributed": bool(here),
                **{f"{kind}_source": kind in kinds or absent for kind in SourceKind},
                "government_attribution": any(one.government for one in typed) or absent,
                "state_media_attribution": any(state_media) or absent,
                "quoted": quoted,
                "reported": None if quoted is None else bool(here) and not quoted,
            }

    def _is_vague(self, one: Attribution) -> bool:
        cue = one.cue
        return cue is not None and bool(_VAGUE_CUE.search(self.article.text, cue.start, cue.end))

    def _is_quoted(self, sentence: Sentence, here: Sequence[Attribution]) -> bool | None:
        words = [m.span() for m in _WORD.finditer(self.article.text, sentence.start, sentence.end)]
        if here:
            words = [word for word in words if any(one.touches(*word) for one in here)]
        marks = [(a, b) for a, b in self.quotations if a < sentence.end and sentence.start < b]
        quoted = sum(any(a <= start < b for a, b in marks) for start, _ in words)
        half = bool(words) and 2 * quoted >= len(words)
        # Words in quotation marks that nobody attributes: a title, or missed by the annotator.
        return None if half and not here else half


def _carries(sentence: Sentence, one: Attribution, first: int, last: int) -> bool:
    """Return whether a content came through the outlet that is mentioned: "told Reuters"."""
    start, end = sentence.start + first, sentence.start + last
    if one.cue is not None and one.cue.start <= start and end <= one.cue.end:
        return True
    before = sentence.text[max(0, first - _CHANNEL_WIDTH) : first]
    return not one.touches(start, end) and bool(_CHANNEL.search(before))


def clipped(content: Iterable[Place], sentence: Sentence) -> Iterator[Place]:
    """Yield what of the places lies in a sentence; of two that overlap the second is cut."""
    last = sentence.start
    for place in content:
        start, end = max(place.start, last), min(place.end, sentence.end)
        if start < end:
            yield Place(start, end)
            last = end


def _majority(votes: Sequence[_Vote]) -> dict[str, float]:
    """Decide whether a sentence is attributed; those who agree decide the other signals."""
    attributed = _decided(vote["attributed"] for vote in votes)
    if attributed is None:
        return {}
    agreeing = [vote for vote in votes if vote["attributed"] is attributed]
    decided = {signal: _decided(vote[signal] for vote in agreeing) for signal in CARD.signals}
    return {signal: float(label) for signal, label in decided.items() if label is not None}


def _decided(votes: Iterable[bool | None]) -> bool | None:
    given = [vote for vote in votes if vote is not None]
    yes = 2 * sum(given)
    return None if yes == len(given) else yes > len(given)
