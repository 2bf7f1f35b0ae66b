"""Articles and a bundle in, scored articles out."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import compress, pairwise
from threading import Event

import numpy as np
from framescope.classifier.attribution import read
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import SignalError
from framescope.classifier.inputs import Original, normalise_articles, restore
from framescope.classifier.models import FAR, FEWEST_SENTENCES, Prediction, time_limit
from framescope.classifier.outlets import Registry, source_card
from framescope.classifier.outlets import load_registry as load
from framescope.classifier.records import (
    Article,
    ArticleReport,
    Sentence,
    SentenceReport,
    Skipped,
    Span,
    Voice,
)
from framescope.classifier.taxonomy import BY_NAME, NAMES, Family, Level, in_order
from numpy.typing import NDArray

# Articles scored together: enough that a call of the baseline costs little, few enough to keep
# memory flat and results coming. What an article scores does not depend on its company.
_TOGETHER = 32
_MANY = 4_000  # sentences, from which no more articles are read to be scored together

CONTENT = "content"
"""The signal without which a sentence carries no other."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Articles that were read together; whether they are the last, and what ended them."""

    items: list[ArticleReport | Skipped]
    last: bool
    error: Exception | None = None


_HELD_BACK = frozenset({Family.FRAMING, Family.ARTICLE})
"""What is only flagged where it is sure, in an article unlike what the model learned from."""

_VOICES = (Voice.QUOTED.value, Voice.REPORTED.value)
"""The signals that say whose words a sentence is."""
_MOSTLY = 0.5  # of a sentence, in characters, from which its quotation marks make it quoted


def _by_marks(sentence: Sentence) -> tuple[str, ...]:
    inside = sum(end - start for start, end in sentence.quoted)
    quoted = inside >= _MOSTLY * len(sentence.text)
    return (Voice.QUOTED.value if quoted else Voice.REPORTED.value,)


def _kept(article: Article, scored: Sequence[SentenceReport]) -> Iterator[SentenceReport]:
    """Keep the voices that an article's own units give; all that is republished is quoted.

    There the model's is the voice within the republished article.
    """
    given = {(unit.start, unit.end): unit.voice for unit in article.units or () if unit.voice}
    for one in scored:
        sentence = one.sentence
        if any(p.start < sentence.end and sentence.start < p.end for p in article.republications):
            sentence = replace(sentence, voice=Voice.QUOTED, inner_voice=sentence.voice)
        voice = given.get((sentence.start, sentence.end), sentence.voice)
        if voice is not sentence.voice:
            sentence = replace(sentence, voice=voice)
        yield one if sentence is one.sentence else replace(one, sentence=sentence)


class Scorer:
    """Scores articles with a bundle.

    Parameters
    ----------
    bundle : Bundle
    signals : sequence of str or None
        The signals to report; None for all that the bundle gives.
    registry : Registry or None
        Of outlets: who is cited, who published it. The one that ships unless given; give the bundle
        the same. A model of another one, or that isn't known, looks for names itself.
    evidence : bool or collection of str
        Whether to say why, or of which signals: where nothing shows it, it need not be looked for.
    seconds : float
        For which an article is read and scored at most; one that takes longer is skipped.

    Raises
    ------
    SignalError
        When the taxonomy doesn't name a signal, or the bundle doesn't give it.
    """

    def __init__(
        self,
        bundle: Bundle,
        signals: Sequence[str] | None = None,
        registry: Registry | None = None,
        evidence: bool | Collection[str] = True,
        seconds: float = math.inf,
    ) -> None:
        self.bundle = bundle
        self.seconds = seconds
        self._shown = set(NAMES if evidence is True else evidence or ())
        self.registry = load() if registry is None else registry
        self._looks_for_the_same = bundle.registry is self.registry
        self.signals = bundle.signals if not signals else in_order(signals)
        for signal in self.signals:
            if signal not in bundle.signals:
                raise SignalError(
                    f"the bundle {bundle.name} doesn't give '{signal}'; "
                    f"it gives: {', '.join(bundle.signals)}"
                )
        self.thresholds = {signal: bundle.thresholds[signal] for signal in self.signals}
        self._of_sentences = [s for s in self.signals if BY_NAME[s].level is not Level.ARTICLE]
        self._of_articles = [s for s in self.signals if BY_NAME[s].level is Level.ARTICLE]

    def score(self, articles: Iterable[Article | Skipped]) -> Iterator[ArticleReport | Skipped]:
        """Score articles as they come, in their order; what was skipped is passed on.

        While the model reads some, the next are prepared in a thread, which also draws them from
        ``articles``. What is raised there is raised here, once all that came before was given.
        Closing the iterator ends the thread. Models read texts put right (`inputs.normal`);
        reports have the offsets of the texts as they were given.
        """
        originals: deque[Original] = deque()
        with closing(self._scored(normalise_articles(articles, originals.append))) as reports:
            for report in reports:
                yield restore(report, originals.popleft())

    def score_together(
        self, articles: Iterable[Article | Skipped]
    ) -> list[ArticleReport | Skipped]:
        """Score some articles in one call of the model, without a thread beside it.

        Each is read when it is drawn from ``articles``: whoever watches the time can tell which.
        """
        originals: deque[Original] = deque()
        read = [self._prepare(item) for item in normalise_articles(articles, originals.append)]
        return [restore(report, originals.popleft()) for report in self._in_time(read)]

    def _scored(
        self, articles: Iterable[Article | Skipped]
    ) -> Generator[ArticleReport | Skipped, None, None]:
        stream, closed = iter(articles), Event()
        batch = self._read(stream, closed)
        with ThreadPoolExecutor(1, "framescope-reader") as pool:
            try:
                while batch.items:
                    ahead = None if batch.last else pool.submit(self._read, stream, closed)
                    yield from self._in_time(batch.items)
                    if ahead is None:
                        break
                    batch = ahead.result()
            finally:
                closed.set()
        if batch.error is not None:
            raise batch.error

    def _read(self, stream: Iterator[Article | Skipped], closed: Event) -> _Batch:
        """Draw the next articles and read them."""
        items: list[ArticleReport | Skipped] = []
        sentences, last = 0, True
        try:
            for item in stream:
                items.append(read := self._prepare(item))
                sentences += len(read.sentences) if isinstance(read, ArticleReport) else 0
                if closed.is_set():
                    break
                if len(items) == _TOGETHER or sentences >= _MANY:
                    last = False
                    break
        except Exception as error:  # whatever the iterator raises is for its owner
            return _Batch(items, last=True, error=error)
        return _Batch(items, last=last)

    def _in_time(
        self, read: Sequence[ArticleReport | Skipped]
    ) -> Iterator[ArticleReport | Skipped]:
        """Score some articles; one by one where together they take too long."""
        scored = [one for one in read if isinstance(one, ArticleReport) and one.note is None]
        try:
            with time_limit(self.seconds * max(len(scored), 1)):
                found = list(self._score(read))
        except TimeoutError:
            if len(scored) > 1:
                for item in read:
                    yield from self._in_time([item])
            else:
                for item in read:
                    yield self._too_long(item.article) if item in scored else item
        else:
            yield from found

    def _too_long(self, article: Article) -> Skipped:
        reason = f"took longer than {self.seconds:g} s; raise --max-seconds, or divide it"
        return Skipped(str(article.origin or article.id), reason)

    def _score(self, read: Sequence[ArticleReport | Skipped]) -> Iterator[ArticleReport | Skipped]:
        """Score some articles in one call of the model."""
        numbered = [
            (number, draft.sentence)
            for number, item in enumerate(read)
            if isinstance(item, ArticleReport) and item.note is None
            for draft in item.sentences
        ]
        prediction = self.bundle.model.predict(
            [
                # Two files may use one id; a model tells articles apart by it.
                replace(
                    sentence,
                    article_id=f"{number}",
                    mentions=sentence.mentions if self._looks_for_the_same else None,
                )
                for number, sentence in numbered
            ]
        )
        voiced = self._voiced([sentence for _, sentence in numbered], prediction)
        distances = self._distances(read, prediction)
        unsure = self._unsure(distances, prediction)
        sentences = self._sentences(voiced, prediction, unsure)
        wholes = self._decided(prediction.proba, self._of_articles)
        row = 0
        for item in read:
            if isinstance(item, Skipped):
                yield item
                continue
            scored = item
            if item.note is None:
                end = row + len(item.sentences)
                scores, flags = wholes[row]
                flags, undecided = self._parted(flags, unsure[row])
                own = tuple(_kept(item.article, sentences[row:end]))
                scored = replace(
                    item,
                    sentences=own,
                    scores=scores,
                    flags=flags,
                    undecided=undecided,
                    distance=distances[row][0],
                    far=distances[row][1],
                )
                row = end
            yield replace(scored, source=source_card(scored, self.registry))

    def _distances(
        self, read: Sequence[ArticleReport | Skipped], prediction: Prediction
    ) -> list[tuple[float | None, bool]]:
        """Say of each row how far its article lies from what was learned; and is it far."""
        sizes = [len(one.sentences) for one in read
                 if isinstance(one, ArticleReport) and one.note is None]  # fmt: skip
        domain = self.bundle.domain
        if domain is None or not sizes or (vectors := prediction.vectors) is None:
            return [(None, False)] * sum(sizes)
        edges = np.cumsum([0, *sizes]).tolist()
        means = [vectors[start:end].mean(axis=0) for start, end in pairwise(edges)]
        found: list[tuple[float | None, bool]] = []
        for value, size in zip(domain.distance(np.array(means, np.float32)), sizes, strict=True):
            found += [(float(value), bool(value >= FAR) and size >= FEWEST_SENTENCES)] * size
        return found

    def _unsure(
        self, distances: Sequence[tuple[float | None, bool]], prediction: Prediction
    ) -> NDArray[np.bool_]:
        """Tell what can't be said of rows: framing, where the article is far and "no" may hold."""
        unsure: NDArray[np.bool_] = np.zeros(prediction.proba.shape, np.bool_)
        domain = self.bundle.domain
        if domain is None or not distances:
            return unsure
        held_back = [BY_NAME[s].family in _HELD_BACK for s in self.bundle.signals]
        unsure |= np.array([[far] for _, far in distances]) & np.array(held_back)
        return unsure & ~domain.sure(prediction.proba)

    def _parted(
        self, flags: tuple[str, ...], unsure: NDArray[np.bool_]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Part flags into those that stand and those that are left undecided."""
        if not unsure.any():
            return flags, ()
        left = [bool(unsure[self.bundle.signals.index(flag)]) for flag in flags]
        return tuple(compress(flags, (not one for one in left))), tuple(compress(flags, left))

    def _voiced(self, sentences: Sequence[Sentence], prediction: Prediction) -> list[Sentence]:
        """Give sentences who is cited in them, and whose words they are by the model's decisions.

        Of a bundle that decides neither, whoever is cited speaks: in quotation marks or not.
        """
        known = [s for s in _VOICES if s in self.bundle.signals]
        decided = self._decided(prediction.proba, known)
        voiced = []
        for sentence, cited, (scores, flags) in zip(
            sentences, prediction.citations, decided, strict=True
        ):
            spoken = flags if known else _by_marks(sentence) if cited else ()
            # Of two that are flagged, the one that is further above its threshold.
            above = max(spoken, key=lambda s: scores.get(s, 0.0) / self._limit(s), default=None)
            voice = Voice.OWN if above is None else Voice(above)
            voiced.append(replace(sentence, citations=cited, voice=voice))
        return voiced

    def _limit(self, signal: str) -> float:
        return max(float(self.bundle.thresholds.get(signal, 1.0)), 1e-6)

    def _sentences(
        self, sentences: Sequence[Sentence], prediction: Prediction, unsure: NDArray[np.bool_]
    ) -> list[SentenceReport]:
        """Put together what was found of each sentence."""
        decided = self._decided(prediction.proba, self._of_sentences)
        if CONTENT in self.bundle.signals:
            # A line of the page around an article has no other label, whatever its words would say.
            content = [bool(flags) for _, flags in self._decided(prediction.proba, [CONTENT])]
            decided = [
                (scores, flags if of_article else ())
                for (scores, flags), of_article in zip(decided, content, strict=True)
            ]
            sentences = [
                sentence if of_article else replace(sentence, citations=())
                for sentence, of_article in zip(sentences, content, strict=True)
            ]
        parted = [self._parted(flags, row) for (_, flags), row in zip(decided, unsure, strict=True)]
        decided = [(scores, flags) for (scores, _), (flags, _) in zip(decided, parted, strict=True)]
        evidence: list[tuple[Span, ...]] = [()] * len(sentences)
        if self._shown:
            wanted = [
                (row, flag)
                for row, (_, flags) in enumerate(decided)
                for flag in flags
                if flag in self._shown
            ]
            for (row, _), spans in zip(wanted, prediction.evidence(wanted), strict=True):
                evidence[row] += spans
        return [
            SentenceReport(sentence, scores, flags, why, sentence.citations, undecided)
            for sentence, (scores, flags), why, (_, undecided) in zip(
                sentences, decided, evidence, parted, strict=True
            )
        ]

    def _decided(
        self, proba: NDArray[np.float32], signals: Sequence[str]
    ) -> list[tuple[dict[str, float], tuple[str, ...]]]:
        """Give each row's scores of some signals, and those of them that are flagged."""
        columns = [self.bundle.signals.index(signal) for signal in signals]
        # Scores are float32, and so must be what they are held against.
        thresholds = np.array([self.bundle.thresholds[s] for s in signals], np.float32)
        scores = proba[:, columns]
        return [
            (dict(zip(signals, line, strict=True)), tuple(compress(signals, over)))
            for line, over in zip(scores.tolist(), (scores >= thresholds).tolist(), strict=True)
        ]

    def _prepare(self, item: Article | Skipped) -> ArticleReport | Skipped:
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
