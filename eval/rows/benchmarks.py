"""The benchmarks: a signal of a corpus on one held-out part, and what is published for it.

Which rows those are is decided by the split (`training.data.splits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from framescope.classifier.taxonomy import SHIPPED


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure; on another split it only says how hard the task is."""

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
    """A benchmark; ``split``: the unit that is never divided between parts."""

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
        """Its name in options and files."""
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
_ALPHA = "Krippendorff's alpha"
# Alpha of two blind annotators of our own labels, as docs/datasheet.md gives it.
_OURS = "docs/datasheet.md, two instances of one language model"
_AGREEMENT = {
    "content": 0.983, "claim": 0.901, "attributed": 0.964, "named_source": 0.958,
    "unnamed_source": 0.897, "vague_source": 0.920, "government_attribution": 0.966,
    "state_media_attribution": 0.941, "unsourced_assertion": 0.890, "quoted": 0.974,
    "reported": 0.946, "biased_language": 0.870, "subjective": 0.860,
}  # fmt: skip
# Alpha of the articles of PolNeAR that several annotators marked, all pairs: tests/ceilings.py.
_SEVERAL = "18 articles of this corpus with several annotators, measured by tests/ceilings.py"
_POLNEAR = {
    "attributed": 0.708, "named_source": 0.854, "unnamed_source": 0.716, "vague_source": 0.757,
    "government_attribution": 0.915, "quoted": 0.986, "reported": 0.817,
}  # fmt: skip


def _ranked(corpus: str, signal: str, split: str = "article") -> Benchmark:
    return Benchmark(corpus, "test", signal, "sentence", split, "average_precision")


def _on_both_parts(
    corpus: str, split: str, agreement: Mapping[str, float], citation: str
) -> Iterator[Benchmark]:
    for part in ("test", "unseen_outlet"):
        for signal in SHIPPED:
            if signal in agreement:
                ceiling = Ceiling(agreement[signal], _ALPHA, citation)
                found = replace(_ranked(corpus, signal, split), part=part, ceiling=ceiling)
                macro = (corpus, signal) == ("polnear", "attributed")
                yield replace(found, metric="macro_f1") if macro else found


_BIASED = Benchmark(
    "babe", "test", "biased_language", "sentence", "page", "macro_f1", _BABE, _EXPERTS
)
BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("ptc", "test", "any_technique", "sentence", "article", "f1", _NLP4IF),
    _ranked("ptc", "loaded_language"),
    _ranked("ptc", "name_calling"),
    _BIASED,
    replace(_BIASED, part="unseen_outlet", split="outlet"),
    *_on_both_parts("polnear", "article", _POLNEAR, _SEVERAL),
    Benchmark("newssd", "test", "subjective", "sentence", "block of neighbours", "macro_f1"),
    Benchmark(
        "hyperpartisan", "test", "hyperpartisan", "article", "outlet", "macro_f1", _HYPERPARTISAN
    ),
    Benchmark(
        "wikiweasel", "test", "vague_source", "sentence", "block of neighbours", "f1", _WEASEL
    ),
    Benchmark("claimbuster", "test", "claim", "sentence", "block of neighbours", "macro_f1"),
    *_on_both_parts("house", "articles on one event", _AGREEMENT, _OURS),
    *_on_both_parts("standoff", "article", _AGREEMENT, _OURS),
)
"""In the order in which they are shown."""
BENCHMARK_BY_NAME: dict[str, Benchmark] = {one.name: one for one in BENCHMARKS}
