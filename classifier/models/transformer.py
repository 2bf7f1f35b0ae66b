"""The fine-tuned encoder, served without torch or transformers."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.models import base, citation_scorer, evidence, passages, raw_citations
from framescope.classifier.models.base import Prediction, Reader, TextForm, form_of
from framescope.classifier.models.passages import Batch, Heads, Packer, Passage, Tokens
from framescope.classifier.models.raw_citations import Links
from framescope.classifier.models.stages import ArticleStage
from framescope.classifier.records import SOURCE_SIGNALS, Citation, Sentence, Span
from framescope.classifier.runtime import ENCODER, Runtime
from framescope.classifier.runtime import load as load_graph
from framescope.classifier.taxonomy import BY_NAME, Level
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Floats = NDArray[np.float32]
_Key = tuple[tuple[str, ...], tuple[int, ...]]

TOKENIZER = "tokenizer.json"
VECTOR = "vector"  # the last output: the mean vector of each passage
FILES = frozenset({ENCODER, TOKENIZER, passages.EMBEDDINGS, passages.HEADS})

_MOST_TOKENS = 8192  # of a passage
_BATCH_TOKENS = 2048  # enough to keep two cores busy, and little enough for their caches

# Signals whose evidence are citations, and the kind of source that these then have; None: any.
_CITING: Mapping[str, str | None] = {
    **dict.fromkeys(("attributed", "quoted", "reported")),
    **{signal: kind for kind, signal in SOURCE_SIGNALS.items()},
}


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoder says of a sentence."""

    tokens: Tokens
    votes: Floats  # shape (n_tokens, n_signals)
    tags: Floats  # shape (n_tokens, n_tags)
    logits: Floats  # shape (n_signals,): pooled from them
    raw: list[raw_citations.RawCitation]
    vector: Floats | None  # shape (d,): the mean of its passage
    links: Links | None = None
    # shape (n_tokens, d): the encoder's vectors, in half precision
    hidden: NDArray[np.float16] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """Sentences in the neutral and in the typed form, and the votes on their signals."""

    neutral: list[Encoded]
    typed: list[Encoded]
    logits: Floats  # shape (n_sentences, n_signals)
    state_media: list[bool]  # which name state media; the forms of all others are the same

    @property
    def links(self) -> list[Links] | None:
        """What sources find the words by that name them, by sentence; None without citations."""
        found = [one.links for one in self.typed if one.links is not None]
        return found if len(found) == len(self.typed) else None


class PassageCache:
    """Remembers encoded passages, as copies are common; forgets those used longest ago first."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.asked = self.reused = 0  # passages, and those of them that needed no encoding
        self._kept: OrderedDict[_Key, tuple[int, list[Encoded]]] = OrderedDict()
        self._bytes = 0

    def get(self, key: _Key) -> tuple[int, list[Encoded]] | None:
        """Return the first row that a passage had when it was encoded, and its sentences."""
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: _Key, row: int, found: list[Encoded]) -> None:
        """Remember a passage, without the other arrays of its batch."""
        own = [replace(one, votes=one.votes.copy(), tags=one.tags.copy()) for one in found]
        self._kept[key] = row, own
        self._bytes += _nbytes(own)
        while self._bytes > self.most_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= _nbytes(gone)


def _nbytes(found: Iterable[Encoded]) -> int:
    arrays = (a for one in found for a in (one.votes, one.tags, one.logits, one.vector, one.hidden))
    links = (a for one in found if one.links for a in (one.links.questions, one.links.answers))
    return sum(array.nbytes for array in (*arrays, *links) if array is not None)


def _moved(one: raw_citations.RawCitation, by: int) -> raw_citations.RawCitation:
    source, cue = (span and replace(span, row=span.row + by) for span in (one.source, one.cue))
    content = tuple(replace(span, row=span.row + by) for span in one.content)
    return replace(one, content=content, source=source, cue=cue)


class TransformerModel:
    """A `classifier.models.Model` over an exported encoder.

    The graph has the outputs ``votes``, a column per signal; ``tags``, a column per tag, if there
    are any; those of `CITED`, if it finds citations; perhaps `VECTOR`; and after that perhaps
    vectors of each token, of one layer or several, for heads beside the model.
    """

    def __init__(
        self,
        runtime: Runtime,
        embeddings: passages.Embeddings,
        packer: Packer,
        heads: Heads,
        calibration: base.Calibration,
    ) -> None:
        self.signals = heads.signals
        self.runtime = runtime.name
        self.heads = heads
        self.calibration = calibration
        self.cache: PassageCache | None = None  # set from outside
        self._graph = runtime
        self._further = len(_after_vector(runtime))
        self._embeddings = embeddings
        self._packer = packer
        self._scorer = heads.fusion and citation_scorer.CitationScorer.from_record(heads.fusion)
        self._articles = heads.articles and ArticleStage.from_record(heads.articles)
        levels = [BY_NAME[signal].level for signal in self.signals]
        forms = [form_of(signal) for signal in self.signals]
        self._tag_columns = [self.signals.index(tag) for tag in heads.tags]
        self._article_columns = [i for i, level in enumerate(levels) if level is Level.ARTICLE]
        self._typed_columns = [i for i, form in enumerate(forms) if form is TextForm.TYPED]

    @cached_property
    def registry(self) -> Registry:
        """Whose outlets it recognises."""
        from framescope.classifier.outlets import load_registry

        return self._packer.reader.registry or load_registry()

    def encode(self, sentences: Sequence[Sentence]) -> Encoding:
        """Encode sentences in whole passages; those that name state media in either form."""
        tokens, typed_tokens, differing = self._packer.tokenize_both(sentences)
        read = self._read(sentences, tokens, self._packer.pack(sentences, tokens))
        neutral = [read[row] for row in range(len(sentences))]
        logits = np.array([one.logits for one in neutral], np.float32)
        logits = logits.reshape(-1, len(self.signals))
        typed = list(neutral)
        names = set(differing)
        if names and self._typed_columns:
            packed = self._packer.pack(sentences, typed_tokens)
            packed = [passage for passage in packed if not names.isdisjoint(passage.rows)]
            for row, one in self._read(sentences, typed_tokens, packed).items():
                typed[row] = one
                logits[row, self._typed_columns] = one.logits[self._typed_columns]
        return Encoding(neutral, typed, logits, [row in names for row in range(len(sentences))])

    def predict(self, sentences: Sequence[Sentence], given: Encoding | None = None) -> Prediction:
        """Score sentences, which `encode` encodes unless their encoding is given."""
        found = self.encode(sentences) if given is None else given
        logits = found.logits
        citations = tuple(sentence.citations for sentence in sentences)
        if self._scorer:
            marked, speakers = [one.raw for one in found.typed], self._scorer.speakers
            raw = citation_scorer.resolve_raw_citations(
                marked, sentences, self.registry, found.links, speakers
            )
            shown, logits = citation_scorer.decide(
                self._scorer, raw, sentences, logits, self.signals, found.state_media
            )
            citations = citation_scorer.with_rules(sentences, shown)
        if self._articles:
            proba = self._articles.reads(self.calibration).apply(logits)
            logits = self._articles.log_odds(logits, proba, self.signals, sentences)
        else:
            logits = base.pool_articles(logits, sentences, self._article_columns)
        proba = self.calibration.apply(logits)
        vectors = means = None
        if size := self._graph.columns.get(VECTOR, 0):
            vectors = np.array([one.vector for one in found.neutral], np.float32).reshape(-1, size)
        if size := self._further * self._graph.hidden:
            rows = (one.hidden for one in found.neutral if one.hidden is not None)
            each = [row.mean(axis=0, dtype=np.float32) if len(row) else row.sum(0) for row in rows]
            means = np.array(each, np.float32).reshape(-1, size)
        told = _Evidence(self.heads, sentences, proba, found, citations)
        return Prediction(proba, logits, citations, vectors, told.find, means, told.shares)

    def _read(
        self, sentences: Sequence[Sentence], tokens: Sequence[Tokens], packed: Sequence[Passage]
    ) -> dict[int, Encoded]:
        """Encode the passages that the cache doesn't have; return their sentences by row."""
        cache = self.cache
        if cache is None:
            return self._encode(sentences, tokens, packed)
        copies: dict[_Key, list[Passage]] = defaultdict(list)
        for passage in packed:
            # Two models may share a cache.
            ids = (id(self), *(n for row in passage.rows for n in (*tokens[row].ids, -1)))
            copies[tuple(sentences[row].text for row in passage.rows), tuple(ids)].append(passage)
        known = {key: entry for key in copies if (entry := cache.get(key)) is not None}
        fresh = {key: same[0] for key, same in copies.items() if key not in known}
        encoded = self._encode(sentences, tokens, list(fresh.values()))
        for key, passage in fresh.items():
            known[key] = entry = passage.rows[0], [encoded[row] for row in passage.rows]
            cache.put(key, *entry)
        cache.asked += len(packed)
        cache.reused += len(packed) - len(fresh)
        for key, same in copies.items():
            first, kept = known[key]
            for passage in same:
                by = passage.rows[0] - first
                for row, one in zip(passage.rows, kept, strict=True):
                    raw = [_moved(each, by) for each in one.raw] if by else one.raw
                    encoded[row] = replace(one, tokens=tokens[row], raw=raw)
        return encoded

    def _encode(
        self, sentences: Sequence[Sentence], tokens: Sequence[Tokens], packed: Iterable[Passage]
    ) -> dict[int, Encoded]:
        found: dict[int, Encoded] = {}
        for group in passages.by_length(packed, _BATCH_TOKENS):
            base.check_time()
            batch = self._packer.batch(group, tokens)
            votes, *rest = self._graph.run(self._embeddings.look_up(batch.ids), batch.mask)
            last = len(rest) - self._further
            rest, further = rest[:last], rest[last:]
            hidden = np.concatenate(further, axis=-1).astype(np.float16) if further else None
            vectors = rest.pop() if VECTOR in self._graph.columns else None
            tags = rest.pop(0) if self.heads.tags else votes[..., :0]
            logits = self._pool(votes, tags, batch)
            raw: dict[int, list[raw_citations.RawCitation]] = {}
            links: dict[int, Links] = {}
            for b, passage in enumerate(group if rest else ()):
                places = batch.places[batch.places[:, 0] == b, 1:].tolist()
                outputs = (output[b, : passage.length] for output in rest)
                read = raw_citations.PassageOutputs(places, *outputs)
                raw.update(raw_citations.PassageReader(read, tokens, sentences).read())
                links |= read.speaker_links(tokens)
            for number, (b, row, start, end) in enumerate(batch.places.tolist()):
                said = votes[b, start:end], tags[b, start:end], logits[number], raw.get(row, [])
                vector = None if vectors is None else vectors[b, 0]
                own = None if hidden is None else hidden[b, start:end].copy()
                found[row] = Encoded(tokens[row], *said, vector, links.get(row), own)
        return found

    def _pool(self, votes: Floats, tags: Floats, batch: Batch) -> Floats:
        """Return the logits of a batch's sentences: the mean vote, plus the strongest tag."""
        passage, _, start, end = batch.places.T
        size = (end - start)[:, None]
        at = start[:, None] + np.arange(size.max())
        inside = (at < end[:, None])[..., None]
        at = np.minimum(at, votes.shape[1] - 1)
        # Token after token, as for a sentence alone: no other sum is as exact.
        logits: Floats
        logits = np.where(inside, votes[passage[:, None], at], np.float32(0)).sum(axis=1)
        logits /= np.maximum(size, 1)
        if self._tag_columns:
            found = np.where(inside, tags[passage[:, None], at], np.float32(-np.inf))
            strongest = np.where(size, found.max(axis=1, initial=-np.inf), np.float32(0))
            logits[:, self._tag_columns] += strongest * np.asarray(self.heads.gain, np.float32)
        return logits


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What the evidence of a prediction is found in."""

    heads: Heads
    sentences: Sequence[Sentence]
    proba: Floats
    encoding: Encoding
    citations: Sequence[tuple[Citation, ...]]

    def find(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Return the spans of techniques, the citations, or the words with the strongest votes."""
        columns = {signal: column for column, signal in enumerate(self.heads.signals)}
        names = evidence.names_by_article(self.sentences)
        found: list[tuple[Span, ...]] = []
        for row, signal in wanted:
            sentence, column, one = self.sentences[row], columns[signal], self.encoding.neutral[row]
            known = names[sentence.article_id]
            if not one.tokens.ids:
                found.append(())
            elif signal in self.heads.tags:
                logits = one.tags[:, self.heads.tags.index(signal)]
                given = one.tokens, logits, self.heads, signal, float(self.proba[row, column])
                found.append(evidence.technique_spans(sentence, *given, known))
            elif signal in _CITING and (spans := self._cited(row, signal)):
                found.append(spans)
            else:
                line = np.eye(1, len(columns), column, dtype=np.float32)[0]
                scores = self.shares(row, form_of(signal), line, line[:0])
                found.append(evidence.telling_words(sentence, signal, scores, known))
        return found

    def shares(self, row: int, form: TextForm, of_logits: Floats, of_means: Floats) -> base.Doubles:
        """Return what each word adds: its tokens' votes, vectors and strongest tags."""
        read = self.encoding.typed if form is TextForm.TYPED else self.encoding.neutral
        one, text = read[row], self.sentences[row].text
        words = evidence.chunks(text)
        if not one.tokens.ids or not words:
            return np.zeros(len(words))
        added = (one.votes @ of_logits).astype(np.float64)
        if one.hidden is not None and len(of_means):
            added += one.hidden.astype(np.float32) @ of_means
        added /= len(added)
        for column, (tag, gain) in enumerate(zip(self.heads.tags, self.heads.gain, strict=True)):
            strongest = int(one.tags[:, column].argmax())
            weight = of_logits[self.heads.signals.index(tag)]
            added[strongest] += weight * gain * one.tags[strongest, column]
        # A name of several words that was read as one placeholder is shared out among them.
        return evidence.shared_out(one.tokens.offsets, added, words)

    def _cited(self, row: int, signal: str) -> tuple[Span, ...]:
        """Return the sources and cues of a sentence's citations, the surest citation first."""
        here, start = self.sentences[row], self.sentences[row].start
        places = {
            place: one.score
            for one in sorted(self.citations[row], key=lambda one: -(one.score or 0.0))
            if _CITING[signal] in (None, *one.kinds)
            for place in (one.source, one.cue)
            if place is not None
            and start <= place.start < here.end
            and evidence.is_telling(here.text[place.start - start : place.end - start], here.lang)
        }
        shown = list(places.items())[: evidence.MOST_SPANS]
        return tuple(Span(place.start, place.end, signal, score) for place, score in shown)


def load(
    folder: Path, calibration: base.Calibration, of: Registry | None = None
) -> TransformerModel:
    """Load the model of a bundle, or raise `BundleError` where its files don't belong together."""
    from tokenizers import Tokenizer

    try:
        runtime = load_graph(folder / ENCODER)  # first: it compiles in another thread
        heads = Heads.load(folder)
        arrays = base.read_arrays(folder / passages.EMBEDDINGS, ("table", "scale"))
        embeddings = passages.Embeddings(arrays["table"], arrays["scale"])
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        reader = Reader.of(of) if heads.placeholders else Reader()
        packer = Packer(tokenizer, heads.max_tokens, heads.context, reader)
        _check(runtime, embeddings, heads)
        return TransformerModel(runtime, embeddings, packer, heads, calibration)
    except BundleError:
        raise
    except Exception as error:  # each library has its own, down to bare Exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{folder}: the transformer can't be loaded ({reason})") from None


def _after_vector(runtime: Runtime) -> list[str]:
    """Return the outputs after `VECTOR`: the vectors of tokens, in a bundle with heads."""
    names = list(runtime.columns)
    return names[names.index(VECTOR) + 1 :] if VECTOR in names else []


def _check(runtime: Runtime, embeddings: passages.Embeddings, heads: Heads) -> None:
    plain = [("votes", len(heads.signals)), ("tags", len(heads.tags))][: 1 + bool(heads.tags)]
    cited = [*plain, *zip(raw_citations.CITED, raw_citations.CITED_COLUMNS, strict=True)]
    further = _after_vector(runtime)
    outputs = [pair for pair in runtime.columns.items() if pair[0] not in (VECTOR, *further)]
    fits = (outputs == cited or (heads.fusion is None and outputs == plain)) and (
        len(heads.tags) == len(heads.gain) == len(heads.tag_thresholds)
        and embeddings.table.shape == (len(embeddings.scale), runtime.hidden)
        and 2 < heads.max_tokens <= _MOST_TOKENS
        and 0 <= heads.tag_gap < _MOST_TOKENS
        and all(runtime.columns[name] == runtime.hidden for name in further)
    )
    if not fits:
        raise ValueError(f"its files don't belong together: {', '.join(sorted(FILES))}")
