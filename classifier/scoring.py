"""Articles and a bundle in, scored articles out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from classifier.attribution import read
from classifier.bundle import Bundle
from classifier.errors import SignalError
from classifier.models import Prediction
from classifier.sources import Registry, source_card
from classifier.sources import load_registry as load
from classifier.taxonomy import BY_NAME, Level, in_order
from classifier.values import Article, ArticleReport, Sentence, SentenceReport, Skipped

# Articles scored together: enough that a call of the baseline costs little, few enough to keep
# memory flat and results coming. What an article scores does not depend on its company.
_TOGETHER = 32

CONTENT = "content"
"""The signal without which a sentence carries no other."""


class Scorer:
    """Scores articles with a bundle.

    Parameters
    ----------
    bundle : Bundle
    signals : sequence of str or None
        The signals to report; None for all that the bundle gives.
    registry : Registry or None
        Of outlets: who is cited, who published it. The one that ships unless given; give the bundle
        the same.

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
    ) -> None:
        self.bundle = bundle
        self.registry = load() if registry is None else registry
        self.signals = bundle.signals if not signals else in_order(signals)
        for signal in self.signals:
            if signal not in bundle.signals:
                raise SignalError(
                    f"the bundle {bundle.name} doesn't give '{signal}'; "
                    f"it gives: {', '.join(bundle.signals)}"
                )
        self._of_sentences = [s for s in self.signals if BY_NAME[s].level is not Level.ARTICLE]
        self._of_articles = [s for s in self.signals if BY_NAME[s].level is Level.ARTICLE]

    def score(self, articles: Iterable[Article | Skipped]) -> Iterator[ArticleReport | Skipped]:
        """Score articles as they come, in their order; what was skipped is passed on."""
        stream = iter(articles)
        while some := list(islice(stream, _TOGETHER)):
            yield from self._score(some)

    def _score(self, items: Sequence[Article | Skipped]) -> Iterator[ArticleReport | Skipped]:
        """Score some articles in one call of the model."""
        read = [self._prepare(item) for item in items]
        rows = [
            # Two files may use one id; a model tells articles apart by it.
            replace(sentence, article_id=f"{number}")
            for number, item in enumerate(read)
            if isinstance(item, ArticleReport) and item.note is None
            for sentence in (s.sentence for s in item.sentences)
        ]
        prediction = self.bundle.model.predict(rows)
        row = 0
        for item in read:
            if isinstance(item, Skipped):
                yield item
                continue
            scored = item
            if item.note is None:
                scored = self._scored(item, prediction, row)
                row += len(item.sentences)
            yield replace(scored, source=source_card(scored, self.registry))

    def _scored(self, draft: ArticleReport, prediction: Prediction, first: int) -> ArticleReport:
        sentences = tuple(
            self._scored_sentence(item.sentence, prediction, first + offset)
            for offset, item in enumerate(draft.sentences)
        )
        scores = self._scores(prediction, first, self._of_articles) if sentences else {}
        return replace(draft, sentences=sentences, scores=scores, flags=self._flags(scores))

    def _scored_sentence(
        self, sentence: Sentence, prediction: Prediction, row: int
    ) -> SentenceReport:
        scores = self._scores(prediction, row, self._of_sentences)
        # A line of the page around an article has no other label, whatever its words would say.
        if not self._is_content(prediction, row):
            return SentenceReport(replace(sentence, citations=()), scores, ())
        flags = self._flags(scores)
        evidence = [span for flag in flags for span in prediction.evidence(row, flag)]
        return SentenceReport(sentence, scores, flags, tuple(evidence), sentence.citations)

    def _is_content(self, prediction: Prediction, row: int) -> bool:
        if CONTENT not in self.bundle.signals:
            return True
        return CONTENT in self._flags(self._scores(prediction, row, [CONTENT]))

    def _scores(self, prediction: Prediction, row: int, signals: Sequence[str]) -> dict[str, float]:
        columns = self.bundle.signals
        return {s: float(prediction.proba[row, columns.index(s)]) for s in signals}

    def _flags(self, scores: dict[str, float]) -> tuple[str, ...]:
        thresholds = self.bundle.thresholds
        # Scores are float32, and so must be what they are held against.
        return tuple(s for s, score in scores.items() if score >= float(np.float32(thresholds[s])))

    def _prepare(self, item: Article | Skipped) -> ArticleReport | Skipped:
        """Sentences with all that the rules say of them; a note where the model can't read it."""
        if isinstance(item, Skipped):
            return item
        reading = read(item, self.registry, self.bundle.languages)
        lang, note = reading.article.lang, None
        if lang is not None and lang not in self.bundle.languages:
            known = ", ".join(self.bundle.languages)
            note = f"not scored: the text is in '{lang}', the model reads {known}"
        elif not reading.sentences:
            note = "not scored: no sentences"
        found = tuple(SentenceReport(s, {}, ()) for s in reading.sentences)
        return ArticleReport(reading.article, found, note=note, reading=reading)
