"""Articles and a bundle in, scored articles out."""

import math
import time
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, compress, pairwise
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from framescope.classifier.attribution import quoted_elsewhere, read
from framescope.classifier.bundles import Bundle, defaults, load, read_manifest, resolve
from framescope.classifier.errors import SignalError
from framescope.classifier.inputs import Original, normalise_articles, restore
from framescope.classifier.languages import name_of
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
_Rows = list[tuple[dict[str, float], tuple[str, ...]]]  # scores, and the signals that reach theirs

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
    """Scores articles with a bundle, and those that it can't read whole with another one.

    It reports the `signals`, by default all that the bundle gives, and says why (`evidence`), or
    why of some. `SignalError` is raised for one that the taxonomy doesn't name, or the bundle
    doesn't give. The `registry` says who is cited and who published an article, by default the one
    that ships; a model of another registry than the bundle's looks for names itself. An article
    that takes longer than some `seconds` to read and score is skipped. Signals that are
    `experimental`, or not validated in the article's language, are flagged only if asked for. The
    other bundle, of more languages, is loaded from its folder when an article needs it.
    """

    def __init__(
        self,
        bundle: Bundle,
        signals: Sequence[str] | None = None,
        registry: Registry | None = None,
        evidence: bool | Collection[str] = True,
        seconds: float = math.inf,
        experimental: bool = False,
        *,
        folder_of_other: Path | None = None,
    ) -> None:
        self.bundle, self.folder_of_other = bundle, folder_of_other
        self.seconds = seconds
        # Without its words no repetition is flagged.
        shown = {_REPETITION, *(NAMES if evidence is True else evidence or ())}
        self.registry = load_registry() if registry is None else registry
        self.signals = bundle.signals if not signals else in_order(signals)
        for signal in self.signals:
            if signal not in bundle.signals:
                gives = f"it gives: {', '.join(bundle.signals)}"
                raise SignalError(f"the bundle {bundle.name} doesn't give '{signal}'; {gives}")
        self._how = self.signals, self.registry, shown, experimental
        self._own = _Decider(bundle, *self._how)
        self.thresholds = self._own.thresholds
        self.experimental = in_order(self._own.hidden(None) & {*self.signals})

    @cached_property
    def other(self) -> Mapping[str, Any] | None:
        """The manifest of the other bundle, read when an article in another language comes."""
        return read_manifest(self.folder_of_other) if self.folder_of_other else None

    @cached_property
    def _beside(self) -> "_Decider":
        assert self.folder_of_other is not None
        bundle = load(self.folder_of_other, self.registry)
        if (cache := getattr(self.bundle.model, "cache", None)) is not None:
            bundle.model.cache = cache  # type: ignore[attr-defined]
        return _Decider(bundle, *self._how, beside=True)

    def reads(self, language: str | None) -> bool:
        """Whether articles in a language are scored."""
        return language in (None, *self.bundle.languages) or language in self._further

    @property
    def _further(self) -> Sequence[str]:
        return () if self.other is None else self.other["languages"]

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages of articles that are scored."""
        return tuple(dict.fromkeys((*self.bundle.languages, *self._further)))

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
        reading = read(item, self.registry, self.reads)
        if time.monotonic() - start > self.seconds:
            return self._too_long(item)
        lang, rows = reading.article.lang, reading.sentences
        foreign = {one.lang for one in rows} - {None, *self.bundle.languages}
        whole = not any(map(self.reads, foreign))
        languages = self.bundle.languages if whole else self._further
        found = [SentenceReport(one, {}, (), read=one.lang in (None, *languages)) for one in rows]
        if not self.reads(lang) or (found and not any(one.read for one in found)):
            lang = rows[0].lang if self.reads(lang) else lang
            known = ", ".join(self.languages)
            note = f"not scored: the text is in '{lang}', the model reads {known}"
        elif not found:
            note = "not scored: no sentences"
        else:
            model = self.bundle.name if whole or self.other is None else self.other["name"]
            return ArticleReport(reading.article, tuple(found), model=model, reading=reading)
        found = [replace(one, read=True) for one in found]
        return ArticleReport(reading.article, tuple(found), note=note, reading=reading)

    def _in_time(self, read: Sequence[Item]) -> Iterator[Item]:
        """Score some articles; one by one where together they take too long."""
        drafts = _drafts(read)
        deciders = [self._own]
        if any(draft.model != self.bundle.name for draft in drafts):
            deciders.append(self._beside)  # before the time of these articles runs
        try:
            with time_limit(self.seconds * max(len(drafts), 1)):
                found = list(self._score(read, deciders))
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

    def _score(self, read: Sequence[Item], deciders: Sequence["_Decider"]) -> Iterator[Item]:
        drafts, scored = _drafts(read), dict[int, ArticleReport]()
        for one in deciders:
            own = [draft for draft in drafts if draft.model == one.bundle.name]
            scored |= zip(map(id, own), one.score(own), strict=True)
        for item in read:
            if isinstance(item, ArticleReport):
                item = scored.get(id(item), item)
                item = replace(item, source=source_card(item, self.registry))
            yield item


class _Decider:
    """Scores drafts with one bundle, and decides what is flagged in them.

    Of the `signals` it has those that the bundle gives; reports say more of one
    that scores `beside` another.
    """

    def __init__(
        self,
        bundle: Bundle,
        signals: Sequence[str],
        registry: Registry,
        shown: Collection[str],
        experimental: bool,
        beside: bool = False,
    ) -> None:
        self.bundle, self._registry, self._shown, self._all = bundle, registry, shown, experimental
        self._beside = beside
        self._missing = [signal for signal in signals if signal not in bundle.signals]
        self.signals = [signal for signal in signals if signal in bundle.signals]
        self.thresholds = {signal: bundle.thresholds[signal] for signal in self.signals}
        self._of_sentences = [s for s in self.signals if BY_NAME[s].level is not Level.ARTICLE]
        self._of_articles = [s for s in self.signals if BY_NAME[s].level is Level.ARTICLE]

    def hidden(self, language: str | None) -> frozenset[str]:
        """Return the signals that are not flagged in a language."""
        # What is no content has no flag at all: that is decided in any language.
        unknown = self.bundle.in_state("none", language) - {CONTENT}
        return frozenset() if self._all else self.bundle.experimental | unknown

    def _remarks(self, draft: ArticleReport) -> Iterator[str]:
        """Say what to know of the scores of an article in its language."""
        if (language := draft.article.lang) is None:
            return
        shown = {*self.signals}.difference(self.hidden(language))
        written = self.bundle.in_state("written", language) & shown
        unknown = self.bundle.in_state("none", language) - self.bundle.experimental - {CONTENT}
        unread = dict.fromkeys(one.sentence.lang for one in draft.sentences if not one.read)
        every = ["all signals"] if written == shown else written
        name, so = name_of(language), "flagged all the same" if self._all else "not flagged"
        for what, names in (
            (f"validated in {name} on written text only", every if written else ()),
            (f"not validated in {name}, and {so}", unknown & {*self.signals}),
            (f"not scored in {name}", self._missing),
            ("paragraphs not scored, in", [name_of(one or "") for one in unread]),
        ):
            if said := [BY_NAME[s].label for s in NAMES if s in names] or [*names]:
                yield f"{what}: {', '.join(said)}"

    def score(self, drafts: Sequence[ArticleReport]) -> Iterator[ArticleReport]:
        """Score articles in one call of the model."""
        if not drafts:
            return
        each = [[one.sentence for one in draft.sentences if one.read] for draft in drafts]
        # Two files may use one id; a model tells articles apart by it.
        same = self.bundle.registry is self._registry
        prediction = self.bundle.model.predict(
            [
                replace(one, article_id=str(number), mentions=one.mentions if same else None)
                for number, rows in enumerate(each)
                for one in rows
            ]
        )
        edges = list(accumulate(map(len, each), initial=0))
        distances, unsure = self._unsure(edges, prediction)
        decided = self._decided(prediction.proba)
        voiced = self._voiced(drafts, each, prediction, decided)
        hidden = [self.hidden(draft.article.lang) for draft in drafts]
        of_rows = [one for one, rows in zip(hidden, each, strict=True) for _ in rows]
        scored = self._sentences(voiced, prediction, decided, unsure, of_rows)
        ends = zip(pairwise(edges), distances, hidden, strict=True)
        for draft, ((start, end), distance, off) in zip(drafts, ends, strict=True):
            every, over = decided[start]
            scores = {signal: every[signal] for signal in self._of_articles}
            found = [flag for flag in over if flag in scores and flag not in off]
            flags, undecided = self._parted(found, unsure[start])
            own = iter(scored[start:end])
            whole = [next(own) if one.read else one for one in draft.sentences]
            yield replace(
                draft,
                sentences=tuple(_kept(draft.article, whole, self._any(off))),
                scores=scores,
                flags=flags,
                undecided=undecided,
                experimental=tuple(s for s in self.signals if s in off),
                distance=distance,
                far=_is_far(distance, end - start),
                digest=self.bundle.digest if self._beside else None,
                thresholds=self.thresholds if self._beside else None,
                remarks=tuple(self._remarks(draft)),
            )

    def _any(self, hidden: Collection[str]) -> set[str]:
        """Return the signal of all techniques where it counts only those that are shown."""
        return {_ANY}.intersection(self.signals) if {*TECHNIQUES} & {*hidden} else set()

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
        self,
        drafts: Sequence[ArticleReport],
        each: Sequence[Sequence[Sentence]],
        prediction: Prediction,
        decided: _Rows,
    ) -> list[Sentence]:
        """Add who is cited in sentences, and whose words they are."""
        of_rows, citations = iter(decided), iter(prediction.citations)
        voiced: list[Sentence] = []
        for draft, given in zip(drafts, each, strict=True):
            rows = []
            for sentence in given:
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
        self,
        sentences: Sequence[Sentence],
        prediction: Prediction,
        decided: _Rows,
        unsure: Bools,
        hidden: Sequence[Collection[str]],
    ) -> list[SentenceReport]:
        found = []
        rows = zip(sentences, decided, unsure, hidden, strict=True)
        for sentence, (every, over), row, off in rows:
            # A line of the page around an article has no other label, whatever its words would say.
            is_content = CONTENT in over or CONTENT not in every
            scores = {signal: every[signal] for signal in self._of_sentences}
            on, of_all = {*over}.difference(off), self._any(off)
            on = on - of_all | (of_all if {*TECHNIQUES} & on else set())
            flags, undecided = self._parted(in_order(on & scores.keys()) if is_content else (), row)
            one = sentence if is_content else replace(sentence, citations=())
            scored = SentenceReport(one, scores, flags, (), one.citations, undecided)
            agreed = replace(scored, flags=_agreeing(scored, off)) if is_content else scored
            found.append(agreed)
        flagged = ((row, flag) for row, one in enumerate(found) for flag in one.flags)
        if wanted := [(row, flag) for row, flag in flagged if flag in self._shown]:
            for (row, _), spans in zip(wanted, prediction.evidence(wanted), strict=True):
                found[row] = replace(found[row], evidence=found[row].evidence + spans)
        return found

    def _decided(self, proba: NDArray[np.float32]) -> _Rows:
        """Return each row's scores, and the signals that reach their thresholds."""
        signals = self.bundle.signals
        # Scores are float32, and so must be what they are compared with.
        thresholds = np.array([self.bundle.thresholds[s] for s in signals], np.float32)
        flagged = proba >= thresholds
        return [
            (dict(zip(signals, line, strict=True)), tuple(compress(signals, over)))
            for line, over in zip(proba.tolist(), flagged.tolist(), strict=True)
        ]


def load_scorer(
    model: str | None, signals: Sequence[str] | None, sources: str | Path | None, *how: Any
) -> Scorer:
    """Load a bundle, and the registry with a user's own outlets, to score with both.

    Without a model the bundles that ship score, each the articles in its languages.
    """
    registry = load_registry(user=None if sources is None else Path(sources))
    first, *others = map(resolve, defaults() if model is None else [model])
    beside = others[0] if others else None
    return Scorer(load(first, registry), signals, registry, *how, folder_of_other=beside)


def _drafts(read: Sequence[Item]) -> list[ArticleReport]:
    return [item for item in read if isinstance(item, ArticleReport) and item.note is None]


def _agreeing(one: SentenceReport, hidden: Collection[str]) -> tuple[str, ...]:
    """Return the flags of a sentence: its voice, and its sources as `rests_on` says, decide."""
    says, others = {str(one.voice)}, set(one.flags) - {*_VOICES}
    kinds = one.rests_on - {NOBODY}
    if kinds or one.citations:
        says |= {"attributed", *(SOURCE_SIGNALS[kind] for kind in kinds - {UNRESOLVED})}
        others -= {*SOURCE_SIGNALS.values()}
    if kinds or one.citations or one.voice not in (Voice.OWN, None):
        others.discard(_ASSERTION)
    return in_order(others | (says & one.scores.keys()).difference(hidden))


def _is_far(distance: float | None, sentences: int) -> bool:
    return distance is not None and distance >= FAR and sentences >= FEWEST_SENTENCES


def _kept(
    article: Article, scored: Sequence[SentenceReport], of_all: set[str]
) -> Iterator[SentenceReport]:
    """Keep voices that the article's units give, and repetitions; what is republished is quoted."""
    again = repeated(scored, _REPETITION)
    given = {(unit.start, unit.end): unit.voice for unit in article.units or () if unit.voice}
    for row, one in enumerate(scored):
        if not one.read:
            yield one
            continue
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
