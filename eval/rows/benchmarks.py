"""The benchmarks: one row each, with what is published for it and how far that can be compared.

A benchmark is a signal of a corpus on one held-out part. Which rows those are is the split's
business (`training.data.splits`); this table says what is read off them, and beside which number of
others it may stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from framescope.classifier.taxonomy import SHIPPED


@dataclass(frozen=True, slots=True)
class Published:
    """A figure of others.

    ``metric``: in the publication's terms. ``same_split``: whether it was measured on these rows.
    Where not, it says how hard the task is, and no more: it can't be beaten here.
    """

    value: float
    metric: str
    citation: str
    same_split: bool


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree with each other on the task."""

    value: float
    measure: str
    citation: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One row.

    ``split``: what was never divided between the parts. ``metric``: the main one, a name of
    `eval.metrics.scores.METRICS`.
    """

    corpus: str
    part: str
    signal: str
    unit: str
    split: str
    metric: str
    published: Published | None = None
    ceiling: Ceiling | None = None

    @property
    def name(self) -> str:
        """What options and files call it."""
        return f"{self.corpus}/{self.part}/{self.signal}"


_NLP4IF = Published(
    0.63,
    "F1 of sentences with a technique",
    "Da San Martino, Barrón-Cedeño, Nakov (2019). Findings of the NLP4IF-2019 Shared Task on "
    "Fine-Grained Propaganda Detection. doi:10.18653/v1/D19-5024",
    same_split=False,
)
_BABE = Published(
    0.804,
    "macro-F1, five random folds",
    "Spinde et al. (2021). Neural Media Bias Detection Using Distant Supervision With BABE. "
    "Findings of EMNLP 2021. doi:10.18653/v1/2021.findings-emnlp.101",
    same_split=False,
)
_EXPERTS = Ceiling(
    0.40,
    "Krippendorff's alpha of the experts",
    "Spinde et al. (2021). doi:10.18653/v1/2021.findings-emnlp.101",
)
_HYPERPARTISAN = Published(
    0.822,
    "accuracy on the hidden test articles",
    "Kiesel et al. (2019). SemEval-2019 Task 4: Hyperpartisan News Detection. "
    "doi:10.18653/v1/S19-2145",
    same_split=False,
)
_WEASEL = Published(
    0.602,
    "F1 of uncertain sentences of Wikipedia, task 1",
    "Farkas et al. (2010). The CoNLL-2010 Shared Task. ACL Anthology W10-3001",
    same_split=False,
)

# Of our own labels: alpha of two blind annotators, as docs/datasheet.md gives it.
_OURS = "docs/datasheet.md, two instances of one language model"
_AGREEMENT = {
    "content": 0.983,
    "claim": 0.901,
    "attributed": 0.964,
    "named_source": 0.958,
    "unnamed_source": 0.897,
    "vague_source": 0.920,
    "government_attribution": 0.966,
    "state_media_attribution": 0.941,
    "unsourced_assertion": 0.890,
    "quoted": 0.974,
    "reported": 0.946,
    "biased_language": 0.870,
    "subjective": 0.860,
}


# Of the articles of PolNeAR that several annotators marked, all pairs: tests/ceilings.py.
_SEVERAL = "18 articles of this corpus with several annotators, measured by tests/ceilings.py"
_POLNEAR = {
    "attributed": 0.708,
    "named_source": 0.854,
    "unnamed_source": 0.716,
    "vague_source": 0.757,
    "government_attribution": 0.915,
    "quoted": 0.986,
    "reported": 0.817,
}
_ALPHA = "Krippendorff's alpha"


_PARTS = ("test", "unseen_outlet")


def _ours(corpus: str, split: str) -> Iterator[Benchmark]:
    """The benchmarks of the house corpus: every signal that two annotators labelled."""
    for part in _PARTS:
        for signal in SHIPPED:
            if signal in _AGREEMENT:
                agreed = Ceiling(_AGREEMENT[signal], _ALPHA, _OURS)
                yield _ranked(corpus, part, signal, split, agreed)


def _polnear() -> Iterator[Benchmark]:
    for part in _PARTS:
        for signal, alpha in _POLNEAR.items():
            found = _ranked("polnear", part, signal, "article", Ceiling(alpha, _ALPHA, _SEVERAL))
            yield replace(found, metric="macro_f1") if signal == "attributed" else found


def _ranked(
    corpus: str, part: str, signal: str, split: str, ceiling: Ceiling | None = None
) -> Benchmark:
    return Benchmark(corpus, part, signal, "sentence", split, "average_precision", ceiling=ceiling)


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("ptc", "test", "any_technique", "sentence", "article", "f1", _NLP4IF),
    _ranked("ptc", "test", "loaded_language", "article"),
    _ranked("ptc", "test", "name_calling", "article"),
    Benchmark("babe", "test", "biased_language", "sentence", "page", "macro_f1", _BABE, _EXPERTS),
    Benchmark(
        "babe", "unseen_outlet", "biased_language", "sentence", "outlet", "macro_f1", _BABE,
        _EXPERTS,
    ),
    *_polnear(),
    Benchmark("newssd", "test", "subjective", "sentence", "block of neighbours", "macro_f1"),
    Benchmark(
        "hyperpartisan", "test", "hyperpartisan", "article", "outlet", "macro_f1", _HYPERPARTISAN
    ),
    Benchmark("wikiweasel", "test", "vague_source", "sentence", "block of neighbours", "f1",
              _WEASEL),
    Benchmark("claimbuster", "test", "claim", "sentence", "block of neighbours", "macro_f1"),
    *_ours("house", "articles on one event"),
    *_ours("standoff", "article"),
)  # fmt: skip
"""In the order in which they are shown."""

BY_NAME: dict[str, Benchmark] = {one.name: one for one in BENCHMARKS}
