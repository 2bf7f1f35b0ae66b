"""A benchmark and bundles in; its rows with each model's scores out, scored once."""

from __future__ import annotations

import hashlib
import math
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle, digest, refuse_seen, text_digest
from framescope.classifier.errors import BundleError, InputError
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, Sentence
from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Level
from framescope.training import corpora, data
from framescope.training.data import TEST, UNSEEN, Examples, Text
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Numbers = NDArray[np.intp]
Names = Sequence[str]

HELD_OUT: tuple[str, ...] = (TEST, UNSEEN)  # no model was fitted or calibrated on them
MAIN_METRIC = "average_precision"  # of rows that no benchmark describes: needs no threshold
FILE_PART = "test"  # the part of every row of a user's file
_BLOCK = 2000  # sentences in one call, at least: keeps memory bounded and progress moving
_WARM_UP = 32  # sentences scored before the clock starts
Done = Callable[[Bundle, int], None]  # how many more sentences a bundle scored; 0 at first


def is_of_articles(signal: str) -> bool:
    """Whether a signal is one of whole articles."""
    return signal in BY_NAME and BY_NAME[signal].level is Level.ARTICLE


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure; on another split it only says how hard the task is."""

    value: float
    metric: str
    citation: str
    same_split: bool = False


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How far people agree with each other on the task."""

    value: float
    measure: str
    citation: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A signal of a corpus on one part; ``split``: the unit that is never divided."""

    corpus: str
    part: str
    signal: str
    split: str
    metric: str
    published: Published | None = None
    ceiling: Ceiling | None = None

    @property
    def name(self) -> str:
        """Its name in options and files."""
        return f"{self.corpus}/{self.part}/{self.signal}"

    @property
    def unit(self) -> str:
        """Whether articles or sentences are judged."""
        return "article" if is_of_articles(self.signal) else "sentence"


def _benchmarks() -> Iterator[Benchmark]:
    file = Path(__file__).with_name("benchmarks.toml")
    described = tomllib.loads(file.read_text(encoding="utf-8"))
    for task in described["task"]:
        known = described["agreement"].get(task.get("agreement"), {"values": {}})
        signals = task.get("signals") or [one for one in SHIPPED if one in known["values"]]
        published = Published(**task["published"]) if "published" in task else None
        for (part, split), signal in product(task["parts"].items(), signals):
            metric = task.get("metrics", {}).get(signal, task.get("metric", MAIN_METRIC))
            value = known["values"].get(signal)
            ceiling = value and Ceiling(value, known["measure"], known["citation"])
            yield Benchmark(task["corpus"], part, signal, split, metric, published, ceiling)


BENCHMARKS: tuple[Benchmark, ...] = tuple(_benchmarks())  # in the order in which they are shown
BENCHMARK_BY_NAME: dict[str, Benchmark] = {one.name: one for one in BENCHMARKS}


class HeldOut(NamedTuple):
    """Examples with their parts; ``signature`` identifies them, ``digests`` files' articles."""

    examples: Examples
    signature: str
    digests: frozenset[int] = frozenset()


def held_out_of_corpora(
    root: Path | None, bundles: Sequence[Bundle], *, allow_seen: bool
) -> HeldOut:
    """Split the corpora with the first bundle's seed; raise if a bundle may have seen some rows."""
    seeds = [record["seed"] for bundle in bundles if (record := _split_of(bundle))]
    # English corpora, and those in other languages that a bundle was trained on.
    named = {one.get("name") for bundle in bundles for one in bundle.manifest.get("corpora", ())}
    wanted = [name for name in corpora.KNOWN if name in {*corpora.ENGLISH, *named}]
    ships = [name for name in wanted if corpora.find_corpus(name).shipped]
    examples = data.build_examples(root, tuple(wanted if root else ships))
    split = data.assign_parts(examples, *seeds[:1])
    strangers = [bundle for bundle in bundles if not _made_on(bundle, split.held_out)]
    if strangers and not allow_seen:
        record = _split_of(strangers[0])
        trained = f"split {record['signature'][:12]}" if record else "a split it doesn't name"
        raise BundleError(
            f"{strangers[0].path}: trained on {trained}, not on {split.signature[:12]}: rows to "
            "judge by may be among those it learned from; retrain it on these corpora, or type "
            "--allow-seen"
        )
    if not allow_seen:  # which a user may have added
        names = set(split.examples.article[np.isin(split.examples.part, HELD_OUT)].tolist())
        ours = [(name, one) for name in ships for one in data.load_articles(name, root)]
        held = [one for name, one in ours if f"{name}/{one.id}" in names]
        refuse_seen(bundles, held, ["held-out articles of the house corpus"], "train without them")
    doubt = "".join(f", not the split of {bundle.name}" for bundle in strangers)
    # Training rows are never scored here; finding their citations would take a minute.
    kept_back = ~np.isin(split.examples.part, (data.TRAIN, data.REMOVED))
    articles = set(split.examples.article[kept_back].tolist())
    examples = data.with_citations(split.examples, root, articles, load_registry())
    return HeldOut(examples, f"split {split.signature[:12]}{doubt}")


def _split_of(bundle: Bundle) -> Mapping[str, Any] | None:
    match bundle.manifest.get("split"):
        case {"seed": int(), "signature": str()} as record:
            return record
    return None


def _made_on(bundle: Bundle, held_out: Mapping[str, str]) -> bool:
    """Return True if the same rows were kept back of each corpus the bundle was trained on."""
    trained_on = {corpus.get("name") for corpus in bundle.manifest.get("corpora", ())}
    match _split_of(bundle):
        case {"held_out": Mapping() as kept}:
            return all(kept.get(s) == one for s, one in held_out.items() if s in trained_on)
    return False


def held_out_of_files(paths: Sequence[Path], bundles: Sequence[Bundle] = ()) -> HeldOut:
    """Read labelled files, each a corpus of rows to judge by; raise if a bundle has seen some."""
    plain = [path.name for path in paths]
    names = {path: path.name if plain.count(path.name) == 1 else str(path) for path in paths}
    read, file_of = list[Article](), dict[str, str]()
    for path, article in read_labelled(list(names)):
        identifier = f"{names[path]}/{article.id}"
        if identifier in file_of:
            raise InputError(path, f"two articles have the id '{article.id}'; make ids unique")
        file_of[identifier] = names[path]
        read.append(replace(article, id=identifier))
    refuse_seen(bundles, read, paths)
    examples = data.examples_of_articles("exchange", iter(read), load_registry())
    corpus = [file_of[article.partition("/")[2]] for article in examples.article]
    total = hashlib.sha256("\n".join(digest(path) for path in names).encode()).hexdigest()
    part = np.full(len(examples), FILE_PART, dtype="<U13")
    examples = replace(examples, corpus=np.array(corpus, np.str_), part=part)
    digests = frozenset(text_digest(article.text) for article in read)
    return HeldOut(examples, f"files {total[:12]}", digests)


def read_labelled(paths: Sequence[Path]) -> Iterator[tuple[Path, Article]]:
    """Yield the articles of labelled files, with the file of each."""
    for path in paths:
        if not path.is_file():
            raise InputError(path, "no such file; give a JSONL file in the exchange format")
        yield from ((path, article) for article in corpora.read_exchange(path))


def is_positive(labels: ArrayLike) -> Bools:
    """Return labels as yes or no: a graded label (a share of annotators) is a yes from one half."""
    return np.asarray(np.asarray(labels, np.float64) >= 0.5)


class Scores(NamedTuple):
    """One bundle's probabilities of a signal, shape (n,), and its threshold: one, or each row's."""

    proba: Single
    threshold: float | Single

    def where(self, picked: Bools | Numbers) -> Scores:
        """Keep some of the rows."""
        return Scores(self.proba[picked], np.broadcast_to(self.threshold, len(self.proba))[picked])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The labelled rows of one signal on one part of a corpus, and each bundle's scores."""

    rows: Examples  # the whole articles they stand in
    chosen: Numbers  # numbers of those judged: every labelled sentence, or one of each article
    part: str
    signal: str
    scores: tuple[Scores | None, ...]  # None where a bundle lacks the signal

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def truth(self) -> Bools:
        """Labels as yes or no, shape (n,)."""
        return is_positive(self.rows.column(self.signal)[self.chosen])

    @property
    def groups(self) -> Text:
        """Groups, which are resampled whole, shape (n,)."""
        return self.rows.group[self.chosen]

    def where(self, picked: Numbers) -> Sample:
        """Keep some of the judged rows, by their numbers."""
        scores = tuple(one and one.where(picked) for one in self.scores)
        return replace(self, chosen=self.chosen[picked], scores=scores)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Whole articles of a corpus, sentence by sentence, and each bundle's scores."""

    rows: Examples
    bundles: tuple[Bundle, ...]
    proba: tuple[Single, ...]  # of each bundle, a column for each of its signals
    seconds: tuple[float, ...]  # of each for 1,000 sentences, after a warm-up; NaN if scored before

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, part: str, signal: str) -> Sample:
        """Return the labelled rows of a part; none where the corpus doesn't label the signal."""
        chosen = rows_of(self.rows, part, signal)
        corpus = next(iter(self.rows.corpus.tolist()), "")
        languages, language = np.unique(self.rows.lang[chosen], return_inverse=True)

        def of(bundle: Bundle, proba: Single) -> Scores | None:
            if signal not in bundle.signals or np.isnan(proba).all():
                return None
            limits = [bundle.threshold(signal, corpus, one) for one in languages.tolist()]
            each = np.array(limits, np.float32)[language]
            return Scores(proba[chosen, bundle.signals.index(signal)], each)

        scores = tuple(map(of, self.bundles, self.proba))
        return Sample(self.rows, chosen, part, signal, scores)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Bundles, and the rows of whole articles that they are judged by."""

    bundles: tuple[Bundle, ...]
    examples: Examples  # of every part: models read a sentence with its neighbours
    data: str = "as given"  # identifies the examples
    parts: tuple[str, ...] = HELD_OUT  # only rows of these are counted
    draws: int = 0  # of the resampling
    seed: int = 0
    benchmarks: tuple[Benchmark, ...] = ()  # those with rows here, once known
    _scores: dict[int, Single] = field(default_factory=dict, repr=False)  # by a bundle's place

    @property
    def names(self) -> tuple[str, ...]:
        """The bundles' names, with a letter where two have the same."""
        names = [bundle.name for bundle in self.bundles]
        return tuple(
            name if names.count(name) == 1 else f"{name} ({letter})"
            for name, letter in zip(names, ascii_lowercase, strict=False)
        )

    def numbers(self, corpus: str, parts: Names, signals: Names) -> Numbers:
        """Return the numbers of the rows of articles with a labelled row of one of these parts."""
        rows = self.examples
        columns = [rows.signals.index(signal) for signal in signals if signal in rows.signals]
        own = np.flatnonzero(rows.corpus == corpus)
        labelled = ~np.isnan(rows.labels[own][:, columns]).all(axis=1)
        wanted = own[np.isin(rows.part[own], parts) & labelled]
        kept = own[np.isin(rows.article[own], rows.article[wanted])]
        _, first, article = np.unique(rows.article[kept], return_index=True, return_inverse=True)
        index = np.array([rows.sentences[number].index for number in kept], np.intp)
        return kept[np.lexsort((index, first[article]))]

    def articles(
        self, corpus: str, parts: Names, signals: Names, done: Done = lambda *_: None
    ) -> ScoredRows:
        """Score the articles that `numbers` names; rows that were scored before aren't again."""
        numbers, places = self.numbers(corpus, parts, signals), range(len(self.bundles))
        seconds = tuple(self._score(place, numbers, done) for place in places)
        proba = tuple(self._scores[place][numbers] for place in places)
        return ScoredRows(self.examples.where(numbers), self.bundles, proba, seconds)

    def samples(self, benchmarks: Iterable[Benchmark]) -> Iterator[tuple[Benchmark, Sample]]:
        """Yield the benchmarks that have rows here, each corpus scored in one go."""
        for corpus, group in groupby(benchmarks, lambda one: one.corpus):
            here = list(group)
            parts = tuple(dict.fromkeys(one.part for one in here))
            scored = self.articles(corpus, parts, [one.signal for one in here])
            for one in here:
                if len(sample := scored.sample(one.part, one.signal)):
                    yield one, sample

    def _score(self, place: int, numbers: Numbers, done: Done) -> float:
        """Score rows that were not scored yet (NaN); return the seconds for 1,000 of them."""
        bundle, sentences = self.bundles[place], self.examples.sentences
        empty = np.full((len(sentences), len(bundle.signals)), np.nan, np.float32)
        scores = self._scores.setdefault(place, empty)
        missing = numbers[np.isnan(scores[numbers]).all(axis=1)]
        done(bundle, 0)
        # A corpus of which a bundle can't read anything has no scores.
        if {sentences[number].lang or "en" for number in missing}.isdisjoint(bundle.languages):
            return math.nan
        asked = [sentences[number] for number in missing]
        if np.isnan(scores).all():
            # The first call allocates and compiles; a long batch doesn't pay for that again.
            bundle.model.predict(asked[:_WARM_UP])
        seconds, start = 0.0, 0
        for block in blocks(asked):
            began = time.perf_counter()
            proba = bundle.model.predict(block).proba
            seconds += time.perf_counter() - began
            if not ((proba >= 0) & (proba <= 1)).all():
                raise BundleError(
                    f"{bundle.name}: gives scores that are not probabilities; retrain it"
                )
            scores[missing[start : start + len(block)]] = proba
            start += len(block)
            done(bundle, len(block))
        return 1000 * seconds / len(missing)


def rows_of(rows: Examples, part: str, signal: str) -> Numbers:
    """Return the numbers of a part's labelled rows: every sentence, or one of each article."""
    if signal not in rows.signals:
        return np.empty(0, np.intp)
    chosen = np.flatnonzero((rows.part == part) & ~np.isnan(rows.column(signal)))
    if not is_of_articles(signal):
        return chosen
    return chosen[np.sort(np.unique(rows.article[chosen], return_index=True)[1])]


def blocks(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """Yield blocks of whole articles, each of at least `_BLOCK` sentences."""
    start = 0
    for end in range(1, len(sentences) + 1):
        if end == len(sentences) or (
            end - start >= _BLOCK and sentences[end].article_id != sentences[end - 1].article_id
        ):
            yield sentences[start:end]
            start = end
