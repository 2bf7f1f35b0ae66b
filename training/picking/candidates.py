"""The sentences that may be picked, from a run or from files, with a model's scores.

Of more than `MOST` sentences, whole articles are sampled, outlet by outlet. Lines of the page
around an article, very short sentences and labelled ones are no candidates.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport, Skipped, Unit
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.picking.methods import Floats, PickError

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

MOST = 20_000
_FEWEST_WORDS = 3
UNKNOWN = "unknown"
"""The outlet of all articles without a publisher."""

Tell = Callable[[str], None]


class _Scored(NamedTuple):
    """An article without labels, its outlet, and of each sentence scores, flags, whether free."""

    article: Article
    outlet: str
    scores: Sequence[Sequence[float]]
    flags: Sequence[Sequence[str]]
    free: Sequence[bool]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be picked, by a model and its digest, for k signals in taxonomy order.

    `articles` have every sentence as a unit, and no label. `rows` are the positions of each
    candidate's article and unit, `proba` has shape (n, k), `flags` are the decisions.
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
    scored: Iterable[_Scored], signals: tuple[str, ...], thresholds: Any, model: str, digest: str
) -> Candidates:
    articles: dict[str, Article] = {}
    outlets, rows, proba, flags = [], [], [], []
    for one in scored:
        name, number = one.article.id, 1
        while name in articles:  # ids are unique within a file
            number += 1
            name = f"{one.article.id}-{number}"
        for unit, scores in enumerate(one.scores):
            words = len(_words(one.article, unit).split())
            if one.free[unit] and words >= _FEWEST_WORDS and not np.isnan(scores).any():
                rows.append((len(articles), unit))
                proba.append(scores)
                flags.append([flag for flag in one.flags[unit] if flag in signals])
        articles[name] = replace(one.article, id=name)
        outlets.append(one.outlet)
    limits = np.array([thresholds[name] for name in signals], float)
    found = np.array(proba, float).reshape(len(rows), len(signals))
    return Candidates(
        list(articles.values()), outlets, rows, found, flags, signals, limits, model, digest
    )


def is_run(path: str) -> bool:
    """Whether a path is a folder that `framescope batch` wrote, or what is left of one."""
    from framescope.classifier.batch.folder import RunFolder

    folder = RunFolder(Path(path))
    return folder.path.is_dir() and (folder.exists() or bool(folder.committed()))


def of_run(path: Path, signals: Sequence[str] | None, tell: Tell, seed: int = 0) -> Candidates:
    """Read candidates from a run; raise `PickError` for one that is not finished."""
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run

    with open_run(RunFolder(path)) as database:
        manifest = database.manifest
        if not database.finished:
            resume = f"resume it: framescope batch --resume --output {path}"
            raise PickError(f"{path}: the run is not finished; {resume}")
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
        among, names = (
            ", ".join(ids[at] for at in sampled) or "NULL",
            ", ".join(f'"{name}"' for name in wanted),
        )
        sentences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in database.rows(
            f'SELECT article_id, start, "end", text, flags, {names} FROM sentences '
            f"WHERE article_id IN ({among}) ORDER BY article_id, sentence"
        ):
            sentences[row["article_id"]].append(row)
    with_content = "content" in manifest["signals"]

    def scored(one: dict[str, Any]) -> _Scored:
        rows = sentences[one["article_id"]]
        known = {key: one[key] for key in ("title", "url", "date", "lang", "author", "site_name")}
        outlet = None if one["told_by"] == "nothing" else one["outlet"]
        units = tuple(Unit(row["start"], row["end"]) for row in rows)
        text = _rebuilt(rows, one["characters"])
        return _Scored(
            Article(id=one["id"], text=text, outlet=outlet, units=units, **known),
            outlet or UNKNOWN,
            [[np.nan if row[name] is None else row[name] for name in wanted] for row in rows],
            [row["flags"] for row in rows],
            [not with_content or "content" in row["flags"] for row in rows],
        )

    found = (scored(articles[at]) for at in sampled)
    return _candidates(found, wanted, manifest["thresholds"], model["name"], model["digest"])


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
    """Score files; `tell` gets a line per article that can't be read or scored.

    Raise `PickError` when no article could be scored.
    """
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
    reasons = []
    for item in Scorer(bundle, registry=bundle.registry, evidence=False).score(read()):
        if isinstance(item, Skipped):
            reasons.append(f"{item.source}: {item.reason}")
        elif item.note is not None:
            reasons.append(f"{item.article.origin or item.article.id}: {item.note}")
        else:
            reports.append(item)
    if not reports:
        more = f" (and {len(reasons) - 1} more that can't be used)" if len(reasons) > 1 else ""
        raise PickError(reasons[0] + more if reasons else "input: holds no article")
    for line in reasons:
        tell(f"{line} (skipped)")
    outlets = [_outlet_of(one) for one in reports]

    def scored(at: int) -> _Scored:
        article, rows = reports[at].article, reports[at].sentences
        labelled = {(unit.start, unit.end) for unit in article.units or () if unit.labels}
        units = tuple(Unit(row.start, row.end) for row in rows)
        return _Scored(
            replace(article, units=units, spans=(), labels={}),
            outlets[at],
            [[row.scores[name] for name in wanted] for row in rows],
            [row.flags for row in rows],
            [
                ("content" not in bundle.signals or "content" in row.flags)
                and (row.start, row.end) not in labelled
                for row in rows
            ],
        )

    sizes, names = [len(one.sentences) for one in reports], list(map(str, range(len(reports))))
    found = map(scored, _sample(outlets, sizes, names, tell, seed))
    return _candidates(found, wanted, bundle.thresholds, bundle.name, bundle.digest)


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
            raise PickError(f"--signal {name}: is one of whole articles; sentences are picked")
        if name not in known:
            what = f"{model} doesn't give it; it gives {', '.join(known)}"
            raise PickError(f"--signal {name}: {what}")
    return in_order(given) if given else tuple(name for name in known if name != "content")


def _sample(
    outlets: Sequence[str], sizes: Sequence[int], names: Sequence[str], tell: Tell, seed: int
) -> list[int]:
    """Sample articles, the outlets by turns, up to `MOST` sentences; return their positions."""
    total = sum(sizes)
    if total <= MOST:
        return list(range(len(sizes)))
    lots = [hashlib.sha256(f"{seed}|{name}".encode()).digest() for name in names]
    turn: Counter[str] = Counter()
    keyed = []
    for at in sorted(range(len(sizes)), key=lots.__getitem__):
        keyed.append((turn[outlets[at]], lots[at], at))
        turn[outlets[at]] += 1
    found, taken = [], 0
    for *_, at in sorted(keyed):
        if taken + sizes[at] <= MOST:
            found.append(at)
            taken += sizes[at]
    tell(f"of {total:,} sentences {taken:,} are considered, in articles sampled outlet by outlet")
    return sorted(found)


def second_proba(candidates: Candidates, bundle: Bundle) -> tuple[Floats, Floats]:
    """Score the candidates by another model; return its probabilities, (n, k), and thresholds.

    For signals that it doesn't give they are the first model's: no disagreement. Raise `PickError`
    when it is the same model, or gives none of the signals.
    """
    from framescope.classifier.scoring import Scorer

    shared = [name for name in candidates.signals if name in bundle.signals]
    if bundle.digest == candidates.digest:
        raise PickError(f"--second {bundle.path}: is the first model too; give another bundle")
    if not shared:
        raise PickError(f"--second {bundle.path}: gives none of {', '.join(candidates.signals)}")
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
