"""The sentences that may be picked, from a run or from files, with a model's scores.

Of more than `MOST` sentences, whole articles are sampled, outlet by outlet. Lines of the page
around an article, very short sentences and labelled ones are no candidates.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport, Skipped, Unit
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.picking.methods import Floats, PickError
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

MOST = 20_000
_FEWEST_WORDS = 3
UNKNOWN = "unknown"
"""The outlet of all articles without a publisher."""

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ScoredArticle:
    """An article without labels, every sentence a unit, and its outlet.

    `proba` has shape (n_units, k), `flags` the decisions of each unit, `eligible` whether it may be
    picked.
    """

    article: Article
    outlet: str
    proba: Floats
    flags: tuple[tuple[str, ...], ...]
    eligible: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What may be picked; the k `signals` are in taxonomy order."""

    articles: tuple[ScoredArticle, ...]
    signals: tuple[str, ...]
    thresholds: Floats
    model: str
    digest: str

    @property
    def rows(self) -> list[tuple[int, int]]:
        """The positions of each candidate's article and unit."""
        return [
            (number, int(unit))
            for number, one in enumerate(self.articles)
            for unit in np.flatnonzero(one.eligible)
        ]

    @property
    def proba(self) -> Floats:
        """The probabilities of the candidates, shape (n, k)."""
        return np.concatenate([one.proba[one.eligible] for one in self.articles])

    @property
    def texts(self) -> list[str]:
        """The candidates' words."""
        articles = [one.article for one in self.articles]
        units = [((articles[at].units or ())[unit], articles[at].text) for at, unit in self.rows]
        return [text[unit.start : unit.end] for unit, text in units]


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
        sampled = _sample(
            [str(row["outlet_key"]) for row in articles],
            [int(row["sentences"]) for row in articles],
            [str(row["article_id"]) for row in articles],
            tell,
            seed,
        )
        ids = ", ".join(str(articles[at]["article_id"]) for at in sampled)
        names = ", ".join(f'"{name}"' for name in wanted)
        sentences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in database.rows(
            f'SELECT article_id, start, "end", text, flags, {names} FROM sentences '
            f"WHERE article_id IN ({ids or 'NULL'}) ORDER BY article_id, sentence"
        ):
            sentences[row["article_id"]].append(row)
        with_content = "content" in database.signals
    found = []
    for one in (articles[at] for at in sampled):
        rows = sentences[one["article_id"]]
        known = {key: one[key] for key in ("title", "url", "date", "lang", "author", "site_name")}
        article = Article(
            id=one["id"],
            text=_rebuilt(rows, one["characters"]),
            outlet=None if one["told_by"] == "nothing" else one["outlet"],
            units=tuple(Unit(row["start"], row["end"]) for row in rows),
            **known,
        )
        scores = [[row[name] for name in wanted] for row in rows]
        content = [not with_content or "content" in row["flags"] for row in rows]
        flags = [row["flags"] for row in rows]
        outlet = one["outlet"] if article.outlet else UNKNOWN
        found.append(_scored(article, outlet, scores, flags, content, wanted))
    thresholds = np.array([manifest["thresholds"][name] for name in wanted], float)
    return Candidates(_unique(found), wanted, thresholds, model["name"], model["digest"])


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
    sizes, names = [len(one.sentences) for one in reports], list(map(str, range(len(reports))))
    found = []
    for at in _sample(outlets, sizes, names, tell, seed):
        article, rows = reports[at].article, reports[at].sentences
        labelled = {(unit.start, unit.end) for unit in article.units or () if unit.labels}
        units = tuple(Unit(row.start, row.end) for row in rows)
        free = [
            ("content" not in bundle.signals or "content" in row.flags)
            and (row.start, row.end) not in labelled
            for row in rows
        ]
        article = replace(article, units=units, spans=(), labels={})
        scores = [[row.scores[name] for name in wanted] for row in rows]
        flags = [row.flags for row in rows]
        found.append(_scored(article, outlets[at], scores, flags, free, wanted))
    thresholds = np.array([bundle.thresholds[name] for name in wanted], float)
    return Candidates(_unique(found), wanted, thresholds, bundle.name, bundle.digest)


def _outlet_of(report: ArticleReport) -> str:
    """Return who published an article: by the registry, the page, or the host of its address."""
    from framescope.classifier.outlets import host_in

    publisher = None if report.source is None else report.source.publication.publisher
    article = report.article
    if publisher is not None:
        return publisher.outlet.name if publisher.outlet is not None else publisher.name
    named = (article.outlet or article.site_name or "").strip()
    return named or (host_in(article.url) if article.url else "") or UNKNOWN


def _scored(
    article: Article,
    outlet: str,
    scores: Sequence[Sequence[float]],
    flags: Sequence[Sequence[str]],
    free: Sequence[bool],
    wanted: Sequence[str],
) -> ScoredArticle:
    proba = np.array(scores, float).reshape(len(scores), len(wanted))
    units = article.units or ()
    words = [len(article.text[unit.start : unit.end].split()) for unit in units]
    eligible = np.array(free, bool) & (np.array(words, int) >= _FEWEST_WORDS)
    kept = tuple(tuple(flag for flag in one if flag in wanted) for one in flags)
    return ScoredArticle(article, outlet, proba, kept, eligible & ~np.isnan(proba).any(axis=1))


def _wanted(given: Sequence[str] | None, known: Sequence[str], model: str) -> tuple[str, ...]:
    """Return the sentence-level signals that are picked for: some, or all but `content`."""
    known = [name for name in known if BY_NAME[name].level is not Level.ARTICLE]
    if not given:
        return tuple(name for name in known if name != "content")
    for name in in_order(given):
        if BY_NAME[name].level is Level.ARTICLE:
            raise PickError(f"--signal {name}: is one of whole articles; sentences are picked")
        if name not in known:
            what = f"{model} doesn't give it; it gives {', '.join(known)}"
            raise PickError(f"--signal {name}: {what}")
    return in_order(given)


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


def _unique(articles: Sequence[ScoredArticle]) -> tuple[ScoredArticle, ...]:
    """Number the further articles with an id that is taken."""
    seen: set[str] = set()
    found = []
    for one in articles:
        name, number = one.article.id, 1
        while name in seen:
            number += 1
            name = f"{one.article.id}-{number}"
        seen.add(name)
        found.append(replace(one, article=replace(one.article, id=name)))
    return tuple(found)


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
    thresholds = candidates.thresholds.copy()
    thresholds[columns] = [bundle.thresholds[name] for name in shared]
    found = []
    articles = (one.article for one in candidates.articles)
    scored = Scorer(bundle, shared, bundle.registry, evidence=False).score(articles)
    for one, item in zip(candidates.articles, scored, strict=True):
        proba = one.proba.copy()
        if isinstance(item, ArticleReport) and item.note is None:
            for unit, sentence in enumerate(item.sentences):
                proba[unit, columns] = [sentence.scores[name] for name in shared]
        found.append(proba[one.eligible])
    return np.concatenate(found), thresholds
