"""PolNeAR: attributions in news of the US election campaign of 2016."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.attribution import begin
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.records import Article, MarkedCitation, Place, Sentence, SourceKind, Unit
from framescope.training.corpora.attributions import (
    Attribution,
    TypedSource,
    kind_of,
    kinds_file,
    read_attributions,
    read_kinds,
)
from framescope.training.corpora.corpus import Card

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry
    from framescope.classifier.records import Mention

CARD = Card(
    name="polnear",
    title="PolNeAR 1.0, political news attribution relations (training and development parts)",
    folder="polnear",
    files=("data/*/text/*.txt", "data/*/attributions/*.ann"),
    url="https://github.com/networkdynamics/PolNeAR",
    citation=(
        "Newell, Margolin, Ruths (2018). An Attribution Relations Corpus for Political News. "
        "LREC 2018. ACL Anthology L18-1524"
    ),
    licence="none stated",
    language="en",
    signals=(
        "attributed",
        "named_source",
        "unnamed_source",
        "vague_source",
        "government_attribution",
        "state_media_attribution",
        "quoted",
        "reported",
    ),
    unit="a sentence (split here; the corpus marks spans)",
    mapping=(
        "A sentence is 1 for attributed when a Content span of an attribution overlaps it, with or "
        "without a named source, else 0; where several annotators marked one text, their majority "
        "decides and a tie is left unlabelled. Wider than the guidelines in one way: thoughts, "
        "wishes and intentions ('she likes it') count as attributions too, and a sentence that "
        "mixes own and attributed matter is 1 even when its main assertion is the author's. The "
        "kinds of source are not the corpus' own: each Source was typed once by the registry and "
        "the grammar of framescope 0.2, pronouns by what they stand for (corpus/standoff/"
        "polnear.jsonl), "
        "and a sentence has the kinds of the attributions whose Content overlaps it. Office- "
        "holders who were candidates then are no government. An attribution without a Source is "
        "vague where its Cue says so ('reportedly', 'is expected'); else, and for 'I' and 'you', "
        "the kinds it could have are left unlabelled. A sentence is quoted when at least half of "
        "the words of its attributed content are in quotation marks, and reported when it is "
        "attributed and not quoted."
    ),
    digest="70ebc3edd2a349a6b78d87611ee390b9dcafac66b4a16aac0430edde86d2a7e8",
    # Thoughts, wishes and plans count as attributions, and with them the kinds of their sources.
    other_sense=(
        "attributed",
        "named_source",
        "unnamed_source",
        "vague_source",
        "government_attribution",
        "quoted",
        "reported",
    ),
)

_NAME = re.compile(r"(?P<outlet>[a-z-]+)_(?P<date>\d{4}-\d\d-\d\d)_.+")
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
# Cues that hand the content to nobody in particular, where no source is given.
_VAGUE_CUE = re.compile(
    r"\b(?:reportedly|allegedly|supposedly|purportedly|rumou?red|rumou?rs?|speculation"
    r"|(?:is|are|was|were|been|be)(?: \w+){0,2} (?:expected|believed|thought|said|seen|considered"
    r"|regarded|viewed|alleged|reported|known|perceived|assumed|feared|hoped|understood))\b",
    re.IGNORECASE,
)
# What stands between a cue and the outlet that carried the words: "told CNN", "on ABC's This Week".
_CHANNEL = re.compile(
    r"\b(?:told|tells|telling|spoke (?:to|with)|speaking (?:to|with)|interview (?:with|on|by)"
    r"|interviewed (?:by|on)|statement to|on|in|writing (?:in|for)|op-ed (?:in|for|published in)"
    r"|according to|reported by|published (?:in|by)|by) (?:the |an? )?$",
    re.IGNORECASE,
)


def read(folder: Path) -> Iterator[Article]:
    """Read the articles of every part, ordered by part and file name."""
    from framescope.classifier.outlets import load_registry

    shipped = load_registry()
    for annotated in texts(folder):
        rows = zip(
            annotated.sentences, annotated.labels(shipped), annotated.citations(), strict=True
        )
        units = tuple(
            Unit(sentence.start, sentence.end, given, citations=citations)
            for sentence, given, citations in rows
        )
        article = annotated.article
        title = article.text[units[0].start : units[0].end] if units else None
        yield replace(article, title=title, units=units)


def version() -> str:
    """Everything besides this module's code that the labels follow from."""
    from framescope.classifier.models import digest_of_names
    from framescope.classifier.outlets import load_registry

    found = kinds_file().read_text(encoding="utf-8") if kinds_file().is_file() else ""
    return "".join((digest_of_names(load_registry()), found))


def texts(folder: Path) -> Iterator[Annotated]:
    """Read the texts of every part with their annotations, ordered by part and file name.

    Raises
    ------
    CorpusError
        When a text has no annotations, or is another than the one whose sources were typed.
    """
    typed = read_kinds()
    for part in sorted(path for path in (folder / "data").iterdir() if path.is_dir()):
        annotators: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((part / "attributions").glob("*.ann")):
            annotators[path.stem.rpartition("_")[0]].append(path)
        for path in sorted((part / "text").glob("*.txt")):
            name = _NAME.fullmatch(path.stem)
            if name is None or path.stem not in annotators:
                raise CorpusError(
                    f"{path}: no attributions for this text in {part / 'attributions'}; "
                    "obtain the corpus again"
                )
            article = Article(
                id=path.stem,
                text=path.read_text(encoding="utf-8"),
                outlet=name["outlet"],
                date=name["date"],
                lang="en",
            )
            marked = tuple(tuple(read_attributions(file)) for file in annotators[path.stem])
            yield _with_kinds(path, article, marked, typed.get(article.id))


def _with_kinds(
    path: Path,
    article: Article,
    marked: Sequence[tuple[Attribution, ...]],
    record: dict[str, Any] | None,
) -> Annotated:
    """Put what was typed beside what is marked.

    Of a text that the release doesn't have no kinds are known. Raises `CorpusError` where a text or
    its attributions are others than those that were typed.
    """
    if record is None:
        return Annotated(article, split(article), tuple(marked), begin(article).quotations)
    digest = hashlib.sha256(article.text.encode()).hexdigest()
    kinds = [list(map(kind_of, codes)) for codes in record["kinds"]]
    if digest != record["digest"] or list(map(len, kinds)) != list(map(len, marked)):
        raise CorpusError(
            f"{path}: not the text and attributions whose sources were typed in {kinds_file()}; "
            "obtain the corpus again"
        )
    annotators = tuple(
        tuple(replace(one, typed=kind) for one, kind in zip(each, given, strict=True))
        for each, given in zip(marked, kinds, strict=True)
    )
    quoted = tuple((int(start), int(end)) for start, end in record["quotations"])
    return Annotated(article, split(article), annotators, quoted)


@dataclass(frozen=True)
class Annotated:
    """A text and what each annotator marked in it.

    Attributes
    ----------
    article : Article
    sentences : tuple of Sentence
    annotators : tuple of tuple of Attribution
    quotations : tuple of (int, int)
        Ranges of the text, marks included.
    """

    article: Article
    sentences: tuple[Sentence, ...]
    annotators: tuple[tuple[Attribution, ...], ...]
    quotations: tuple[tuple[int, int], ...] = ()

    def labels(self, registry: Registry) -> list[dict[str, float]]:
        """Label each sentence as the majority does; a tie is left unlabelled."""
        votes = [self._votes(marked, registry) for marked in self.annotators]
        return [_majority([ballot[row] for ballot in votes]) for row in range(len(self.sentences))]

    def citations(self) -> list[tuple[MarkedCitation, ...]]:
        """Return each sentence the first annotator's attributions whose content lies in it.

        A content that runs over sentences is cut at their ends.
        """
        return [
            tuple(
                MarkedCitation(
                    one.source,
                    one.cue if one.cue and _inside(one.cue, sentence) else None,
                    content,
                    *(_on_top(one.typed, self._is_vague(one))),
                )
                for one in self.annotators[0]
                if (content := tuple(_clipped(one.content, sentence)))
            )
            for sentence in self.sentences
        ]

    def outlets(self, registry: Registry) -> list[frozenset[str]]:
        """Find the outlets that each sentence's content is attributed to, as registry ids.

        Those that any annotator's sources name, or stand for, and those that carried the words.
        """
        behind: list[set[str]] = [set() for _ in self.sentences]
        mentions = self._mentions(registry)
        for marked in self.annotators:
            for row, sentence in enumerate(self.sentences):
                for one in marked:
                    if one.touches(sentence.start, sentence.end):
                        behind[row].update(one.typed.outlets if one.typed else ())
                        behind[row].update(self._channels(sentence, one, mentions[row]))
        return [frozenset(found) for found in behind]

    def _mentions(self, registry: Registry) -> list[list[Mention]]:
        """Find the outlets that each sentence names; offsets are those of the sentence."""
        return [registry.mentions(sentence.text) for sentence in self.sentences]

    def _channels(
        self, sentence: Sentence, one: Attribution, mentions: Sequence[Mention]
    ) -> Iterator[str]:
        """Find the outlets through which an attribution's content came: "told Reuters"."""
        for mention in mentions:
            start, end = sentence.start + mention.start, sentence.start + mention.end
            in_cue = one.cue is not None and one.cue.start <= start and end <= one.cue.end
            before = sentence.text[max(0, mention.start - 40) : mention.start]
            if in_cue or (not one.touches(start, end) and _CHANNEL.search(before)):
                yield from mention.outlets

    @cached_property
    def _quoted(self) -> bytes:
        """1 at each character that stands in quotation marks."""
        inside = bytearray(len(self.article.text))
        for start, end in self.quotations:
            inside[start:end] = b"\1" * (end - start)
        return bytes(inside)

    def _votes(
        self, marked: Sequence[Attribution], registry: Registry
    ) -> list[dict[str, bool | None]]:
        """What one annotator says of each sentence; None abstains."""
        votes = []
        for sentence, mentions in zip(self.sentences, self._mentions(registry), strict=True):
            here = [one for one in marked if one.touches(sentence.start, sentence.end)]
            channels = (
                registry[outlet].state_media
                for one in here
                for outlet in self._channels(sentence, one, mentions)
            )
            votes.append(self._vote(sentence, here, state_media=any(channels)))
        return votes

    def _vote(
        self, sentence: Sentence, here: Sequence[Attribution], *, state_media: bool
    ) -> dict[str, bool | None]:
        found = [one.typed for one in here if one.typed is not None]
        sourceless = [self._is_vague(one) for one in here if one.typed is None]
        kinds = {typed.kind for typed in found}
        if any(sourceless):
            kinds.add(SourceKind.VAGUE)
        state_media = state_media or any(typed.state_media for typed in found)
        # A source that is not marked may be of any kind, so that nothing can be ruled out.
        absent = False if all(sourceless) else None
        quoted = self._is_quoted(sentence, here)
        return {
            "attributed": bool(here),
            "named_source": SourceKind.NAMED in kinds or absent,
            "unnamed_source": SourceKind.UNNAMED in kinds or absent,
            "vague_source": SourceKind.VAGUE in kinds or absent,
            "government_attribution": any(typed.government for typed in found) or absent,
            "state_media_attribution": state_media or absent,
            "quoted": quoted,
            "reported": None if quoted is None else bool(here) and not quoted,
        }

    def _is_vague(self, one: Attribution) -> bool:
        cue = one.cue
        return cue is not None and bool(_VAGUE_CUE.search(self.article.text, cue.start, cue.end))

    def _is_quoted(self, sentence: Sentence, here: Sequence[Attribution]) -> bool | None:
        words = [m.span() for m in _WORD.finditer(self.article.text, sentence.start, sentence.end)]
        content = [w for w in words if any(one.touches(*w) for one in here)] if here else words
        half = bool(content) and 2 * sum(self._quoted[start] for start, _ in content) >= len(
            content
        )
        # Words in quotation marks that nobody attributes: a title, or missed by the annotator.
        return None if half and not here else half


def _inside(place: Place, sentence: Sentence) -> bool:
    return sentence.start <= place.start and place.end <= sentence.end


def _clipped(content: Iterable[Place], sentence: Sentence) -> Iterator[Place]:
    last = sentence.start
    for place in content:
        start, end = max(place.start, last), min(place.end, sentence.end)
        if start < end:
            yield Place(start, end)
            last = end


def _on_top(typed: TypedSource | None, vague: bool) -> tuple[SourceKind | None, bool, bool]:
    if typed is None:
        return SourceKind.VAGUE if vague else None, False, False
    return typed.kind, typed.government, typed.state_media


def _majority(votes: Sequence[dict[str, bool | None]]) -> dict[str, float]:
    """Decide whether a sentence is attributed; those who say so decide to whom, and how."""
    attributed = _decided([vote["attributed"] for vote in votes])
    labels: dict[str, float] = {}
    for signal in CARD.signals if attributed is not None else ():
        decided = _decided([v[signal] for v in votes if v["attributed"] is attributed])
        if decided is not None:
            labels[signal] = float(decided)
    return labels


def _decided(votes: Sequence[bool | None]) -> bool | None:
    given = [vote for vote in votes if vote is not None]
    yes = 2 * sum(given)
    return None if yes == len(given) else yes > len(given)
