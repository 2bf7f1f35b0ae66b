"""The marks that a reader sees, compared with what two blind readers and a third one marked."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Article, ArticleReport, Unit
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Family
from framescope.eval.metrics import estimates_of_sums, ratio
from framescope.eval.rows import Evaluation, Floats
from framescope.eval.sections import Row, Section, Share, table
from framescope.training.corpora import house_folder, labels_file, standoff_labels
from framescope.training.data import Examples

JUDGED, DRAWS = "judged", 2000
ASSERTION, FRAMING = "unsourced_assertion", "all framing"
_FRAMING = {name for name in BY_NAME if BY_NAME[name].family is Family.FRAMING}
_PLAIN = ("wire", "hard_news")
_GENRES = {"all": None, "plain news": _PLAIN, "ordinary news": (*_PLAIN, "state_media")}
NOTE = (
    "What is shown on judged articles of outlets that nothing was trained on, read twice and "
    "blind. Right: the settled labels have the mark; defensible: one of the two readers has it; "
    "found: the share of what the settled labels mark. Experimental signals are not shown: {}. 95% "
    "intervals resample articles."
)


class Judged(NamedTuple):
    """An article's genre, and the signals of each sentence: shown, settled, by either reader."""

    genre: str
    shown: Sequence[set[str]]
    settled: Sequence[set[str]]
    either: Sequence[set[str]]

    def counts(self, signals: set[str]) -> list[float]:
        """Count marks (shown, right, defensible, settled), sentences, and articles (wrong, all)."""
        found = np.zeros(5)
        for shown, settled, either in zip(self.shown, self.settled, self.either, strict=True):
            mine, wanted = shown & signals, settled & signals
            defensible = mine & (settled | either)
            found += len(mine), len(mine & wanted), len(defensible), len(wanted), 1
        return [*found, float(found[0] > found[1]), 1.0]


def section(evaluation: Evaluation) -> Section | None:
    """Judge the marks of the bundles; None where no judged article is among the rows."""
    rows = evaluation.examples
    rows = rows.where((rows.corpus == JUDGED) & np.isin(rows.part, evaluation.parts))
    if not len(rows):
        return None
    marks, articles, hidden = list[Row](), list[Row](), []
    for name, bundle in zip(evaluation.names, evaluation.bundles, strict=True):
        judged = list(judge(rows, bundle))
        given = [s for s in bundle.signals if s == ASSERTION or s in _FRAMING]
        shown = [s for s in given if s not in bundle.experimental]
        hidden.append(f"{', '.join(s for s in given if s not in shown) or 'none'} ({name})")
        framing = {*shown} - {ASSERTION}
        for signal in (FRAMING, *shown):
            own = framing if signal == FRAMING else {signal}
            sums = np.sum([one.counts(own) for one in judged], axis=0)
            right, defensible, found = _shares(judged, own, [(1, 0), (2, 0), (1, 3)], evaluation)
            marks.append((name, signal, int(sums[0]), right, defensible, int(sums[3]), found))
        for which, genres in _GENRES.items():
            among = [one for one in judged if genres is None or one.genre in genres]
            wrong, often = _shares(among, framing, [(5, 6), (0, 4)], evaluation)
            claims = _shares(among, {ASSERTION}, [(0, 4)], evaluation)
            articles.append((name, which, len(among), wrong, often, *claims))
    of_marks = ("model", "signal", "shown", "right", "right or defensible", "marked", "found")
    of_articles = ("with a wrong framing mark", "framing, of sentences", "unsourced, of sentences")
    tables = (
        table("What is shown", of_marks, marks, heads=2),
        table("Articles", ("model", "articles", "n", *of_articles), articles, heads=2),
    )
    return Section(NOTE.format("; ".join(hidden)), tables)


def judge(rows: Examples, bundle: Bundle) -> Iterator[Judged]:
    """Score whole articles as a user does, and yield them with their labels."""
    genres = {
        f"{JUDGED}/{one['collection']}/{one['article']}": one["genre"]
        for one in standoff_labels(labels_file(JUDGED))
    }
    readers = defaultdict[tuple[str, int], set[str]](set)
    for order in ("first", "second"):
        path = house_folder() / "agreement" / f"{JUDGED}-{order}.jsonl"
        for record in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            for one in record["sentences"]:
                key = f"{JUDGED}/{record['id']}", one["start"]
                readers[key].update(s for s, v in one["labels"].items() if v)
    scorer = Scorer(bundle, evidence=False)
    for name in dict.fromkeys(rows.article.tolist()):
        own, text = rows.where(rows.article == name), ""
        for one in own.sentences:
            text = text.ljust(one.start) + one.text
        units = tuple(Unit(one.start, one.end) for one in own.sentences)
        article = Article(name, text, outlet=str(own.outlet[0]), lang="en", units=units)
        (report,) = scorer.score([article])
        assert isinstance(report, ArticleReport)
        flags = {one.start: set(one.flags) for one in report.sentences}
        settled = [{own.signals[k] for k in np.flatnonzero(row >= 0.5)} for row in own.labels]
        shown = [flags.get(one.start, set()) for one in units]
        yield Judged(genres[name], shown, settled, [readers[name, one.start] for one in units])


def _shares(
    articles: Sequence[Judged], signals: set[str], of: Sequence[tuple[int, int]], few: Evaluation
) -> list[Share]:
    """Return shares: of the counts of `Judged.counts`, which in which."""

    def figures(sums: Floats) -> Floats:
        return np.stack([ratio(sums[:, a], sums[:, b]) for a, b in of], axis=1)

    counts = np.array([one.counts(signals) for one in articles]).reshape(-1, 7)
    found = estimates_of_sums(counts, figures, draws=min(few.draws, DRAWS), seed=few.seed)
    return [Share(one.value, one.low, one.high) for one in found]
