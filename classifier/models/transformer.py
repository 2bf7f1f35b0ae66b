"""The fine-tuned encoder, served without torch or transformers.

In: sentences. Out: probabilities, and the words that speak for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.models.articles import ArticleStage
from framescope.classifier.models.base import Calibration, check_time, pool_articles
from framescope.classifier.models.citations import PassageOutputs, PassageReader, Said
from framescope.classifier.models.citing import decide, resolve, with_rules
from framescope.classifier.models.fusion import Fusion
from framescope.classifier.models.outputs import Outputs, PassageCache
from framescope.classifier.models.passages import (
    EMBEDDINGS,
    HEADS,
    Embeddings,
    Heads,
    Packer,
    Passage,
    Tokens,
    by_length,
    with_rows,
)
from framescope.classifier.models.placeholders import Reader, TextForm, form_of
from framescope.classifier.models.reasons import VotedWords
from framescope.classifier.models.roles import CITED, CITED_COLUMNS
from framescope.classifier.models.spans import Tagged
from framescope.classifier.models.stored import check_size, read_arrays
from framescope.classifier.records import Citation, Sentence, SourceKind, Span
from framescope.classifier.runtime import ENCODER, Runtime
from framescope.classifier.runtime import load as load_graph
from framescope.classifier.taxonomy import BY_NAME, Level
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry


#: Signals whose evidence is who is cited: which citations speak for each.
CITING: Mapping[str, Callable[[Citation], bool]] = {
    "attributed": lambda one: True,
    "named_source": lambda one: one.kind is SourceKind.NAMED,
    "unnamed_source": lambda one: one.kind is SourceKind.UNNAMED,
    "vague_source": lambda one: one.kind is SourceKind.VAGUE,
    "government_attribution": lambda one: one.government,
    "state_media_attribution": lambda one: one.state_media,
    "quoted": lambda one: True,
    "reported": lambda one: True,
}

TOKENIZER = "tokenizer.json"
VECTOR = "vector"
"""The output, the last, that holds the mean vector of each passage."""

FILES = frozenset({ENCODER, TOKENIZER, EMBEDDINGS, HEADS})

_MOST_TOKENS = 8192  # of a passage
_BATCH_TOKENS = 2048  # enough to keep two cores busy, little enough to stay in their caches


class TransformerModel:
    """A `Model` over an exported encoder.

    Parameters
    ----------
    runtime : Runtime
        Of a graph that gives ``votes``, a column a signal; ``tags``, a column a tag, where there
        are any; and where it finds who says what, the outputs that `classifier.models.roles` lays
        out.
    embeddings : Embeddings
    packer : Packer
    heads : Heads
    calibration : Calibration

    Attributes
    ----------
    cache : PassageCache or None
        What remembers passages, where somebody set one.
    """

    def __init__(
        self,
        runtime: Runtime,
        embeddings: Embeddings,
        packer: Packer,
        heads: Heads,
        calibration: Calibration,
    ) -> None:
        self.signals = heads.signals
        self.heads = heads
        self.calibration = calibration
        self.cache: PassageCache | None = None
        self._graph = runtime
        self._embeddings = embeddings
        self._packer = packer
        self._fusion = heads.fusion and Fusion.from_record(heads.fusion)
        self._articles = heads.articles and ArticleStage.from_record(heads.articles)
        self._reads = self._articles.reads(calibration) if self._articles else calibration
        self._vector = runtime.columns.get(VECTOR, 0)
        self._tag_columns = [self.signals.index(tag) for tag in heads.tags]
        self._article_columns = [
            i for i, s in enumerate(self.signals) if BY_NAME[s].level is Level.ARTICLE
        ]
        self._typed_columns = [
            i for i, s in enumerate(self.signals) if form_of(s) is TextForm.TYPED
        ]

    def predict(self, sentences: Sequence[Sentence]) -> TransformerPrediction:
        """Encode whole passages once; sentences, spans and reasons come from the same pass.

        Passages that name state media are encoded twice: the signals that go by an outlet's type
        read them in the typed form, the others in the neutral one.
        """
        tokens, typed_tokens, differing = self._packer.tokenize_both(sentences)
        neutral = self._read(sentences, tokens, self._packer.pack(sentences, tokens))
        logits, typed = neutral.logits, neutral
        if differing and self._typed_columns:
            passages = with_rows(self._packer.pack(sentences, typed_tokens), differing)
            typed = self._read(sentences, typed_tokens, passages)
            rows = [row for passage in passages for row in passage.rows]
            cells = np.ix_(rows, self._typed_columns)
            logits = logits.copy()
            logits[cells] = typed.logits[cells]
            typed = neutral.replaced(rows, typed)
        citations = tuple(sentence.citations for sentence in sentences)
        names = set(differing)
        state_media = [row in names for row in range(len(sentences))]
        if self._fusion:
            resolved = resolve(typed.said, sentences, self.registry)
            decided = decide(self._fusion, resolved, sentences, logits, self.signals, state_media)
            logits, citations = decided.logits, with_rules(sentences, decided.citations)
        if self._articles:
            proba = self._reads.apply(logits)
            logits = self._articles.log_odds(logits, proba, self.signals, sentences)
        else:
            logits = pool_articles(logits, sentences, self._article_columns)
        proba = self.calibration.apply(logits)
        return TransformerPrediction(
            logits, proba, tuple(sentences), neutral, typed, self.heads, citations, state_media
        )

    @property
    def runtime(self) -> str:
        """The library that runs the graph, and its version."""
        return self._graph.name

    @property
    def registry(self) -> Registry:
        """Whose outlets it recognises."""
        known = self._packer.reader.registry
        if known is None:
            from framescope.classifier.outlets import load_registry

            known = load_registry()
        return known

    def _read(
        self, sentences: Sequence[Sentence], tokens: list[Tokens], passages: Sequence[Passage]
    ) -> Outputs:
        """Encode passages; sentences in none of them have no outputs."""
        votes = [np.zeros((0, len(self.signals)), np.float32)] * len(tokens)
        tags = [np.zeros((0, len(self.heads.tags)), np.float32)] * len(tokens)
        logits = np.zeros((len(tokens), len(self.signals)), np.float32)
        said: list[list[Said]] = [[] for _ in tokens]
        vectors = np.zeros((len(tokens), self._vector), np.float32) if self._vector else None
        found = Outputs(tokens, votes, tags, logits, said, vectors)
        if self.cache is None:
            self._encode(sentences, passages, found)
            return found
        fresh, copies, kept = self.cache.parted(passages, tokens, sentences)
        self._encode(sentences, fresh.values(), found)
        for key, passage in fresh.items():
            kept[key] = found.of(passage)
            self.cache.put(key, kept[key])
        for passage, key in copies:
            found.put(passage, kept[key])
        return found

    def _encode(
        self, sentences: Sequence[Sentence], passages: Iterable[Passage], found: Outputs
    ) -> None:
        """Run the graph on passages, and put what it says into ``found``."""
        tokens, votes, tags, vectors = found.tokens, found.votes, found.tags, found.vectors
        for group in by_length(passages, _BATCH_TOKENS):
            check_time()
            batch = self._packer.batch(group, tokens)
            embedded = self._embeddings.look_up(batch.ids)
            all_votes, *cited = self._graph.run(embedded, batch.mask)
            if vectors is not None:
                vectors[batch.places[:, 1]] = cited.pop()[batch.places[:, 0], 0]
            all_tags = cited.pop(0) if self.heads.tags else all_votes[..., :0]
            for b, row, start, end in batch.places.tolist():
                votes[row], tags[row] = all_votes[b, start:end], all_tags[b, start:end]
            found.logits[batch.places[:, 1]] = self._pool(all_votes, all_tags, batch.places)
            if cited:
                for row, said in _said(cited, group, batch.places, tokens, sentences):
                    found.said[row] = said

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities, shape (n_sentences, n_signals)."""
        return self.predict(sentences).proba

    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Log-odds before calibration, shape (n_sentences, n_signals)."""
        return self.predict(sentences).logits

    def _pool(
        self, votes: NDArray[np.float32], tags: NDArray[np.float32], places: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Sentences' logits: the mean vote of their tokens, plus their strongest tag."""
        passage, _, start, end = places.T
        size = (end - start)[:, None]
        at = start[:, None] + np.arange(size.max())
        inside = (at < end[:, None])[..., None]
        at = np.minimum(at, votes.shape[1] - 1)
        # One token is added after the other, as for a sentence alone: no other sum is as exact.
        logits: NDArray[np.float32]
        logits = np.where(inside, votes[passage[:, None], at], np.float32(0)).sum(axis=1)
        logits /= np.maximum(size, 1)
        if self._tag_columns:
            found = np.where(inside, tags[passage[:, None], at], np.float32(-np.inf))
            strongest = np.where(size, found.max(axis=1, initial=-np.inf), np.float32(0))
            logits[:, self._tag_columns] += strongest * np.asarray(self.heads.gain, np.float32)
        return logits


def _said(
    cited: Sequence[NDArray[np.float32]],
    passages: Sequence[Passage],
    places: NDArray[np.int64],
    tokens: Sequence[Tokens],
    sentences: Sequence[Sentence],
) -> Iterator[tuple[int, list[Said]]]:
    """Read the citations off the passages of a batch."""
    rows: list[list[tuple[int, int, int]]] = [[] for _ in passages]
    for b, row, start, end in places.tolist():
        rows[b].append((row, start, end))
    for b, passage in enumerate(passages):
        outputs = (output[b, : passage.length] for output in cited)
        yield from PassageReader(PassageOutputs(rows[b], *outputs), tokens, sentences).read()


def load(
    folder: Path, calibration: Calibration, registry: Registry | None = None
) -> TransformerModel:
    """Load the model of a bundle.

    Parameters
    ----------
    folder : pathlib.Path
    calibration : Calibration
    registry : Registry, optional
        Whose outlets it recognises; the one that ships unless given. A model that was trained
        without placeholders reads names as they are.

    Raises
    ------
    BundleError
        When one of its files can't be read, or they don't belong together.
    """
    from tokenizers import Tokenizer

    try:
        check_size(folder / ENCODER)
        runtime = load_graph(folder / ENCODER)  # first: it compiles beside the others
        heads = Heads.load(folder)
        arrays = read_arrays(folder / EMBEDDINGS, ("table", "scale"))
        embeddings = Embeddings(arrays["table"], arrays["scale"])
        check_size(folder / TOKENIZER)
        packer = Packer(
            Tokenizer.from_file(str(folder / TOKENIZER)),
            heads.max_tokens,
            heads.context,
            Reader.of(registry) if heads.placeholders else None,
        )
        _check(runtime, embeddings, heads)
        return TransformerModel(runtime, embeddings, packer, heads, calibration)
    except BundleError:
        raise
    except Exception as error:  # each library has its own, down to bare Exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{folder}: the transformer can't be loaded ({reason})") from None


def _check(runtime: Runtime, embeddings: Embeddings, heads: Heads) -> None:
    """Refuse files that don't belong together.

    Raises `ValueError`.
    """
    cited = dict(zip(CITED, CITED_COLUMNS, strict=True))
    plain = {"votes": len(heads.signals)} | ({"tags": len(heads.tags)} if heads.tags else {})
    # Outputs come in this order.
    given = [pair for pair in runtime.columns.items() if pair[0] != VECTOR]
    fits = (
        given == list((plain | cited).items())
        or (heads.fusion is None and given == list(plain.items()))
    ) and (
        len(heads.tags) == len(heads.gain) == len(heads.tag_thresholds)
        and embeddings.table.shape == (len(embeddings.scale), runtime.hidden)
        and 2 < heads.max_tokens <= _MOST_TOKENS
        and 0 <= heads.tag_gap < _MOST_TOKENS
    )
    if not fits:
        raise ValueError(f"its files don't belong together: {HEADS}, {EMBEDDINGS}, {ENCODER}")


@dataclass(frozen=True)
class TransformerPrediction:
    """What the encoder found."""

    # logits and proba: shape (n_sentences, n_signals): before and after calibration
    logits: NDArray[np.float32]
    proba: NDArray[np.float32]
    sentences: tuple[Sentence, ...]
    # neutral and typed: of their two forms; one twice, where nothing was read twice
    neutral: Outputs
    typed: Outputs
    heads: Heads
    citations: tuple[tuple[Citation, ...], ...] = ()
    state_media: Sequence[bool] = ()  # which sentences name state media

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """Where each sentence's passage lies, read in the neutral form."""
        return self.neutral.vectors

    def evidence(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Spans of a technique, or the words whose votes weigh most, strongest first."""
        words: dict[tuple[int, bool], VotedWords] = {}
        found: list[tuple[Span, ...]] = []
        columns = {signal: column for column, signal in enumerate(self.heads.signals)}
        typed = {signal: form_of(signal) is TextForm.TYPED for signal in columns}
        for row, signal in wanted:
            if not self.neutral.tokens[row].ids:
                found.append(())
            elif signal in self.heads.tags:
                found.append(self._spans(row, signal))
            elif signal in CITING and (spans := self._cited(row, signal)):
                found.append(spans)
            else:
                again = typed[signal] and self.typed.votes[row] is not self.neutral.votes[row]
                read = row, again
                if read not in words:
                    outputs = self.typed if again else self.neutral
                    offsets, votes = outputs.tokens[row].offsets, outputs.votes[row]
                    words[read] = VotedWords.of(self.sentences[row].text, offsets, votes)
                base, reasons = self.sentences[row].start, words[read].reasons(columns[signal])
                found.append(tuple(Span(base + a, base + b, signal, s) for a, b, s in reasons))
        return found

    def _cited(self, row: int, signal: str) -> tuple[Span, ...]:
        """The words that name a sentence's sources and hand over, the surest citation first."""
        sentence = self.sentences[row]
        places = {
            place: one.score
            for one in sorted(self.citations[row], key=lambda one: -(one.score or 0.0))
            if CITING[signal](one)
            for place in (one.source, one.cue)
            if place is not None and sentence.start <= place.start < sentence.end
        }
        return tuple(Span(place.start, place.end, signal, score) for place, score in places.items())

    def _spans(self, row: int, signal: str) -> tuple[Span, ...]:
        """Spans of a technique, as the tags of the sentence's tokens have it."""
        column, outputs = self.heads.tags.index(signal), self.neutral
        chance = float(self.proba[row, self.heads.signals.index(signal)])
        tagged = Tagged(self.sentences[row], outputs.tokens[row], outputs.tags[row][:, column])
        return tagged.spans(self.heads, column, chance)
