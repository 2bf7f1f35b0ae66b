"""Where a model is good and where it errs: slices of one signal's rows, and its worst errors."""

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.inputs import to_record
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.records import Article, Unit, Voice
from framescope.eval.metrics import estimate
from framescope.eval.rows import Sample, is_of_articles, is_positive
from framescope.eval.sections import HIDDEN, Estimate
from framescope.training.corpora import find_corpus, read_exchange
from framescope.training.data import Examples, Text, load_articles

DRAWS = 1000  # of a slice at most: there are many slices, and none is tested
MOST = 10  # outlets shown by name; the others are one slice
_FEWEST, _OF_ANSWER = 100, 10  # rows of a slice, and of either answer: with fewer chance decides
_LENGTHS = ("1 to 9 words", "10 to 19 words", "20 to 34 words", "35 words or more")
_POSITIONS = ("first sentence", "first third", "middle third", "last third")
_OF_ARTICLES = ("language", "outlet", "genre")
KEY = "error"  # in a sentence of the exchange format; readers of the format ignore it


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows with one value, and the benchmark's metric for each model that gives the signal."""

    value: str
    n: int
    n_groups: int
    positives: int
    a: Estimate | None
    b: Estimate | None


@dataclass(frozen=True, slots=True)
class Axis:
    """The slices by one property that are large enough, at least two."""

    name: str
    slices: tuple[Slice, ...]


def slice_figures(
    sample: Sample, metric: str, genres: Mapping[str, str], draws: int, seed: int
) -> tuple[Axis, ...]:
    """Cut the rows of one signal along every axis that applies; ``genres``: by article."""
    found = []
    for name, (value_of, order) in _AXES.items():
        if is_of_articles(sample.signal) and name not in _OF_ARTICLES:
            continue
        values = value_of(sample.rows, genres)[sample.chosen]
        counts = Counter(values[values != ""].tolist())
        names = [one for one in order or sorted(counts) if one in counts]
        if name == "outlet":
            names.sort(key=lambda one: -counts[one])
            names = names[:MOST]
        picked = {one: values == one for one in names} if len(names) > 1 else {}
        if picked and (others := counts.keys() - picked):
            picked[f"{len(others)} others"] = np.isin(values, sorted(others))
        slices = []
        for value, mask in picked.items():
            rows = sample.where(np.flatnonzero(mask))
            truth, groups = rows.truth, rows.groups
            sizes = len(rows), len(np.unique(groups)), int(truth.sum())
            if len(rows) < _FEWEST or min(sizes[2], len(rows) - sizes[2]) < _OF_ANSWER:
                continue
            both = (
                one and estimate(metric, truth, one, groups, draws=min(draws, DRAWS), seed=seed)
                for one in rows.scores
            )
            slices.append(Slice(value, *sizes, *both))
        if len(slices) > 1:
            found.append(Axis(name, tuple(slices)))
    return tuple(found)


def genres_of(data: Sequence[Path] = ()) -> dict[str, str]:
    """Read the genres of a user's files or else of the house corpus, by article."""
    # A file goes by its name, or by its path where two have one name.
    files = [(path, f"exchange/{name}") for path in data for name in (path.name, str(path))]
    house = find_corpus("house")
    if not data and (place := house.place(None)) is not None:
        files = [(path, "house") for path in house.files(place)]
    found = {}
    for path, prefix in files:
        for line in filter(str.strip, path.read_text("utf-8", errors="replace").split("\n")):
            record = json.loads(line)
            if isinstance(genre := record.get("genre"), str):
                found[f"{prefix}/{record.get('id')}"] = genre
    return found


def _length(rows: Examples, genres: Mapping[str, str]) -> Text:
    words = np.array([len(sentence.text.split()) for sentence in rows.sentences], np.intp)
    return np.array(_LENGTHS)[np.digitize(words, (10, 20, 35))]


def _voice(rows: Examples, genres: Mapping[str, str]) -> Text:
    """Return each sentence's voice by its labels; empty where the corpus has none."""
    words = [Voice.QUOTED.value, Voice.REPORTED.value]
    if not set(words) <= set(rows.signals):
        return np.full(len(rows), "")
    columns = [rows.column(word) for word in words]
    known = ~np.isnan(columns).any(axis=0)
    return np.select([*map(is_positive, columns), known], [*words, Voice.OWN.value], "")


def _position(rows: Examples, genres: Mapping[str, str]) -> Text:
    """Return each sentence's place in its article; empty in articles of one or two."""
    _, article, size = np.unique(rows.article, return_inverse=True, return_counts=True)
    index, length = np.array([one.index for one in rows.sentences], np.intp), size[article]
    third = np.array(_POSITIONS)[1 + np.minimum(3 * index // length, 2)]
    return np.select([length < 3, index == 0], ["", _POSITIONS[0]], third)


_AXES: dict[str, tuple[Callable[[Examples, Mapping[str, str]], Text], Sequence[str]]] = {
    "language": (lambda rows, genres: rows.lang, [*LANGUAGES]),
    "outlet": (lambda rows, genres: rows.outlet, ()),
    "length": (_length, _LENGTHS),
    "voice": (_voice, [voice.value for voice in Voice]),
    "genre": (lambda rows, genres: np.array([genres.get(a, "") for a in rows.article]), ()),
    "position": (_position, _POSITIONS),
}
"""Each axis' value of every row, and the order of its values, the sorted ones unless given."""


@dataclass(frozen=True, slots=True)
class Error:
    """A sentence whose score is far from its label, or an article shown by its first sentence."""

    rank: int
    signal: str
    corpus: str
    part: str
    article: str
    index: int
    start: int  # its place in the article's text
    end: int
    label: float
    proba: float
    other: float  # the other model's score
    # The sentence and those around it: the JSON holds no sentence of a corpus.
    text: str = field(metadata=HIDDEN)
    before: tuple[str, ...] = field(metadata=HIDDEN)
    after: tuple[str, ...] = field(metadata=HIDDEN)


def worst_errors(samples: Iterable[Sample], whose: int, n: int) -> tuple[Error, ...]:
    """Return the ``n`` rows whose probability is farthest from their label, graded or not."""
    found = [
        (abs(float(scores.proba[at]) - float(sample.rows.column(sample.signal)[row])), sample, at)
        for sample in samples
        if (scores := sample.scores[whose]) is not None
        for at, row in enumerate(sample.chosen)
    ]
    found.sort(key=lambda item: -item[0])  # stable: ties keep the order of the corpora
    errors = []
    for rank, (_, sample, at) in enumerate(found[:n], start=1):
        rows, row = sample.rows, int(sample.chosen[at])
        sentence = rows.sentences[row]
        given = [math.nan if one is None else float(one.proba[at]) for one in sample.scores]
        label, proba = float(rows.column(sample.signal)[row]), given.pop(whose)
        here = np.flatnonzero(rows.article == rows.article[row])
        sides = here[here < row], here[here > row]
        around = (tuple(rows.sentences[at].text for at in side) for side in sides)
        errors.append(Error(
            rank, sample.signal, str(rows.corpus[row]), str(rows.part[row]), sentence.article_id,
            sentence.index, sentence.start, sentence.end, label, proba,
            given[0] if given else math.nan, sentence.text, *around,
        ))  # fmt: skip
    return tuple(errors)


def error_records(
    errors: Sequence[Error], examples: Examples, articles: Mapping[str, Article], model: str
) -> Iterator[dict[str, Any]]:
    """Yield whole articles in the exchange format, with a key `KEY` where an error is."""
    for name in dict.fromkeys(error.article for error in errors):
        rows = examples.where(examples.article == name)
        units, of_article = list[Unit](), dict[str, float]()
        for row in np.argsort([sentence.index for sentence in rows.sentences]):
            sentence, of_sentence = rows.sentences[row], dict[str, float]()
            for signal, label in zip(rows.signals, rows.labels[row].tolist(), strict=True):
                if not math.isnan(label):
                    (of_article if is_of_articles(signal) else of_sentence)[signal] = label
            units.append(Unit(sentence.start, sentence.end, of_sentence))
        record = to_record(replace(articles[name], units=tuple(units), labels=of_article))
        sentences = {(unit["start"], unit["end"]): unit for unit in record["sentences"]}
        for error in (one for one in errors if one.article == name):
            of_error = sentences[error.start, error.end]
            (record if is_of_articles(error.signal) else of_error)[KEY] = {
                "rank": error.rank, "signal": error.signal, "label": round(error.label, 4),
                "probability": round(error.proba, 4), "model": model,
            }  # fmt: skip
        yield record


def originals(
    wanted: Collection[str], root: Path | None, data: Sequence[Path]
) -> dict[str, Article]:
    """Read whole articles by their ids: of a user's files ``data``, or else of the corpora."""
    found: dict[str, Article] = {}
    for path in data:
        for article in read_exchange(path):
            # A file goes by its name, or by its path where two have one name.
            for file in (str(path), path.name):
                found.setdefault(f"exchange/{file}/{article.id}", article)
    for corpus in () if data else sorted({name.partition("/")[0] for name in wanted}):
        for article in load_articles(corpus, root):
            name = f"{corpus}/{article.id}"
            found.setdefault(name, replace(article, id=name))
    return {name: found[name] for name in wanted}
