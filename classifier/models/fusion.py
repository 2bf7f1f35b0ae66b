"""From citations to decisions: how sure each is, of what kind its source, and what that decides.

The encoder marks citations and votes on signals; the registry and a lexicon of offices know what no
text holds. Small logistic regressions put the two together. They are fitted on articles that the
encoder has not seen, saved with the model, and shown with a citation as what speaks for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from framescope.classifier.models.citations import Said, log_odds
from framescope.classifier.models.roles import KINDS
from framescope.classifier.records import Sentence, SourceKind
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Signals about who says so, whose votes the kinds of a sentence's sources add to.
SOURCING = (
    "attributed", "named_source", "unnamed_source", "vague_source", "government_attribution",
    "state_media_attribution", "unsourced_assertion", "quoted", "reported",
)  # fmt: skip
KIND_SIGNALS = SOURCING[1:6]
"""The signals that say of a sentence what `KINDS` say of a source, in their order."""

CITATION_FEATURES = (
    "marked", "linked", "cued", "cue", "source", "nested", "carried", "elsewhere", "quoted",
    "attributed", "length",
)  # fmt: skip
KIND_FEATURES = (
    *(f"words: {kind}" for kind in KINDS),
    *(f"sentence: {kind}" for kind in KINDS),
    *(f"known: {kind}" for kind in KINDS),
    "known: outlet",
    "known: antecedent",
    "source",
)
SENTENCE_FEATURES = (
    "vote", "cited", *KINDS, "quoted share", "quoted content", "names state media",
)  # fmt: skip
_EXCLUSIVE = len(SourceKind)


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry and the lexicons know of a citation's source (`classifier.attribution`)."""

    kind: SourceKind
    government: bool
    state_media: bool
    outlet: bool
    antecedent: bool


@dataclass(frozen=True)
class Regressions:
    """Weights by output, each with the intercept last."""

    features: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]

    def log_odds(self, features: Floats) -> dict[str, Floats]:
        """Give each output's log-odds, shape (n,), of features of shape (n, n_features)."""
        return {name: weighed(features, line) for name, line in self.weights.items()}

    def shares(self, name: str, features: Floats) -> dict[str, float]:
        """Give what each feature of one row adds to an output's log-odds."""
        line = self.weights[name]
        return {
            feature: float(weight * value)
            for feature, weight, value in zip(self.features, line, features, strict=False)
        }


@dataclass(frozen=True)
class Fusion:
    """The fitted stage.

    `citation` says whether a citation is right, and `threshold` is the chance from which it is
    shown; `kinds` have one output a kind, `signals` one a signal of `SOURCING`.
    """

    citation: Regressions
    kinds: Regressions
    signals: Regressions
    threshold: float

    def to_record(self) -> dict[str, Any]:
        """Write it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Fusion:
        """Read what `to_record` wrote; raises `ValueError` where it is of other features."""
        expected = (CITATION_FEATURES, KIND_FEATURES, SENTENCE_FEATURES)
        parts = []
        for name, features in zip(("citation", "kinds", "signals"), expected, strict=True):
            part = record[name]
            lines = {output: tuple(map(float, line)) for output, line in part["weights"].items()}
            if tuple(part["features"]) != features or any(
                len(line) != len(features) + 1 for line in lines.values()
            ):
                raise ValueError(f"the fusion's {name} is of other features")
            parts.append(Regressions(features, lines))
        citation, kinds, signals = parts
        return cls(citation, kinds, signals, float(record["threshold"]))


def weighed(features: Floats, line: Sequence[float]) -> Floats:
    """Give log-odds, shape (n,), of features, shape (n, n_features): weights, the intercept last.

    Each row is summed by itself: a product of matrices may round one by how many others there are.
    """
    found: Floats = (features * np.asarray(line[:-1])).sum(axis=1) + line[-1]
    return found


def sigmoid(values: Floats) -> Floats:
    """Chances of log-odds, without overflow."""
    chances: Floats = 0.5 * (1.0 + np.tanh(0.5 * values))
    return chances


# --- features -------------------------------------------------------------------------------------


def citation_features(one: Said, sentence: Sentence, attributed: float) -> list[float]:
    """Lay out what speaks for a citation; `attributed` is the sentence's own log-odds."""
    return [
        log_odds(one.marked),
        log_odds(one.linked),
        log_odds(one.cued),
        float(one.cue is not None),
        float(one.source is not None),
        float(one.nested),
        float(one.carried),
        float(one.source is not None and one.source.row != one.content[0].row),
        quoted_share([(words.start, words.end) for words in one.content], sentence),
        attributed,
        float(np.log1p(sum(words.end - words.start for words in one.content))),
    ]


def kind_features(one: Said, known: Known | None, votes: Sequence[float]) -> list[float]:
    """Lay out what speaks for a source's kind; `votes` are the sentence's, by `KIND_SIGNALS`."""
    held = [0.0] * (len(KINDS) + 2)
    if known is not None:
        held[KINDS.index(known.kind.value)] = 1.0
        held[_EXCLUSIVE:] = map(
            float, (known.government, known.state_media, known.outlet, known.antecedent)
        )
    return [*map(float, one.kinds), *map(float, votes), *held, float(one.source is not None)]


def sentence_features(
    chances: Sequence[float],
    kinds: Sequence[Sequence[float]],
    quoted: tuple[float, float],
    names_state_media: bool,
) -> list[float]:
    """Lay out what speaks for a signal of a sentence, beside its own vote, which comes first.

    `chances` say how sure each of its citations is, `kinds` how likely each is of each of `KINDS`,
    `quoted` the shares of the sentence and of its surest content in quotation marks.
    """
    surest = [
        max((chance * kind[at] for chance, kind in zip(chances, kinds, strict=True)), default=0.0)
        for at in range(len(KINDS))
    ]
    return [max(chances, default=0.0), *surest, *quoted, float(names_state_media)]


def quoted_share(spans: Sequence[tuple[int, int]], sentence: Sentence) -> float:
    """Give the share of the letters and digits of some spans that stand in quotation marks."""
    if not sentence.quoted:
        return 0.0

    def counted(start: int, end: int) -> int:
        return sum(map(str.isalnum, sentence.text[start:end]))

    total = sum(counted(*span) for span in spans)
    # Ranges in quotation marks are in order and apart, so that nothing is counted twice.
    inside = sum(
        counted(max(start, first), min(end, last))
        for start, end in spans
        for first, last in sentence.quoted
        if first < end and start < last
    )
    return inside / total if total else 0.0
