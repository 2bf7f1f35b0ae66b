"""A run's folder or files in, out the candidates: articles, and a model's scores of sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import InputError
from framescope.classifier.records import Article, ArticleReport, Skipped, Unit
from framescope.training.picking.candidates import (
    UNKNOWN,
    Candidates,
    ScoredArticle,
    Tell,
    draw_articles,
    long_enough,
    named_apart,
    wanted_signals,
)
from framescope.training.picking.methods import PickError

if TYPE_CHECKING:
    from framescope.classifier.batch.reading import Database
    from framescope.classifier.bundles import Bundle


def is_run(path: str) -> bool:
    """Tell whether a path is a folder that `framescope batch` wrote, or what is left of one."""
    from framescope.classifier.batch.folder import RunFolder

    folder = RunFolder(Path(path))
    return folder.path.is_dir() and (folder.exists() or bool(folder.committed()))


# --- of a run -------------------------------------------------------------------------------------


def of_run(path: Path, signals: Sequence[str] | None, tell: Tell, *, seed: int = 0) -> Candidates:
    """Read candidates off a run that has ended.

    Parameters
    ----------
    path : pathlib.Path
    signals : sequence of str or None
        That are picked for; see `wanted_signals`.
    tell : callable
    seed : int
        Of the lot that draws articles.

    Raises
    ------
    PickError
        When the run hasn't ended, or a signal isn't in it.
    RunError
        When it can't be read.
    """
    from framescope.classifier.batch.folder import RunFolder
    from framescope.classifier.batch.reading import open_run

    with open_run(RunFolder(path)) as database:
        manifest = database.manifest
        if not database.finished:
            again = f"go on with it: framescope batch --resume --output {path}"
            raise PickError(f"{path}: the run is not finished; {again}")
        model = manifest["model"]
        wanted = wanted_signals(signals, manifest["signals"], f"the run of {model['name']}")
        articles = database.rows(
            "SELECT article_id, outlet_key, outlet, told_by, id, title, url, date, lang, author, "
            "site_name, characters, sentences, distance FROM published WHERE note IS NULL "
            "ORDER BY article_id"
        )
        drawn = draw_articles(
            [str(row["outlet_key"]) for row in articles],
            [int(row["sentences"]) for row in articles],
            [str(row["article_id"]) for row in articles],
            tell,
            seed,
        )
        found = tuple(_of_run(database, [articles[at] for at in drawn], wanted))
    thresholds = np.array([manifest["thresholds"][name] for name in wanted], float)
    return Candidates(named_apart(found), wanted, thresholds, model["name"], model["digest"])


def _of_run(
    database: Database, articles: Sequence[dict[str, Any]], wanted: Sequence[str]
) -> Iterator[ScoredArticle]:
    names = ", ".join(f'"{name}"' for name in wanted)
    with_content = "content" in database.signals
    ids = ", ".join(str(row["article_id"]) for row in articles)
    by_article: dict[int, list[dict[str, Any]]] = defaultdict(list)
    if ids:
        for row in database.rows(
            f'SELECT article_id, start, "end", text, flags, {names} FROM sentences '
            f"WHERE article_id IN ({ids}) ORDER BY article_id, sentence"
        ):
            by_article[row["article_id"]].append(row)
    for one in articles:
        rows = by_article[one["article_id"]]
        text = _rebuilt(rows, one["characters"])
        proba = np.array([[row[name] for name in wanted] for row in rows], float)
        proba = proba.reshape(len(rows), len(wanted))
        content = np.array([not with_content or "content" in row["flags"] for row in rows], bool)
        known = {key: one[key] for key in ("title", "url", "date", "lang", "author", "site_name")}
        article = Article(
            id=one["id"],
            text=text,
            outlet=None if one["told_by"] == "nothing" else one["outlet"],
            units=tuple(Unit(row["start"], row["end"]) for row in rows),
            **known,
        )
        yield ScoredArticle(
            article,
            one["outlet"] if article.outlet else UNKNOWN,
            proba,
            tuple(_kept(row["flags"], wanted) for row in rows),
            content & ~np.isnan(proba).any(axis=1) & long_enough(article),
            one["distance"] or 0.0,
        )


def _kept(flags: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    return tuple(flag for flag in flags if flag in wanted)


def _rebuilt(rows: Sequence[dict[str, Any]], characters: int) -> str:
    """Put an article together of its sentences, each where it stood, with space between them.

    A run keeps sentences, and not what stands between: as a rule spaces and line ends.
    """
    text, at = [], 0
    for row in rows:
        text += [_gap(row["start"] - at), row["text"]]
        at = row["end"]
    return "".join(text) + " " * (characters - at)


def _gap(size: int) -> str:
    return " " if size == 1 else "\n" * size


# --- of files -------------------------------------------------------------------------------------


def of_files(
    inputs: Sequence[str], bundle: Bundle, signals: Sequence[str] | None, tell: Tell, *, seed: int
) -> Candidates:
    """Read files and score them.

    Parameters
    ----------
    inputs : sequence of str
        All that `framescope score` reads.
    bundle : Bundle
    signals : sequence of str or None
        As of `of_run`.
    tell : callable
        Is told what can't be read, or isn't scored.
    seed : int

    Raises
    ------
    PickError
        When a signal isn't given.
    InputError
        When no article could be read.
    """
    from framescope.classifier.inputs import read_input
    from framescope.classifier.scoring import Scorer

    wanted = wanted_signals(signals, bundle.signals, f"the bundle {bundle.name}")

    def read() -> Iterator[Article | Skipped]:
        for source in inputs:
            try:
                yield from read_input(source)
            except InputError as error:
                yield Skipped(error.source, error.reason)

    reports: list[ArticleReport] = []
    reasons = []
    for item in Scorer(bundle, registry=bundle.registry, evidence=False).score(read()):
        if isinstance(item, ArticleReport) and item.note is None:
            reports.append(item)
            continue
        source, reason = (
            (item.source, item.reason)
            if isinstance(item, Skipped)
            else (str(item.article.origin or item.article.id), item.note)
        )
        reasons.append(f"{source}: {reason}")
    if not reports:
        more = f" (and {len(reasons) - 1} more that can't be used)" if len(reasons) > 1 else ""
        raise PickError(reasons[0] + more if reasons else "input: holds no article")
    for line in reasons:
        tell(f"{line} (skipped)")
    drawn = draw_articles(
        [outlet_of(one) for one in reports],
        [len(one.sentences) for one in reports],
        [f"{number}" for number in range(len(reports))],
        tell,
        seed,
    )
    thresholds = np.array([bundle.thresholds[name] for name in wanted], float)
    with_content = "content" in bundle.signals
    found = tuple(_of_report(reports[at], wanted, with_content) for at in drawn)
    return Candidates(named_apart(found), wanted, thresholds, bundle.name, bundle.digest)


def outlet_of(report: ArticleReport) -> str:
    """Name who published an article: by the registry, the page, or the host of its address."""
    publisher = None if report.source is None else report.source.publication.publisher
    article = report.article
    if publisher is not None:
        return publisher.outlet.name if publisher.outlet is not None else publisher.name
    named = (article.outlet or article.site_name or "").strip()
    if named or not article.url:
        return named or UNKNOWN
    from framescope.classifier.outlets import host_in

    return host_in(article.url) or UNKNOWN


def _of_report(report: ArticleReport, wanted: Sequence[str], with_content: bool) -> ScoredArticle:
    article = report.article
    labelled = {(unit.start, unit.end) for unit in article.units or () if unit.labels}
    rows = report.sentences
    proba = np.array([[row.scores[name] for name in wanted] for row in rows], float)
    free = [
        (not with_content or "content" in row.flags) and (row.start, row.end) not in labelled
        for row in rows
    ]
    units = tuple(Unit(row.start, row.end) for row in rows)
    bare = replace(article, units=units, spans=(), labels={})
    return ScoredArticle(
        bare,
        outlet_of(report),
        proba.reshape(len(rows), len(wanted)),
        tuple(_kept(row.flags, wanted) for row in rows),
        np.array(free, bool) & long_enough(bare),
        report.distance or 0.0,
    )
