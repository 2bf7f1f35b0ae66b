"""Articles and a bundle in, scored articles out."""

import math
import time
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import accumulate, compress, pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from framescope.classifier.attribution import quoted_elsewhere, read
from framescope.classifier.bundles import Bundle, load
from framescope.classifier.errors import SignalError
from framescope.classifier.inputs import Original, normalise_articles, restore
from framescope.classifier.models import FAR, FEWEST_SENTENCES, Prediction, repeated, time_limit
from framescope.classifier.outlets import Registry, cites_wrapper, load_registry, source_card
from framescope.classifier.records import (
    NOBODY,
    SOURCE_SIGNALS,
    UNRESOLVED,
    Article,
    ArticleReport,
    Sentence,
    SentenceReport,
    Skipped,
    SourceKind,
    Voice,
)
from framescope.classifier.taxonomy import BY_NAME, NAMES, TECHNIQUES, Family, Level, in_order
from numpy.typing import NDArray

Item = ArticleReport | Skipped
Bools = NDArray[np.bool_]
_Rows = list[tuple[dict[str, float], tuple[str, ...]]]  # scores, and the signals that are flagged

# Articles scored together: enough that a call of the baseline costs little, few enough to keep
# memory flat and results coming. What an article scores does not depend on its company.
_TOGETHER = 32
_MANY = 300  # sentences, from which no more articles are read to be scored together
_LONG = 0.5  # seconds of reading, after which what has been read is scored

CONTENT = "content"
"""The signal without which a sentence carries no other."""
_HELD_BACK = frozenset({Family.FRAMING, Family.ARTICLE})
"""What is only flagged where it is certain, in an article unlike what the model learned from."""
_VOICES = (Voice.QUOTED.value, Voice.REPORTED.value)
"""The signals that say whose words a sentence is."""
_CONFIRMING = ("attributed", "vague_source")
"""The signals that confirm what the encoder cites; the second where the source is vague."""
_ANY, _ASSERTION, _REPETITION = "any_technique", "unsourced_assertion", "repetition"
_MOSTLY = 0.5  # of a sentence, in characters, from which its quotation marks make it quoted


class Scorer:
    """Scores articles with a bundle.

    It reports the `signals`, by default all that the bundle gives, and says why (`evidence`), or
    why of some. `SignalError` is raised for one that the taxonomy doesn't name, or the bundle
    doesn't give. The `registry` says who is cited and who published an article, by default the one
    that ships; a model of another registry than the bundle's looks for names itself. An article
    that takes longer than some `seconds` to read and score is skipped. Signals that are
    `experimental` are flagged only if asked for.
    """

    def __init__(
        self,
        bundle: Bundle,
        signals: Sequence[str] | None = None,
        registry: Registry | None = None,
        evidence: bool | Collection[str] = True,
        seconds: float = math.inf,
        experimental: bool = False,
    ) -> None:
        self.bundle = bundle
        self.seconds = seconds
        # Without its words no repetition is flagged.
        self._shown = {_REPETITION, *(NAMES if evidence is True else evidence or ())}
        self.registry = load_registry() if registry is None else registry
        self.signals = bundle.signals if not signals else in_order(signals)
        for signal in self.signals:
            if signal not in bundle.signals:
                gives = f"it gives: {', '.join(bundle.signals)}"
                raise SignalError(f"the bundle {bundle.name} doesn't give '{signal}'; {gives}")
        self.thresholds = {signal: bundle.thresholds[signal] for signal in self.signals}
        self._hidden = frozenset[str]() if experimental else bundle.experimental
        self.experimental = tuple(s for s in self.signals if s in self._hidden)
        # The signal of all techniques counts those that are shown.
        self._any = {_ANY} & {*self.signals} if self._hidden & {*TECHNIQUES} else set[str]()
        self._of_sentences = [s for s in self.signals if BY_NAME[s].level is not Level.ARTICLE]
        self._of_articles = [s for s in self.signals if BY_NAME[s].level is Level.ARTICLE]

    def score(self, articles: Iterable[Article | Skipped]) -> Iterator[Item]:
        """Score articles as they come, in their order; what was skipped is passed on.

        While the model reads some, the next are prepared in a thread, which also draws them from
        ``articles``. What is raised there is raised here, after all that came before. Closing the
        iterator ends the thread. Reports have the offsets of the text as it was given.
        """
        given: deque[Original] = deque()
        with closing(self._scored(normalise_articles(articles, given.append))) as reports:
            for report in reports:
                yield restore(report, given.popleft())

    def score_together(self, articles: Iterable[Article | Skipped]) -> list[Item]:
        """Score articles, each read when it is drawn, in one call of the model."""
        given: deque[Original] = deque()
        read = [self._prepare(item) for item in normalise_articles(articles, given.append)]
        return [restore(report, given.popleft()) for report in self._in_time(read)]

    def _scored(self, articles: Iterable[Article | Skipped]) -> Generator[Item, None, None]:
        stream, closed = iter(articles), Event()
        items, ended = self._read(stream, closed)
        with ThreadPoolExecutor(1, "framescope-reader") as pool:
            try:
                while items:
                    ahead = None if ended else pool.submit(self._read, stream, closed)
                    yield from self._in_time(items)
                    items, ended = ahead.result() if ahead else ([], ended)
            finally:
                closed.set()
        if isinstance(ended, Exception):
            raise ended

    def _read(
        self, stream: Iterator[Article | Skipped], closed: Event
    ) -> tuple[list[Item], bool | Exception]:
        """Draw the next articles and read them; with whether they are the last, or what failed."""
        items: list[Item] = []
        sentences, begun = 0, time.monotonic()
        try:
            for item in stream:
                items.append(read := self._prepare(item))
                sentences += len(read.sentences) if isinstance(read, ArticleReport) else 0
                if closed.is_set():
                    break
                enough = len(items) == _TOGETHER or sentences >= _MANY
                if enough or time.monotonic() - begun > _LONG:
                    return items, False
        except Exception as error:  # whatever the iterator raises is for its owner
            return items, error
        return items, True

    def _prepare(self, item: Article | Skipped) -> Item:
        """Sentences with all that the rules say of them; a note where the model can't read it."""
        if isinstance(item, Skipped):
            return item
        start = time.monotonic()
        reading = read(item, self.registry, self.bundle.languages)
        if time.monotonic() - start > self.seconds:
            return self._too_long(item)
        lang, note = reading.article.lang, None
        if lang is not None and lang not in self.bundle.languages:
            known = ", ".join(self.bundle.languages)
            note = f"not scored: the text is in '{lang}', the model reads {known}"
        elif not reading.sentences:
            note = "not scored: no sentences"
        found = tuple(SentenceReport(s, {}, ()) for s in reading.sentences)
        return ArticleReport(reading.article, found, note=note, reading=reading)

    def _in_time(self, read: Sequence[Item]) -> Iterator[Item]:
        """Score some articles; one by one where together they take too long."""
        drafts = _drafts(read)
        try:
            with time_limit(self.seconds * max(len(drafts), 1)):
                found = list(self._score(read))
        except TimeoutError:
            if len(drafts) > 1:
                found = [one for item in read for one in self._in_time([item])]
            else:
                late = [self._too_long(draft.article) for draft in drafts]
                found = [late.pop() if item in drafts else item for item in read]
        yield from found

    def _too_long(self, article: Article) -> Skipped:
        reason = f"took longer than {self.seconds:g} s; raise --max-seconds, or divide it"
        return Skipped(str(article.origin or article.id), reason)

    def _score(self, read: Sequence[Item]) -> Iterator[Item]:
        drafts = _drafts(read)
        given = [draft.sentence for item in drafts for draft in item.sentences]
        # Two files may use one id; a model tells articles apart by it.
        numbers = [str(n) for n, item in enumerate(drafts) for _ in item.sentences]
        same = self.bundle.registry is self.registry
        prediction = self.bundle.model.predict(
            [
                replace(one, article_id=number, mentions=one.mentions if same else None)
                for one, number in zip(given, numbers, strict=True)
            ]
        )
        edges = list(accumulate((len(item.sentences) for item in drafts), initial=0))
        distances, unsure = self._unsure(edges, prediction)
        decided = self._decided(prediction.proba)
        voiced = self._voiced(drafts, prediction, decided)
        sentences = self._sentences(voiced, prediction, decided, unsure)
        found = iter(zip(pairwise(edges), distances, strict=True))
        for item in read:
            if isinstance(item, Skipped):
                yield item
                continue
            if item.note is None:
                (start, end), distance = next(found)
                every, over = decided[start]
                scores = {signal: every[signal] for signal in self._of_articles}
                flags, undecided = self._parted([f for f in over if f in scores], unsure[start])
                item = replace(
                    item,
                    sentences=tuple(_kept(item.article, sentences[start:end], self._any)),
                    scores=scores,
                    flags=flags,
                    undecided=undecided,
                    experimental=self.experimental,
                    distance=distance,
                    far=_is_far(distance, end - start),
                )
            yield replace(item, source=source_card(item, self.registry))

    def _unsure(
        self, edges: Sequence[int], prediction: Prediction
    ) -> tuple[list[float | None], Bools]:
        """Return how far articles lie from what was learned, and what is undecided in them."""
        unsure: Bools = np.zeros(prediction.proba.shape, np.bool_)
        distances: list[float | None] = [None] * (len(edges) - 1)
        domain = self.bundle.domain
        if domain is None or not distances:
            return distances, unsure
        if (vectors := prediction.vectors) is not None:
            means = [vectors[start:end].mean(axis=0) for start, end in pairwise(edges)]
            distances = [float(one) for one in domain.distance(np.array(means, np.float32))]
        held_back = [BY_NAME[s].family in _HELD_BACK for s in self.bundle.signals]
        for (start, end), distance in zip(pairwise(edges), distances, strict=True):
            unsure[start:end] = np.array(held_back) & _is_far(distance, end - start)
        return distances, unsure & ~domain.sure(prediction.proba)

    def _parted(
        self, flags: Sequence[str], unsure: Bools
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Part flags into those that stand and those that are left undecided."""
        left = [f for f in flags if unsure.any() and unsure[self.bundle.signals.index(f)]]
        return tuple(flag for flag in flags if flag not in left), tuple(left)

    def _voiced(
        self, drafts: Sequence[ArticleReport], prediction: Prediction, decided: _Rows
    ) -> list[Sentence]:
        """Add who is cited in sentences, and whose words they are."""
        of_rows, citations = iter(decided), iter(prediction.citations)
        voiced: list[Sentence] = []
        for draft in drafts:
            rows = []
            for sentence in (one.sentence for one in draft.sentences):
                scores, flags = next(of_rows)
                no = scores.keys() - {*flags}
                cited = tuple(
                    one
                    for one in next(citations)
                    if (one.score is None or _CONFIRMING[one.kind is SourceKind.VAGUE] not in no)
                    and not cites_wrapper(one, sentence, draft.article)
                )
                voice = self._voice(sentence, bool(cited), scores, flags)
                rows.append(replace(sentence, citations=cited, voice=voice))
            for row in quoted_elsewhere(draft.article.text, rows):
                rows[row] = replace(rows[row], voice=Voice.QUOTED)
            voiced += rows
        return voiced

    def _voice(
        self, one: Sentence, cited: bool, scores: dict[str, float], flags: tuple[str, ...]
    ) -> Voice | None:
        """Say whose words a sentence is: by its marks, else by the model, else by who is cited."""
        marked = sum(end - start for start, end in one.quoted)
        if marked and marked >= _MOSTLY * len(one.text):
            return Voice.QUOTED
        known = [signal for signal in _VOICES if signal in scores]
        if not known:
            return Voice.REPORTED if cited else None
        # Of two, the one that is further above its threshold.
        voice = Voice(max(known, key=lambda s: scores[s] / max(self.bundle.thresholds[s], 1e-6)))
        # Without marks, somebody's words are those of a source, which the model must see too.
        sourced = "attributed" in flags and _ASSERTION not in flags
        seen = cited or (sourced if voice is Voice.REPORTED else bool(one.quoted))
        seen = seen or "attributed" not in scores
        if voice.value in flags and seen:
            return voice
        return Voice.OWN if len(known) == len(_VOICES) else None

    def _sentences(
        self, sentences: Sequence[Sentence], prediction: Prediction, decided: _Rows, unsure: Bools
    ) -> list[SentenceReport]:
        found = []
        for sentence, (every, over), row in zip(sentences, decided, unsure, strict=True):
            # A line of the page around an article has no other label, whatever its words would say.
            is_content = CONTENT in over or CONTENT not in every
            scores = {signal: every[signal] for signal in self._of_sentences}
            on = {*over} - self._any | (self._any if {*TECHNIQUES} & {*over} else set())
            flags, undecided = self._parted(in_order(on & scores.keys()) if is_content else (), row)
            one = sentence if is_content else replace(sentence, citations=())
            scored = SentenceReport(one, scores, flags, (), one.citations, undecided)
            found.append(replace(scored, flags=_agreeing(scored)) if is_content else scored)
        flagged = ((row, flag) for row, one in enumerate(found) for flag in one.flags)
        if wanted := [(row, flag) for row, flag in flagged if flag in self._shown]:
            for (row, _), spans in zip(wanted, prediction.evidence(wanted), strict=True):
                found[row] = replace(found[row], evidence=found[row].evidence + spans)
        return found

    def _decided(self, proba: NDArray[np.float32]) -> _Rows:
        """Return each row's scores, and the signals that are flagged."""
        signals = self.bundle.signals
        # Scores are float32, and so must be what they are compared with.
        thresholds = np.array([self.bundle.thresholds[s] for s in signals], np.float32)
        flagged = (proba >= thresholds) & np.array([s not in self._hidden for s in signals], bool)
        return [
            (dict(zip(signals, line, strict=True)), tuple(compress(signals, over)))
            for line, over in zip(proba.tolist(), flagged.tolist(), strict=True)
        ]


def load_scorer(
    model: str, signals: Sequence[str] | None, sources: str | Path | None, *how: Any
) -> Scorer:
    """Load a bundle, and the registry with a user's own outlets, to score with both."""
    registry = load_registry(user=None if sources is None else Path(sources))
    return Scorer(load(model, registry), signals, registry, *how)


def _drafts(read: Sequence[Item]) -> list[ArticleReport]:
    return [item for item in read if isinstance(item, ArticleReport) and item.note is None]


def _agreeing(one: SentenceReport) -> tuple[str, ...]:
    """Return the flags of a sentence: its voice, and its sources as `rests_on` says, decide."""
    says, others = {str(one.voice)}, set(one.flags) - {*_VOICES}
    kinds = one.rests_on - {NOBODY}
    if kinds or one.citations:
        says |= {"attributed", *(SOURCE_SIGNALS[kind] for kind in kinds - {UNRESOLVED})}
        others -= {*SOURCE_SIGNALS.values()}
    if kinds or one.citations or one.voice not in (Voice.OWN, None):
        others.discard(_ASSERTION)
    return in_order(others | says & one.scores.keys())


def _is_far(distance: float | None, sentences: int) -> bool:
    return distance is not None and distance >= FAR and sentences >= FEWEST_SENTENCES


def _kept(
    article: Article, scored: Sequence[SentenceReport], of_all: set[str]
) -> Iterator[SentenceReport]:
    """Keep voices that the article's units give, and repetitions; what is republished is quoted."""
    again = repeated(scored, _REPETITION)
    given = {(unit.start, unit.end): unit.voice for unit in article.units or () if unit.voice}
    for row, one in enumerate(scored):
        sentence, gone = one.sentence, set[str]()
        place = sentence.start, sentence.end
        if again.get(row) == ():
            gone = {_REPETITION, *(of_all if {*one.flags} & {*TECHNIQUES} == {_REPETITION} else ())}
        if any(p.start < sentence.end and sentence.start < p.end for p in article.republications):
            one = replace(one, citations=tuple(c for c in one.citations if c.source is not None))
            sentence = replace(sentence, voice=Voice.QUOTED, inner_voice=sentence.voice)
        voice = given.get(place, sentence.voice)
        # A republished part has voices of its own, which are unknown where the model gives none.
        within = given.get(place, one.sentence.voice)
        if within not in (None, Voice.OWN) and sentence.inner_voice is not Voice.OWN:
            gone.add(_ASSERTION)
        yield replace(
            one,
            sentence=replace(sentence, voice=voice, citations=one.citations),
            flags=tuple(flag for flag in one.flags if flag not in gone),
            evidence=tuple(span for span in one.evidence if span.signal not in gone),
            repeats=again.get(row, ()),
        )
