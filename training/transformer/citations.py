"""Citations: the heads that mark them, the loss of these, and the scorer fitted on top.

A content is linked to its source and its cue by a softmax over the tokens of its passage, the first
of which stands for "none here". The scorer decides which citations are shown, of which kind their
sources are, and what they add to the signals.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from framescope.classifier import models
from framescope.classifier.records import SourceKind
from framescope.training.data import Examples, Mark, RowCitation
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy, log_softmax

Place = tuple[int, int, int]  # a passage, and the first and the end of some tokens in it
#: Words in a batch that look for others, their role, where these are (empty: nowhere), a weight.
Link = tuple[Place, int, Sequence[Place], float]
Floats = NDArray[np.float64]

#: Weights of the losses of roles, links and kinds, relative to each other.
ROLE_WEIGHT, LINK_WEIGHT, KIND_WEIGHT = 3.0, 1.5, 0.3
#: Corpora that mark citations in a wider sense than the guidelines, with kinds typed by rules and
#: no antecedents, and how much each counts.
WIDER = {"polnear": 0.5}
#: Corpora that mark nothing but who is meant.
COREFERENCE = {"gap", "gum"}
_EXCLUSIVE = tuple(kind.value for kind in SourceKind)
_REACH = 12  # sentences back, in which a speaker's name is looked for
_IGNORED = -100  # what cross_entropy passes over
_OUTSIDE = models.TAGS.index("outside")
_NOWHERE = -1e9  # a logit of what can't be
# How firmly weights of the scorer are held: what a standard deviation of a feature may add to the
# log-odds costs as much as two wrong sentences.
_STRENGTH = 2.0
_LEAST_SPREAD = 0.05  # of a feature, so that one that hardly varies is held as well
# Which features may speak for a signal, and for a kind. The articles to fit on are few; with every
# feature most signals and kinds were decided worse in articles left out. `unsourced_assertion` has
# nothing but its vote, which no citation of others improved.
_FOR_SIGNAL: Mapping[str, Sequence[str]] = {
    "attributed": ("vote", "cited"),
    "named_source": ("vote", "cited", "named"),
    "unnamed_source": ("vote", "unnamed"),
    "vague_source": ("vote", "vague"),
    "government_attribution": ("vote", "government"),
    "state_media_attribution": ("vote", "state_media", "names state media"),
    "quoted": ("vote", "quoted share", "quoted content"),
    "reported": ("vote", "cited", "quoted share", "quoted content"),
}
_FOR_ANY_KIND = ("known: outlet", "known: antecedent", "source")


class CitationHeads(nn.Module):
    """Linear heads of every token, in the columns of `classifier.models.raw_citations`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.role = nn.Linear(hidden, models.ROLE_COLUMNS)
        self.link = nn.Linear(hidden, models.LINK_COLUMNS)
        self.kind = nn.Linear(hidden, models.KIND_COLUMNS)
        for head in (self.role, self.link, self.kind):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        with torch.no_grad():  # most tokens lie outside
            self.role.bias.copy_(torch.tensor([-3.0, -2.0, 0.0] * len(models.ROLES)))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return roles, links and kinds: (n_passages, n_tokens, columns) each."""
        return self.role(hidden), self.link(hidden), self.kind(hidden)


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
        kinds = [
            one
            for one in placed
            if one.marked.kind and (one.source or (one.marked.source is None and one.cue))
        ]
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

        found = {}
        for row, (b, _, _) in places.items():
            if (citations := self.citations[row]) is not None:
                found[row] = [
                    _Placed(
                        one,
                        self.weight[row],
                        place(b, one.source),
                        place(b, one.cue),
                        [words for mark in self.meant[row][at] if (words := place(b, mark))],
                        [words for mark in one.content if (words := place(b, mark))],
                    )
                    for at, one in enumerate(citations)
                ]
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
        loss: Tensor = (each * weight).sum() / (weight > 0).sum()
        return loss


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
    """Return, by row and citation, all earlier words for whom the source means, in the article.

    They are the antecedent, what that has for antecedents, the earlier sources of the same speaker,
    and where the last word of the speaker's name stands.
    """
    found: list[list[list[Mark]]] = []
    before: dict[tuple[str, object], list[Mark]] = {}
    rows_of: dict[tuple[str, int], int] = {}
    for row, (article, sentence) in enumerate(
        zip(train.article.tolist(), train.sentences, strict=True)
    ):
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
    mean: Tensor = total / (end - start).clamp(min=1)[:, None]
    return mean


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
    loss: Tensor = (each * on_device(link, weights)).mean()
    return loss


def _of_kinds(kind: Tensor, kinds: Sequence[_Placed]) -> Tensor:
    n, exclusive = len(models.KINDS), len(_EXCLUSIVE)
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
    loss: Tensor = (each * on_device(kind, [one.weight for one in kinds])).mean()
    return loss


def fit_citation_scorer(
    rows: Examples,
    resolved: models.ResolvedCitations,
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> models.CitationScorer:
    """Fit citations, kinds and signals, and the chance from which a citation is shown.

    Nothing was learned from `rows`, and their corpora mark citations by the guidelines. `resolved`
    are the encoder's raw citations there, `logits` its votes, of shape (n_rows, n_signals), and
    `state_media` says which rows name state media.
    """

    def features(scorer: models.CitationScorer) -> models.CitationFeatures:
        return models.features_of(scorer, resolved, rows.sentences, logits, signals, state_media)

    nothing = models.Regressions((), {})
    plain = features(models.CitationScorer(nothing, nothing, nothing, 0.5))
    annotated = [(row, marked) for row, marked in enumerate(rows.citations) if marked is not None]
    articles = rows.article.tolist()
    row_of = {
        (article, sentence.index): row
        for row, (article, sentence) in enumerate(zip(articles, rows.sentences, strict=True))
    }

    def shares_words(row: int, raw: models.RawCitation, marked: RowCitation) -> bool:
        """Return True if content and source share characters with those that are marked."""
        if not any(_meet(words, mark) for words in raw.content for mark in marked.content):
            return False
        if raw.source is None or marked.source is None:
            return raw.source is None and marked.source is None
        place = row_of.get((articles[row], marked.source.sentence))
        return place == raw.source.row and _meet(raw.source, marked.source)

    pairs = [
        (line, kind_line, next((one for one in marked if shares_words(row, raw, one)), None))
        for row, marked in annotated
        for raw, line, kind_line in zip(
            resolved.raw[row], plain.citations[row], plain.kind_features[row], strict=True
        )
    ]
    of_kinds = [(line, match) for _, line, match in pairs if match is not None and match.kind]
    found = np.array([line for line, *_ in pairs]).reshape(-1, len(models.CITATION_FEATURES))
    correct = np.array([match is not None for *_, match in pairs], np.bool_)
    citation = models.Regressions(models.CITATION_FEATURES, {"right": _line(found, correct)})
    kind_lines = np.array([line for line, _ in of_kinds]).reshape(-1, len(models.KIND_FEATURES))
    kinds = _kinds(kind_lines, [match for _, match in of_kinds])
    chances = expit(citation.log_odds(found)["right"])
    threshold = _threshold(chances, correct, sum(len(marked) for _, marked in annotated))
    sentences = features(models.CitationScorer(citation, kinds, nothing, threshold)).sentences
    of_signals = {}
    for signal, own in _FOR_SIGNAL.items():
        if signal not in rows.signals or signal not in sentences:
            continue
        labels = rows.column(signal)
        known = ~np.isnan(labels)
        positive = labels[known] >= 0.5
        if positive.any() and not positive.all():
            of_signal = sentences[signal][known]
            of_signals[signal] = _of_own(of_signal, positive, models.SENTENCE_FEATURES, own)
    return models.CitationScorer(
        citation, kinds, models.Regressions(models.SENTENCE_FEATURES, of_signals), threshold
    )


def _meet(words: models.RowSpan, mark: Mark) -> bool:
    return words.start < mark.end and mark.start < words.end


def _kinds(x: Floats, truth: Sequence[RowCitation]) -> models.Regressions:
    lines = {}
    for name in models.KINDS:
        own = (f"words: {name}", f"sentence: {name}", f"known: {name}", *_FOR_ANY_KIND)
        holds = [one.kind == name if name in _EXCLUSIVE else getattr(one, name) for one in truth]
        lines[name] = _of_own(x, np.array(holds, np.bool_), models.KIND_FEATURES, own)
    return models.Regressions(models.KIND_FEATURES, lines)


def _of_own(
    x: Floats, y: NDArray[np.bool_], features: Sequence[str], own: Sequence[str]
) -> tuple[float, ...]:
    """Fit one regression to some features; the first, the encoder's vote, weighs about 1."""
    columns = [features.index(name) for name in own]
    *weights, intercept = _line(x[:, columns], y, np.eye(len(own))[0])
    line = np.zeros(len(features))
    line[columns] = weights
    return (*map(float, line), intercept)


def _line(x: Floats, y: NDArray[np.bool_], centre: Floats | None = None) -> tuple[float, ...]:
    """Fit one logistic regression: its weights, held near `centre` (0), and the intercept last."""
    centre = np.zeros(x.shape[1]) if centre is None else centre
    if not len(x):
        return (*map(float, centre), 0.0)
    scale = np.maximum(x.std(axis=0), _LEAST_SPREAD)
    wanted = y.astype(float)

    def loss(line: Floats) -> tuple[float, Floats]:
        z = x @ line[:-1] + line[-1]
        away = (line[:-1] - centre) * scale
        fit = -(wanted * log_expit(z) + (1 - wanted) * log_expit(-z)).sum()
        error = expit(z) - wanted
        gradient = np.append(x.T @ error + 2 * _STRENGTH * away * scale, error.sum())
        return float(fit + _STRENGTH * (away**2).sum()), gradient

    start = np.append(centre, 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30.0, 30.0)] * len(start))
    return tuple(map(float, found.x))


def _threshold(chances: Floats, right: NDArray[np.bool_], marked: int) -> float:
    """Return the chance from which citations are shown: that of the best F1."""
    if not len(chances) or not right.any():
        return 0.5
    order = np.argsort(-chances, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + marked)
    best = int(f1.argmax())
    below = chances[order[best + 1]] if best + 1 < len(order) else chances[order[best]]
    return float((chances[order[best]] + below) / 2)
