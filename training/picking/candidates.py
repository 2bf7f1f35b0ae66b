"""The sentences that may be picked, from a run or from files, with a model's scores.

Of more than `MOST` sentences, whole articles are sampled, outlet by outlet. Lines of the page
around an article, very short sentences and labelled ones are no candidates.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport, Skipped, Unit
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

MOST = 20_000
_FEWEST_WORDS = 3
UNKNOWN = "unknown"  # the outlet of all articles without a publisher

Tell = Callable[[str], None]
Floats = NDArray[np.float64]


class _Scored(NamedTuple):
    """An article without labels, its outlet, and of each sentence scores, flags, whether free."""

    article: Article
    outlet: str
    sentences: Sequence[tuple[Sequence[float], Sequence[str], bool]]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be picked: n sentences of unlabelled articles, for k signals in taxonomy order.

    `rows` are the positions of each candidate's article and unit, `proba` has shape (n, k).
    """

    articles: list[Article]
    outlets: list[str]
    rows: list[tuple[int, int]]
    proba: Floats
    flags: list[list[str]]
    signals: tuple[str, ...]
    thresholds: Floats
    model: str
    digest: str

    @property
    def texts(self) -> list[str]:
        """The candidates' words."""
        return [_words(self.articles[article], unit) for article, unit in self.rows]


def _words(article: Article, at: int) -> str:
    unit = (article.units or ())[at]
    return article.text[unit.start : unit.end]


def _candidates(
    scored: Iterable[_Scored], known: Sequence[str], wanted: tuple[str, ...], limits: Any, *by: str
) -> Candidates:
    """Collect what may be picked by a model, its name and digest, that gives `known` signals."""
    articles: dict[str, Article] = {}
    outlets, rows, proba, flags = [], [], [], []
    for one in scored:
        name, number = one.article.id, 1
        while name in articles:  # ids are unique within a file
            number += 1
            name = f"{one.article.id}-{number}"
        for unit, (scores, flagged, free) in enumerate(one.sentences):
            free &= "content" not in known or "content" in flagged
            long = len(_words(one.article, unit).split()) >= _FEWEST_WORDS
            if free and long and not np.isnan(scores).any():
                rows.append((len(articles), unit))
                proba.append(scores)
                flags.append([flag for flag in flagged if flag in wanted])
        articles[name] = replace(one.article, id=name)
        outlets.append(one.outlet)
    thresholds = np.array([limits[name] for name in wanted], float)
    found = np.array(proba, float).reshape(len(rows), len(wanted))
    return Candidates([*articles.values()], outlets, rows, found, flags, wanted, thresholds, *by)


def is_run(path: str) -> bool:
    """Whether a path is a folder that `framescope batch` wrote, or what is left of one."""
    from framescope.classifier.batch.folder import RunFolder

    folder = RunFolder(Path(path))
    return folder.path.is_dir() and (folder.exists() or bool(folder.committed()))


def of_run(path: Path, signals: Sequence[str] | None, tell: Tell, seed: int = 0) -> Candidates:
    """Read candidates from a run; raise `InputError` for one that is not finished."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run

    with open_run(RunFolder(path)) as database:
        manifest = database.manifest
        if not database.finished:
            command = f"framescope batch --resume --output {path}"
            raise InputError(path, f"the run is not finished; resume it: {command}")
        model = manifest["model"]
        wanted = _wanted(signals, manifest["signals"], f"the run of {model['name']}")
        articles = database.rows(
            "SELECT article_id, outlet_key, outlet, told_by, id, title, url, date, lang, author, "
            "site_name, characters, sentences FROM published WHERE note IS NULL "
            "ORDER BY article_id"
        )
        keys = [str(row["outlet_key"]) for row in articles]
        sizes = [int(row["sentences"]) for row in articles]
        ids = [str(row["article_id"]) for row in articles]
        sampled = _sample(keys, sizes, ids, tell, seed)
        among = ", ".join(ids[at] for at in sampled) or "NULL"
        names = ", ".join(f'"{name}"' for name in wanted)
        sentences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in database.rows(
            f'SELECT article_id, start, "end", text, flags, {names} FROM sentences '
            f"WHERE article_id IN ({among}) ORDER BY article_id, sentence"
        ):
            sentences[row["article_id"]].append(row)

    def scored(one: dict[str, Any]) -> _Scored:
        rows = sentences[one["article_id"]]
        known = {key: one[key] for key in ("title", "url", "date", "lang", "author", "site_name")}
        outlet = None if one["told_by"] == "nothing" else one["outlet"]
        units = tuple(Unit(row["start"], row["end"]) for row in rows)
        text = _rebuilt(rows, one["characters"])
        scores = ([np.nan if row[s] is None else row[s] for s in wanted] for row in rows)
        article = Article(id=one["id"], text=text, outlet=outlet, units=units, **known)
        described = [(of, row["flags"], True) for of, row in zip(scores, rows, strict=True)]
        return _Scored(article, outlet or UNKNOWN, described)

    found, by = (scored(articles[at]) for at in sampled), (model["name"], model["digest"])
    return _candidates(found, manifest["signals"], wanted, manifest["thresholds"], *by)


def _rebuilt(rows: Sequence[dict[str, Any]], characters: int) -> str:
    """Return the text of an article of a run, which keeps nothing between its sentences."""
    text, at = [], 0
    for row in rows:
        gap = row["start"] - at
        text += [" " if gap == 1 else "\n" * gap, row["text"]]
        at = row["end"]
    return "".join(text) + " " * (characters - at)


def of_files(
    inputs: Sequence[str], bundle: Bundle, signals: Sequence[str] | None, tell: Tell, seed: int = 0
) -> Candidates:
    """Score files; `tell` gets a line per article that can't be read or scored."""
    from framescope.classifier.inputs import read_input
    from framescope.classifier.scoring import Scorer

    wanted = _wanted(signals, bundle.signals, f"the bundle {bundle.name}")

    def read() -> Iterator[Article | Skipped]:
        for source in inputs:
            try:
                yield from read_input(source)
            except InputError as error:
                yield Skipped(error.source, error.reason)

    reports: list[ArticleReport] = []
    skipped: list[tuple[str, str]] = []
    for item in Scorer(bundle, registry=bundle.registry, evidence=False).score(read()):
        if isinstance(item, Skipped):
            skipped.append((item.source, item.reason))
        elif item.note is not None:
            skipped.append((str(item.article.origin or item.article.id), item.note))
        else:
            reports.append(item)
    if not reports:
        source, reason = skipped[0] if skipped else ("input", "holds no article")
        more = f" (and {len(skipped) - 1} more that can't be used)" if len(skipped) > 1 else ""
        raise InputError(source, reason + more)
    for source, reason in skipped:
        tell(f"{source}: {reason} (skipped)")
    outlets = [_outlet_of(one) for one in reports]

    def scored(at: int) -> _Scored:
        article, rows = reports[at].article, reports[at].sentences
        labelled = {(unit.start, unit.end) for unit in article.units or () if unit.labels}
        places = [(row.start, row.end) for row in rows]
        units = tuple(Unit(*place) for place in places)
        described = [
            ([row.scores[name] for name in wanted], row.flags, place not in labelled)
            for row, place in zip(rows, places, strict=True)
        ]
        bare = replace(article, units=units, spans=(), labels={})
        return _Scored(bare, outlets[at], described)

    sizes, names = [len(one.sentences) for one in reports], list(map(str, range(len(reports))))
    found = map(scored, _sample(outlets, sizes, names, tell, seed))
    by = bundle.name, bundle.digest
    return _candidates(found, bundle.signals, wanted, bundle.thresholds, *by)


def _outlet_of(report: ArticleReport) -> str:
    """Return who published an article: by the registry, the page, or the host of its address."""
    from framescope.classifier.outlets import host_in

    publisher = None if report.source is None else report.source.publication.publisher
    article = report.article
    if publisher is not None:
        return publisher.outlet.name if publisher.outlet is not None else publisher.name
    named = (article.outlet or article.site_name or "").strip()
    return named or (host_in(article.url) if article.url else "") or UNKNOWN


def _wanted(given: Sequence[str] | None, known: Sequence[str], model: str) -> tuple[str, ...]:
    """Return the sentence-level signals that are picked for: some, or all but `content`."""
    known = [name for name in known if BY_NAME[name].level is not Level.ARTICLE]
    for name in in_order(given or ()):
        if BY_NAME[name].level is Level.ARTICLE:
            raise InputError(f"--signal {name}", "is one of whole articles; sentences are picked")
        if name not in known:
            what = f"{model} doesn't give it; it gives {', '.join(known)}"
            raise InputError(f"--signal {name}", what)
    return in_order(given) if given else tuple(name for name in known if name != "content")


def _sample(
    outlets: Sequence[str], sizes: Sequence[int], names: Sequence[str], tell: Tell, seed: int
) -> list[int]:
    """Sample articles, the outlets by turns, up to `MOST` sentences; return their positions."""
    total = sum(sizes)
    if total <= MOST:
        return list(range(len(sizes)))
    lots = [hashlib.sha256(f"{seed}|{name}".encode()).digest() for name in names]
    turn: dict[str, Iterator[int]] = defaultdict(count)
    drawn = sorted(range(len(sizes)), key=lots.__getitem__)
    keyed = [(next(turn[outlets[at]]), lots[at], at) for at in drawn]
    found, taken = [], 0
    for *_, at in sorted(keyed):
        if taken + sizes[at] <= MOST:
            found.append(at)
            taken += sizes[at]
    tell(f"of {total:,} sentences {taken:,} are considered, in articles sampled outlet by outlet")
    return sorted(found)


def second_proba(candidates: Candidates, bundle: Bundle) -> tuple[Floats, Floats]:
    """Score the candidates by another model; what it lacks keeps the first one's scores."""
    from framescope.classifier.scoring import Scorer

    shared = [name for name in candidates.signals if name in bundle.signals]
    if bundle.digest == candidates.digest:
        raise InputError(f"--second {bundle.path}", "is the first model too; give another bundle")
    if not shared:
        names = ", ".join(candidates.signals)
        raise InputError(f"--second {bundle.path}", f"gives none of {names}")
    columns = [candidates.signals.index(name) for name in shared]
    proba, thresholds = candidates.proba.copy(), candidates.thresholds.copy()
    thresholds[columns] = [bundle.thresholds[name] for name in shared]
    scorer = Scorer(bundle, shared, bundle.registry, evidence=False)
    reports = list(scorer.score(iter(candidates.articles)))
    for row, (article, unit) in enumerate(candidates.rows):
        report = reports[article]
        if isinstance(report, ArticleReport) and report.note is None:
            scores = report.sentences[unit].scores
            proba[row, columns] = [scores[name] for name in shared]
    return proba, thresholds
