"""A run as one page: outlets side by side and over time, who is cited, what is repeated, samples.

All is counted in the database; what comes out of it is bounded, whatever the size of the run.
Framing, sourcing and the outlets' record stand in parts of their own and are never put together.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from framescope.classifier import __version__
from framescope.classifier.batch.reading import charts
from framescope.classifier.batch.reading.charts import Course, Dots, Stack
from framescope.classifier.batch.reading.database import Database
from framescope.classifier.batch.reading.shares import (
    ARTICLES,
    FRAMING,
    MEASURES,
    SOURCING,
    Measure,
    own_measures,
    shares,
)
from framescope.classifier.records import CODES, Code, printable, shortened
from framescope.classifier.reports import environment_of, style
from framescope.classifier.taxonomy import BY_NAME, Family

OUTLETS = 24
"""Shown by name; the rest are one row."""

_OVER_TIME = 7  # outlets with a chart of their own
_CITED, _CITING, _EACH = 25, 10, 5
_REPEATED, _SAMPLES = 12, 8
_NAME, _TEXT = 60, 600  # characters
_STAND = ("named", "unnamed", "vague", "nobody")  # behind claims; they add up


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sentence to look at, with where it stands."""

    text: str
    marks: tuple[str, ...]
    outlet: str
    title: str
    day: str
    link: str | None  # to the very sentence, where its article has an address of the web
    file: str  # where it was read from


@dataclass(frozen=True, slots=True)
class Chapter:
    """Framing, or sourcing: its measures side by side and over time, and sentences to look at."""

    dots: tuple[Dots, ...]
    timed: Measure | None
    courses: tuple[Course, ...]
    strongest: tuple[Sampled, ...]
    by_lot: tuple[Sampled, ...]


@dataclass(frozen=True, slots=True)
class RunOverview:
    """What the page shows; rows are plain values, as the database gives them."""

    name: str
    finished: bool
    manifest: Mapping[str, Any]
    totals: Mapping[str, Any]
    not_scored: tuple[Mapping[str, Any], ...]
    outlets: tuple[str, ...]
    folded: Mapping[str, int]  # how many outlets and articles stand in one row
    unit: str
    undated: int
    framing: Chapter
    sourcing: Chapter
    articles: tuple[Dots, ...]
    content: tuple[Dots, ...]  # a desk's own signals of what is said
    stacks: tuple[Stack, ...]
    cited: tuple[Mapping[str, Any], ...]
    citing: tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...]
    on_record: tuple[Mapping[str, Any], ...]
    unregistered: int
    repeated: tuple[Mapping[str, Any], ...]


def overview_of(database: Database) -> RunOverview:
    """Gather what the page shows.

    Parameters
    ----------
    database : Database

    Raises
    ------
    QueryError, RunError
        When the run's tables can't be read, or need more memory than they may use.
    """
    return _Gathering(database).overview()


def to_html(overview: RunOverview) -> str:
    """Write an overview as one HTML page that needs nothing else."""
    environment = environment_of("framescope.classifier.batch.reading")
    environment.filters |= {
        "percent": charts.percent,
        "number": lambda value: f"{value or 0:,}",
        "short": lambda text: shortened(str(text), _NAME),
        "ticks": charts.ticks,
        "code": lambda code: CODES[Code(code)] if code in set(Code) else code,
    }
    return environment.get_template("overview.html").render(
        run=overview,
        version=__version__,
        size=(charts.WIDTH, charts.HEIGHT),
        style=style("framescope.classifier.batch.reading", "overview.css"),
        script="",
    )


class _Gathering:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.ask = database.rows
        database.keep("kept_published", "SELECT * FROM published")
        ranked = (
            "SELECT outlet_key, any_value(outlet) AS outlet, count(*) AS articles "
            "FROM kept_published GROUP BY outlet_key ORDER BY articles DESC, outlet"
        )
        database.keep("kept_outlets", f"{ranked} LIMIT {OUTLETS}")
        rest = self.ask(
            "SELECT count(DISTINCT outlet_key) AS outlets, count(*) AS articles "
            "FROM kept_published ANTI JOIN kept_outlets USING (outlet_key)"
        )[0]
        self.folded = dict(rest)
        self.labels = {
            row["outlet_key"]: shortened(row["outlet"], _NAME)
            for row in self.ask("FROM kept_outlets ORDER BY articles DESC, outlet")
        }
        if rest["outlets"]:
            self.labels[None] = f"{rest['outlets']:,} others"
        self.totals = self._totals()
        first, last = self.totals["from_day"], self.totals["to_day"]
        self.unit = charts.unit_for((last - first).days if first else 0)
        database.keep(
            "kept_counts",
            f"SELECT c.*, o.outlet_key AS shown, CASE WHEN day BETWEEN {_day(first)} AND "
            f"{_day(last)} THEN date_trunc('{self.unit}', day)::DATE END AS period "
            "FROM article_counts c LEFT JOIN kept_outlets o USING (outlet_key)",
        )

    def overview(self) -> RunOverview:
        own = own_measures(self.database.signals)
        asked = (*MEASURES, *own)
        of_all = self.ask(shares((), asked, "kept_counts"))[0]
        of_each = {row["shown"]: row for row in self.ask(shares(("shown",), asked, "kept_counts"))}
        rows = [(label, of_each[key]) for key, label in self.labels.items() if key in of_each]

        def side_by_side(measures: Sequence[Measure]) -> tuple[Dots, ...]:
            found = (charts.dots(one, of_all, rows, self.labels.get(None)) for one in measures)
            return tuple(one for one in found if one is not None)

        def of(family: Family) -> tuple[Measure, ...]:
            return tuple(one for one in own if one.family is family and not one.of_article)

        claims = {name: f"claims_{name}" for name in _STAND}
        stacks = [("All outlets", of_all), *rows]
        path = self.database.folder.path
        return RunOverview(
            name=printable(path.name or str(path.absolute())),
            finished=self.database.finished,
            manifest=self.database.manifest,
            totals=self.totals,
            not_scored=tuple(self._not_scored()),
            outlets=tuple(self.labels.values()),
            folded=self.folded,
            unit=self.unit,
            undated=self.totals["undated"],
            framing=self._chapter(
                side_by_side((*FRAMING, *of(Family.FRAMING))),
                ("any_technique", "biased_language"), self._framed(),
            ),
            sourcing=self._chapter(
                side_by_side((*SOURCING, *of(Family.SOURCING))),
                ("unsourced_assertion", "vague_source"), self._asserted(),
            ),
            articles=side_by_side((*ARTICLES, *(one for one in own if one.of_article))),
            content=side_by_side(of(Family.CONTENT)),
            stacks=tuple(
                charts.stack(label, row, claims) for label, row in stacks if row["claims_named_n"]
            ),
            **self._citations(),
            on_record=tuple(self.ask(_ON_RECORD)),
            unregistered=self.totals["unregistered"],
            repeated=tuple(map(_repeated, self.ask(f"FROM repeated_text LIMIT {_REPEATED}"))),
        )  # fmt: skip

    def _totals(self) -> dict[str, Any]:
        return self.ask(_TOTALS)[0]

    def _not_scored(self) -> Iterator[dict[str, Any]]:
        for row in self.ask(_NOT_SCORED):
            yield {"why": shortened(row["why"], 160), "number": row["number"]}

    def _chapter(
        self, dots: tuple[Dots, ...], leading: Sequence[str], samples: Sequence[tuple[Sampled, ...]]
    ) -> Chapter:
        given = {one.measure.name: one.measure for one in dots}
        timed = next((given[name] for name in leading if name in given), None)
        courses: tuple[Course, ...] = ()
        periods = self._periods()
        if timed is not None and len(periods) > 1:
            courses = charts.courses(timed.name, periods, self.unit, self._over_time(timed))
        return Chapter(dots, timed, courses, *samples)

    def _periods(self) -> list[datetime.date]:
        found = self.ask("SELECT min(period) AS a, max(period) AS b FROM kept_counts")[0]
        return charts.steps(found["a"], found["b"], self.unit) if found["a"] else []

    def _over_time(self, measure: Measure) -> list[tuple[str, dict[datetime.date, dict[str, Any]]]]:
        dated = "(FROM kept_counts WHERE period IS NOT NULL)"
        of_all = self.ask(shares(("period",), [measure], dated))
        of_each = self.ask(shares(("shown", "period"), [measure], dated))
        found = [("All outlets", {row["period"]: row for row in of_all})]
        for key, label in list(self.labels.items())[:_OVER_TIME]:
            if key not in (None, "unknown"):
                rows = {row["period"]: row for row in of_each if row["shown"] == key}
                found += [(label, rows)] if rows else []
        return found

    def _framed(self) -> tuple[tuple[Sampled, ...], ...]:
        own = "FROM most_flagged WHERE voice = 'own'"
        strongest = _spread(f"({own} LIMIT 1000)", "framing DESC, strength DESC NULLS LAST")
        return self._sampled(strongest), self._sampled(_lot(f"({own})"))

    def _asserted(self) -> tuple[tuple[Sampled, ...], ...]:
        wanted = ("unsourced_assertion", "vague_source")
        name = next((one for one in wanted if one in self.database.signals), None)
        if name is None:
            return (), ()
        found = f"""(
            SELECT s.text, ['{name}'] AS flags, a.outlet, a.title, a.url, a.day, i.input, i.line,
                s.{name} AS strength, s.article_id, s.sentence
            FROM content_sentences s JOIN kept_published a USING (article_id)
            LEFT JOIN inputs i USING (input_id) WHERE list_contains(s.flags, '{name}'))"""
        surest = f"(FROM {found} ORDER BY strength DESC, article_id, sentence LIMIT 1000)"
        return self._sampled(_spread(surest, "strength DESC")), self._sampled(_lot(found))

    def _sampled(self, sql: str) -> tuple[Sampled, ...]:
        return tuple(map(_sample, self.ask(sql)))

    def _citations(self) -> dict[str, Any]:
        self.database.keep("kept_cites", "SELECT * FROM who_cites_whom WHERE NOT itself")
        leading = list(self.labels.items())[:_CITING]
        each = self.ask(_CITES_MOST)
        citing = (
            (label, tuple(row for row in each if row["outlet_key"] == key))
            for key, label in leading
        )
        return {
            "cited": tuple(self.ask(_CITED_MOST)),
            "citing": tuple((label, rows) for label, rows in citing if rows),
        }


def link_to(url: str | None, text: str) -> str | None:
    """Give the address of a sentence: its article's, with the words that a browser goes to.

    Parameters
    ----------
    url : str or None
    text : str
        The sentence.

    Returns
    -------
    str or None
        None where the article has no address of the web.
    """
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    words = text.split()
    ends = [words] if len(words) < 10 else [words[:5], words[-4:]]
    # What separates the parts of such a fragment is written out within them.
    said = ",".join(quote(" ".join(one), safe="").replace("-", "%2D") for one in ends)
    before, _, fragment = (url or "").strip().partition("#")
    return f"{before}#{fragment}:~:text={said}"


def _sample(row: Mapping[str, Any]) -> Sampled:
    line = f", line {row['line']:,}" if row["line"] else ""
    return Sampled(
        shortened(row["text"], _TEXT),
        tuple(BY_NAME[flag].label for flag in row["flags"] if flag in BY_NAME),
        shortened(row["outlet"], _NAME),
        shortened(row["title"] or "", _NAME * 2),
        row["day"].isoformat() if row["day"] else "",
        link_to(row["url"], row["text"]),
        printable(row["input"] or "") + line,
    )


def _repeated(row: Mapping[str, Any]) -> dict[str, Any]:
    whole = row["kind"] == "text"
    return {
        **row,
        "text": shortened(row["text"] or "", 240),
        "link": link_to(row["first_url"], "" if whole else row["text"] or ""),
        "whole": whole,
    }


def _day(day: datetime.date | None) -> str:
    return f"DATE '{day.isoformat()}'" if day else "NULL::DATE"


def _spread(table: str, order: str) -> str:
    """Take the first of a table, each text once, and of no outlet more than two."""
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY text ORDER BY article_id) AS copy
            FROM {table}
        ) WHERE copy = 1
        QUALIFY row_number() OVER (PARTITION BY outlet ORDER BY {order}, article_id) <= 2
        ORDER BY {order}, article_id, sentence LIMIT {_SAMPLES}"""


def _lot(table: str) -> str:
    """Draw from a table, the same ones each time."""
    return f"SELECT * FROM {table} ORDER BY hash(article_id * 1009 + sentence) LIMIT {_SAMPLES}"


# Dates that stand apart from almost all others, 1970 for one, would draw the rest into a corner.
_TOTALS = """
    SELECT count(*) AS articles, count(*) FILTER (note IS NULL) AS scored,
        count(DISTINCT text_digest) FILTER (note IS NULL) AS texts,
        count(DISTINCT outlet_key) FILTER (outlet_key <> 'unknown') AS outlets,
        count(*) FILTER (outlet_key = 'unknown') AS unknown,
        min(day) AS first_day, max(day) AS last_day,
        quantile_disc(day, 0.005) AS from_day, quantile_disc(day, 0.995) AS to_day,
        count(*) FILTER (day IS NULL) AS undated,
        count(*) FILTER (author_outlet IS NULL) AS unregistered,
        count(*) FILTER (imposter) AS imposters,
        count(*) FILTER (far AND note IS NULL) AS far,
        (SELECT count(*) FROM content_sentences) AS sentences,
        (SELECT count(*) FROM citations) AS citations,
        (SELECT count(*) FROM inputs) AS inputs
    FROM kept_published"""
_NOT_SCORED = """
    SELECT regexp_replace(note, '^not scored: ', '') AS why, count(*) AS number
    FROM kept_published WHERE note IS NOT NULL GROUP BY ALL
    UNION ALL
    SELECT coalesce(stage || ': ', '') || error, count(*) FROM inputs
    WHERE error IS NOT NULL GROUP BY ALL
    ORDER BY number DESC, why LIMIT 8"""
_CITED_MOST = f"""
    SELECT arg_max(cited, (sentences, cited)) AS cited, sum(sentences)::BIGINT AS sentences,
        sum(articles)::BIGINT AS articles, count(DISTINCT outlet) AS outlets,
        bool_or(government) AS government, bool_or(state_media) AS state_media,
        any_value(cited_id) AS cited_id
    FROM kept_cites WHERE kind = 'named' GROUP BY coalesce(cited_id, lower(cited))
    ORDER BY sentences DESC, cited LIMIT {_CITED}"""
_CITES_MOST = f"""
    SELECT o.outlet_key, c.cited, c.sentences, c.articles, c.government, c.state_media
    FROM kept_cites c JOIN kept_outlets o USING (outlet) WHERE c.kind = 'named'
    QUALIFY row_number() OVER (PARTITION BY o.outlet_key ORDER BY c.sentences DESC, c.cited)
        <= {_EACH}
    ORDER BY c.sentences DESC, c.cited"""
_ON_RECORD = f"""
    SELECT author_outlet AS id, any_value(author_outlet_name) AS outlet, count(*) AS articles,
        any_value(country) AS country, any_value(control) AS control,
        bool_or(state_media) AS state_media, avg(record_low) AS low, avg(record) AS estimate,
        avg(record_high) AS high, list_sort(list_distinct(flatten(list(networks)))) AS networks
    FROM kept_published WHERE author_outlet IS NOT NULL GROUP BY author_outlet
    ORDER BY articles DESC, outlet LIMIT {OUTLETS}"""
