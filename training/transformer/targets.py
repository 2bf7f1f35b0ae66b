"""What a training learns: the order of rows, labels and a teacher's outputs, and their losses.

A content is linked to its source and its cue by a softmax over the tokens of its passage, the first
of which stands for "none here".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from framescope.classifier import models
from framescope.classifier.records import Sentence, SourceKind, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.training.data import Examples, Mark, RowCitation
from framescope.training.recipes import TransformerSettings
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy, log_softmax, softmax

Place = tuple[int, int, int]  # a passage, and the first and the end of some tokens in it
#: Words in a batch that look for others, their role, where these are (empty: nowhere), a weight.
Link = tuple[Place, int, Sequence[Place], float]

#: Weights of the losses of roles, links and kinds, relative to each other.
ROLE_WEIGHT, LINK_WEIGHT, KIND_WEIGHT = 3.0, 1.5, 0.3
#: How much corpora count that mark citations in a wider sense than the guidelines.
WIDER = {"polnear": 0.5, "wikinews": 0.9}
COREFERENCE = {"gap", "gum"}  # corpora that mark nothing but who is meant
_REACH = 12  # sentences back, in which a speaker's name is looked for
_IGNORED = -100  # what cross_entropy passes over
_OUTSIDE = models.TAGS.index("outside")
_NOWHERE = -1e9  # a logit of what can't be
_WINDOW = 32  # batches within which passages are sorted by length: little padding


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch, a pure function of the seed; `budget` counts padding too."""

    examples: Examples
    packer: models.Packer
    tokens: Sequence[models.Tokens]
    shares: Mapping[str, float]
    budget: int
    seed: int

    def epoch(self, number: int) -> list[list[models.Passage]]:
        """Return the batches of one epoch, in order."""
        rng = np.random.default_rng((self.seed, number))
        corpora = sorted(set(self.examples.corpus.tolist()))
        passages = [p for corpus in corpora for p in self._sample(corpus, number, rng)]
        shuffled = [passages[i] for i in rng.permutation(len(passages))]
        batches: list[list[models.Passage]] = []
        mean = sum(p.length for p in shuffled) / max(len(shuffled), 1)
        window = max(1, int(_WINDOW * self.budget / max(mean, 1.0)))
        for start in range(0, len(shuffled), window):
            batches += models.by_length(shuffled[start : start + window], self.budget)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _sample(self, corpus: str, number: int, rng: np.random.Generator) -> list[models.Passage]:
        """Pack a share of a corpus' articles; those that one epoch leaves out, the next takes."""
        rows = np.flatnonzero(self.examples.corpus == corpus)
        articles = np.array(sorted(set(self.examples.article[rows].tolist())))
        order = np.random.default_rng(self.seed).permutation(articles)
        count = round(len(order) * self.shares.get(corpus, 1.0))
        turn = np.arange(number * count, (number + 1) * count)
        chosen: list[models.Passage] = []
        for start in range(0, count, len(order)):
            again = order[turn[start : start + len(order)] % len(order)]
            kept = rows[np.isin(self.examples.article[rows], again)].tolist()
            # Of varying size: a sentence stands at another place in each epoch, in other contexts.
            size = int(rng.integers(self.packer.max_tokens // 2, self.packer.max_tokens + 1))
            packer = models.Packer(self.packer.tokenizer, size, self.packer.context)
            sentences = [self.examples.sentences[row] for row in kept]
            packed = packer.pack(sentences, [self.tokens[row] for row in kept])
            chosen += [models.Passage(tuple(kept[i] for i in p.rows), p.length) for p in packed]
        return chosen


class Targets:
    """The labels of training rows and of the tokens of spans, and the loss against them."""

    def __init__(
        self,
        train: Examples,
        tokens: Sequence[models.Tokens],
        tags: Sequence[str],
        weights: Mapping[str, float],
        tag_weight: float,
    ) -> None:
        self.labels = train.labels
        self.weights = torch.tensor([weights.get(signal, 1.0) for signal in train.signals])
        self.tag_columns = [train.signals.index(tag) for tag in tags]
        self.tag_weight = tag_weight
        self.marked = known = marked(train, tags)
        labels = np.where(known, train.labels[:, self.tag_columns], 1.0)
        rows = zip(train.sentences, tokens, train.spans, labels, known, strict=True)
        #: By row the label of each token in a span, of rows whose corpus marks some.
        self.tags = {
            row: (in_spans(sentence, of, spans, tags) * label).astype(np.float32)
            for row, (sentence, of, spans, label, marks) in enumerate(rows)
            if marks.any()
        }

    def loss(self, votes: Tensor, tags: Tensor, gain: Tensor, batch: models.Batch) -> Tensor:
        """Return the loss of a batch; the gain, of shape (n_tags,), is the network's."""
        rows = batch.places[:, 1]
        logits = pool(votes, tags, gain, batch.places, self.tag_columns)
        labels = on_device(votes, self.labels[rows])
        cells = bce(logits, torch.nan_to_num(labels), reduction="none") * ~torch.isnan(labels)
        loss = (cells * self.weights.to(votes.device)).sum() / len(rows)
        places = batch.places[[row in self.tags for row in rows.tolist()]]
        if len(places):
            known = np.repeat(self.marked[places[:, 1]], places[:, 3] - places[:, 2], axis=0)
            wanted = np.concatenate([self.tags[row] for row in places[:, 1].tolist()])[known]
            if len(wanted):
                given = at(tags, tokens_of(places, tags)[0]).flatten()
                given = given.index_select(0, on_device(tags, np.flatnonzero(known)))
                mean = bce(given, on_device(tags, wanted))
                loss = loss + self.tag_weight * mean * len(places) / len(rows)
        return loss


def tokens_of(places: NDArray[np.int64], values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tokens of some sentences, numbered over all passages, and the sentence of each."""
    sizes = places[:, 3] - places[:, 2]
    sentence = np.repeat(np.arange(len(places)), sizes)
    first = places[:, 0] * values.shape[1] + places[:, 2] - np.cumsum(sizes) + sizes
    tokens = np.arange(len(sentence)) + first[sentence]
    return on_device(values, tokens), on_device(values, sentence)


def at(values: Tensor, tokens: Tensor) -> Tensor:
    """Return values, (n_passages, n_tokens, k), of the tokens of these numbers."""
    return values.flatten(0, 1).index_select(0, tokens)


def pool(
    votes: Tensor, tags: Tensor, gain: Tensor, places: NDArray[np.int64], columns: Sequence[int]
) -> Tensor:
    """Return the logits of sentences, (n_sentences, n_signals), as `TransformerModel` does."""
    tokens, sentence = tokens_of(places, votes)
    sizes = on_device(votes, np.maximum(places[:, 3] - places[:, 2], 1))
    sums = votes.new_zeros(len(places), votes.shape[-1])
    logits = sums.index_add(0, sentence, at(votes, tokens)) / sizes[:, None]
    if columns:
        of_tokens = at(tags, tokens)
        strongest = tags.new_zeros(len(places), tags.shape[-1]).scatter_reduce(
            0, sentence[:, None].expand_as(of_tokens), of_tokens, "amax", include_self=False
        )
        logits = logits.index_add(1, on_device(votes, list(columns)), strongest * gain)
    return logits


def marked(examples: Examples, tags: Sequence[str]) -> NDArray[np.bool_]:
    """Return of which signals each row's spans are known, shape (n, n_tags)."""
    found = np.zeros((len(examples), len(tags)), np.bool_)
    for column, tag in enumerate(tags):
        labels = examples.column(tag)
        # A corpus may say that a sentence has a technique without saying where.
        has_span = [any(tag in _tags_of(span) for span in spans) for spans in examples.spans]
        found[:, column] = (labels == 0) | ((labels >= 0.5) & np.array(has_span, np.bool_))
    return found


def _tags_of(span: Span) -> tuple[str, ...]:
    """Return a span's signal, and of a technique ``any_technique`` as well."""
    return (span.signal, *(("any_technique",) if span.signal in TECHNIQUES else ()))


def in_spans(
    sentence: Sentence, tokens: models.Tokens, spans: Sequence[Span], tags: Sequence[str]
) -> NDArray[np.bool_]:
    """Return which tokens lie in a span of which signal, shape (n_tokens, n_tags)."""
    marks = np.zeros((len(tokens.ids), len(tags)), np.bool_)
    for span in spans:
        columns = [i for i, tag in enumerate(tags) if tag in _tags_of(span)]
        for position, (start, end) in enumerate(tokens.offsets):
            if sentence.start + start < span.end and span.start < sentence.start + end:
                marks[position, columns] = True
    return marks


def on_device(values: Tensor, given: Any) -> Tensor:
    """Return an array or numbers as a tensor on the device of `values`, moved there at once."""
    return torch.as_tensor(given, device=values.device)


class _Placed(NamedTuple):
    """A marked citation of a batch; places are None where they lie outside its passage."""

    marked: RowCitation
    weight: float
    source: Place | None
    cue: Place | None
    before: list[Place]  # all earlier words for whom the source means
    content: list[Place]


class CitationTargets:
    """The citations of training rows in terms of their tokens, and the loss against them."""

    def __init__(self, train: Examples, tokens: Sequence[models.Tokens]) -> None:
        self.citations = train.citations
        self.tokens = tokens
        self.index = [sentence.index for sentence in train.sentences]
        self.meant = _meant(train)
        self.tagged = [corpus not in COREFERENCE for corpus in train.corpus.tolist()]
        self.weight = [WIDER.get(corpus, 1.0) for corpus in train.corpus.tolist()]

    def loss(self, outputs: Sequence[Tensor], batch: models.Batch) -> Tensor | None:
        """Return the loss of a batch of `CitationHeads`; None where no row of it is annotated."""
        role, link, kind = outputs
        places = {row: (b, start, end) for b, row, start, end in batch.places.tolist()}
        annotated = self._placed(places)
        if not annotated:
            return None
        placed = [one for citations in annotated.values() for one in citations]
        tagged = {row: found for row, found in annotated.items() if self.tagged[row]}
        loss = ROLE_WEIGHT * self._of_roles(role, places, tagged) if tagged else role.sum() * 0
        links = [found for one in placed for found in _links(one)]
        if links:
            loss = loss + LINK_WEIGHT * _of_links(link, links, on_device(link, batch.mask))
        # The kind of a source that stands in another passage can't be read off this one.
        near = (one for one in placed if one.source or (one.marked.source is None and one.cue))
        kinds = [one for one in near if one.marked.kind]
        if kinds:
            loss = loss + KIND_WEIGHT * _of_kinds(kind, kinds)
        # Every row counts the same, whatever share of a batch is annotated.
        return loss * (len(annotated) / len(places))

    def _placed(self, places: Mapping[int, Place]) -> dict[int, list[_Placed]]:
        """Find the tokens of the citations of each annotated row."""
        rows = {(b, self.index[row]): row for row, (b, _, _) in places.items()}

        def place(passage: int, mark: Mark | None) -> Place | None:
            other = None if mark is None else rows.get((passage, mark.sentence))
            if mark is None or other is None:
                return None
            b, start, end = places[other]
            inside = [
                at
                for at, (first, last) in enumerate(self.tokens[other].offsets[: end - start])
                if first < mark.end and mark.start < last
            ]
            return (b, start + inside[0], start + inside[-1] + 1) if inside else None

        found: dict[int, list[_Placed]] = {}
        for row, (b, _, _) in places.items():
            if (citations := self.citations[row]) is not None:
                found[row] = []
                for one, meant in zip(citations, self.meant[row], strict=True):
                    ends = self.weight[row], place(b, one.source), place(b, one.cue)
                    both = ([w for m in of if (w := place(b, m))] for of in (meant, one.content))
                    found[row].append(_Placed(one, *ends, *both))
        return found

    def _of_roles(
        self, logits: Tensor, places: Mapping[int, Place], annotated: Mapping[int, list[_Placed]]
    ) -> Tensor:
        wanted = np.full((*logits.shape[:2], len(models.ROLES)), _IGNORED)
        weights = np.zeros(wanted.shape, np.float32)
        for row in annotated:
            b, start, end = places[row]
            wanted[b, start:end] = _OUTSIDE
            weights[b, start:end] = self.weight[row]
        for citations in annotated.values():
            for role, (b, start, end) in _spans(citations):
                wanted[b, start, models.ROLES.index(role)] = models.TAGS.index("begins")
                wanted[b, start + 1 : end, models.ROLES.index(role)] = models.TAGS.index("inside")
        tags, weight = (on_device(logits, one).reshape(-1) for one in (wanted, weights))
        flat = logits.reshape(-1, len(models.TAGS))
        each = cross_entropy(flat, tags, ignore_index=_IGNORED, reduction="none")
        return (each * weight).sum() / (weight > 0).sum()


def _spans(citations: Sequence[_Placed]) -> Iterator[tuple[str, Place]]:
    """Iterate over a row's spans; of contents that share words the longer is the outer one."""
    for one in citations:
        yield from ((role, p) for role in ("source", "cue") if (p := getattr(one, role)))
    contents = [place for one in citations for place in one.content]
    taken: dict[str, set[int]] = {"content": set(), "nested": set()}
    for b, start, end in sorted(contents, key=lambda place: place[1] - place[2]):
        free = (name for name in taken if taken[name].isdisjoint(range(start, end)))
        if layer := next(free, None):
            taken[layer].update(range(start, end))
            yield layer, (b, start, end)


def _links(one: _Placed) -> Iterator[Link]:
    for content in one.content:
        for number, words in enumerate((one.source, one.cue)):
            yield content, number, [words] if words else [], one.weight
    if one.source is not None and one.weight == 1.0:
        yield one.source, models.LINKED.index("antecedent"), one.before, one.weight


def _meant(train: Examples) -> list[list[list[Mark]]]:
    """Return, by row and citation, all earlier words for whom the source means, in the article."""
    found: list[list[list[Mark]]] = []
    before: dict[tuple[str, object], list[Mark]] = {}
    rows_of: dict[tuple[str, int], int] = {}
    pairs = zip(train.article.tolist(), train.sentences, strict=True)
    for row, (article, sentence) in enumerate(pairs):
        rows_of[article, sentence.index] = row
        found.append([])
        for one in train.citations[row] or ():
            own = [one.antecedent] if one.antecedent else []
            own += before.get((article, one.antecedent), ())
            name = one.speaker and one.speaker.name
            if name and (article, name.sentence) in rows_of:
                words = train.sentences[rows_of[article, name.sentence]].text[name.start : name.end]
                last = re.compile(rf"\b{re.escape(words.split()[-1])}\b")
                known = before.setdefault((article, words), [])
                own += known
                for at in range(max(0, row - _REACH), row + 1):
                    said = train.sentences[at]
                    if said.article_id == sentence.article_id:
                        spans = (match.span() for match in last.finditer(said.text))
                        own += [Mark(said.index, *span) for span in spans]
                if one.source:
                    known.append(one.source)
            key = one.source and (one.source.sentence, one.source.start)
            own = [mark for mark in own if key and (mark.sentence, mark.start) < key]
            if one.source:
                before[article, one.source] = own
            found[row].append(list(dict.fromkeys(own)))
    return found


def _mean(values: Tensor, places: Sequence[Place]) -> Tensor:
    """Average tokens over spans: (n_passages, n_tokens, k) -> (n_spans, k)."""
    sums = torch.cat([values.new_zeros(len(values), 1, values.shape[-1]), values.cumsum(1)], 1)
    passages, start, end = on_device(values, places).T
    total = sums[passages, end] - sums[passages, start]
    return torch.div(total, (end - start).clamp(min=1)[:, None])


def _of_links(link: Tensor, links: Sequence[Link], mask: Tensor) -> Tensor:
    """Cross-entropy of the tokens that words should find; the first token is for none."""
    words, roles, targets, weights = zip(*links, strict=True)
    passages, role = on_device(link, [[place[0] for place in words], roles])
    size, n = models.LINK_SIZE, len(models.LINKED)
    asked = _mean(link[..., : n * size], words)
    asked = asked.reshape(len(links), n, size)[torch.arange(len(links), device=link.device), role]
    answered = link[..., n * size :].reshape(*link.shape[:2], n, size)
    scores = torch.einsum("ns,nts->nt", asked, answered[passages, :, role]) / sqrt(size)
    chances = log_softmax(scores.masked_fill(mask[passages] == 0, _NOWHERE), -1)
    wrong = np.ones(chances.shape, np.bool_)
    for number, places in enumerate(targets):
        for _, start, end in places or [(0, 0, 1)]:
            wrong[number, start:end] = False
    each = -torch.logsumexp(chances.masked_fill(on_device(link, wrong), _NOWHERE), -1)
    return (each * on_device(link, weights)).mean()


def _of_kinds(kind: Tensor, kinds: Sequence[_Placed]) -> Tensor:
    n, exclusive = len(models.KINDS), len(SourceKind)
    logits = kind.new_zeros(len(kinds), n)
    for at, role in enumerate(models.SPEAKING):
        spans = [getattr(one, role) for one in kinds]
        held = on_device(kind, [[float(span is not None)] for span in spans])
        columns = kind[..., at * n : (at + 1) * n]
        logits = logits + _mean(columns, [span or (0, 0, 1) for span in spans]) * held
    names = on_device(kind, [models.KINDS.index(str(one.marked.kind)) for one in kinds])
    on_top = [(float(one.marked.government), float(one.marked.state_media)) for one in kinds]
    each = cross_entropy(logits[:, :exclusive], names, reduction="none")
    each = each + bce(logits[:, exclusive:], on_device(kind, on_top), reduction="none").mean(-1)
    return (each * on_device(kind, [one.weight for one in kinds])).mean()


@dataclass(frozen=True)
class DistillationTargets:
    """Rows without labels and a teacher's outputs: ``logits`` of rows, and of tokens others."""

    rows: Examples
    outputs: Mapping[str, NDArray[Any]]  # row r's tokens are those from ``first`` [r] to [r + 1]
    identity: str
    ignored: NDArray[np.bool_] | None = None  # (n_rows, n_signals + 1); last are citations


@dataclass(eq=False)
class DistillationLoss:
    """The loss of a student against distillation targets, whose rows begin at `start`."""

    targets: DistillationTargets
    start: int
    tokens: Sequence[models.Tokens]
    columns: Sequence[int]
    weights: Tensor
    settings: TransformerSettings

    def __post_init__(self) -> None:
        logits, first, ids = (self.targets.outputs[name] for name in ("logits", "first", "ids"))
        self.learned = np.ones((len(logits), logits.shape[1] + 1), np.float32)
        if self.targets.ignored is not None:
            self.learned[self.targets.ignored] = 0
        pairs = zip(self.tokens[self.start :], pairwise(first), strict=True)
        self.alike = np.array(  # tokens count only where the student reads what its teacher did
            [len(own.ids) > 0 and np.array_equal(own.ids, ids[a:b]) for own, (a, b) in pairs]
        )

    def loss(self, outputs: Sequence[Tensor], gain: Tensor, batch: models.Batch) -> Tensor | None:
        """Return the loss of a batch; None where it has no row with targets."""
        chosen = batch.places[:, 1] >= self.start
        if not chosen.any():
            return None
        places = batch.places[chosen] - (0, self.start, 0, 0)
        rows = places[:, 1]
        votes, tags, *cited = outputs
        logits = pool(votes, tags, gain, places, self.columns)
        wanted = torch.sigmoid(on_device(votes, self.targets.outputs["logits"][rows]).float())
        learned = on_device(votes, self.learned[rows, :-1])
        cells = bce(logits, wanted, reduction="none") * learned
        loss = (cells * self.weights.to(votes.device)).sum() / len(rows)
        alike = places[self.alike[rows]]
        if len(alike):
            loss = loss + self._tokens(tags, cited, alike)
        return self.settings.taught_weight * loss * (len(rows) / len(batch.places))

    def _tokens(self, tags: Tensor, cited: Sequence[Tensor], places: NDArray[np.int64]) -> Tensor:
        outputs = self.targets.outputs

        def theirs(name: str, rows: NDArray[np.int64]) -> Tensor:
            tokens = [np.arange(*outputs["first"][row : row + 2]) for row in rows]
            return on_device(tags, outputs[name][np.concatenate(tokens)]).float()

        rows = places[:, 1]
        every, sentence = tokens_of(places, tags)
        learned = on_device(tags, self.learned[rows][:, self.columns])[sentence]
        mean = bce(at(tags, every), torch.sigmoid(theirs("tags", rows)), weight=learned)
        loss = self.settings.tag_weight * mean
        places = places[self.learned[rows, -1] > 0]
        if len(places) and cited and outputs["roles"].shape[1]:
            rows = places[:, 1]
            tokens, _ = tokens_of(places, tags)
            roles = theirs("roles", rows).reshape(len(tokens), len(models.ROLES), len(models.TAGS))
            wanted = softmax(roles, -1).flatten(0, 1)
            of_roles = cross_entropy(at(cited[0], tokens).reshape(wanted.shape), wanted)
            of_kinds = _of_taught_kinds(at(cited[2], tokens), theirs("kinds", rows), roles)
            of_both = ROLE_WEIGHT * of_roles + KIND_WEIGHT * of_kinds
            loss = loss + self.settings.citation_weight * of_both * (len(tokens) / len(every))
        return loss


def _of_taught_kinds(given: Tensor, theirs: Tensor, roles: Tensor) -> Tensor:
    """Return the loss of kinds; a token counts as surely as the teacher takes it for a source."""
    exclusive, outside = len(SourceKind), models.TAGS.index("outside")
    loss = given.new_zeros(())
    for number, role in enumerate(models.SPEAKING):
        sure = 1 - softmax(roles[:, models.ROLES.index(role)], -1)[:, outside]
        columns = slice(number * len(models.KINDS), (number + 1) * len(models.KINDS))
        own, wanted = given[:, columns], theirs[:, columns]
        names = softmax(wanted[:, :exclusive], -1)
        each = cross_entropy(own[:, :exclusive], names, reduction="none")
        on_top = bce(own[:, exclusive:], torch.sigmoid(wanted[:, exclusive:]), reduction="none")
        loss = loss + (sure * (each + on_top.mean(-1))).sum() / sure.sum().clamp(min=1.0)
    return loss


def losses(
    train: Examples,
    tokens: Sequence[models.Tokens],
    tags: Sequence[str],
    settings: TransformerSettings,
    taught: DistillationTargets | None,
) -> Callable[[Sequence[Tensor], Tensor, models.Batch], Tensor]:
    """Return the loss of a network's outputs and gain; the last rows are those that are taught."""
    labels = Targets(train, tokens, tags, settings.weights, settings.tag_weight)
    citations, distilled = CitationTargets(train, tokens), None
    if taught is not None:
        start, columns = len(train) - len(taught.rows), labels.tag_columns
        distilled = DistillationLoss(taught, start, tokens, columns, labels.weights, settings)

    def loss_of(outputs: Sequence[Tensor], gain: Tensor, batch: models.Batch) -> Tensor:
        votes, tags, *cited = outputs
        loss = labels.loss(votes, tags, gain, batch)
        if cited and (more := citations.loss(cited, batch)) is not None:
            loss = loss + settings.citation_weight * more
        if distilled and (more := distilled.loss(outputs, gain, batch)) is not None:
            loss = loss + more
        return loss

    return loss_of
