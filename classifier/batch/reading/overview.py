"""A run as one page: what stands out, outlets side by side and over time, sources, copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from statistics import median
from typing import Any
from urllib.parse import quote, urlsplit

from framescope.classifier import __version__
from framescope.classifier.batch.reading import views
from framescope.classifier.batch.reading.database import Database
from framescope.classifier.batch.reading.views import Measure
from framescope.classifier.languages import name_of
from framescope.classifier.records import CODES, Code, counted, printable, shortened
from framescope.classifier.reports.document import environment_of, style
from framescope.classifier.taxonomy import BY_NAME, Family

OUTLETS = 12  # shown by name; the rest are one row
_CHARTED = 3  # outlets with a chart over time of their own
_CITED, _CITING, _CITED_EACH = 13, 6, 4
_REPEATED, _RECORDED, _SAMPLES = 12, 9, 8
_FINDINGS, _APART = 5, 2  # measures in which outlets stand out, and outlets above and below
_NAME, _TEXT = 60, 600  # characters
_WIDTH, _HEIGHT = 320, 96  # of a chart over time, in its own units
_LEFT, _TOP, _BOTTOM = 34, 8, 18
_RESTS = ("named", "unnamed", "vague", "nobody")
_SCALES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """A share, its interval and its base; None where it is unknown."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, row: Row, name: str) -> Share:
        """Return a measure's share from a row of `shares_query`."""
        return cls(row[name], row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_n"] or 0)

    @property
    def words(self) -> str:
        """The share and its interval: "12% (9.1% to 15%)"."""
        if self.value is None:
            return "unknown"
        if self.low is None or self.high is None:
            return f"{percent(self.value)} (no interval)"
        return f"{percent(self.value)} ({percent(self.low)} to {percent(self.high)})"


def percent(value: float) -> str:
    """Format a share: one decimal below ten per cent, and never 0% for more than nothing."""
    if 0 < value < 0.0005:
        return "<0.1%"
    return f"{100 * value:.1f}%" if 0 < value < 0.0995 else f"{100 * value:.0f}%"


def overview_html(database: Database) -> str:
    """Return the overview of a run as one HTML page that needs nothing else."""
    package = "framescope.classifier.batch.reading"
    environment = environment_of(package)
    environment.filters |= {
        "percent": percent,
        "language": name_of,
        "number": lambda value: f"{value or 0:,}",
        "short": lambda text: shortened(str(text), _NAME),
        "ticks": lambda top: [(100 * x, percent(x * top) if x else "0") for x in (0, 0.5, 1)],
        "code": lambda code: CODES[Code(code)] if code in set(Code) else code,
    }
    return environment.get_template("overview.html").render(
        run=_collect(database), version=__version__, size=(_WIDTH, _HEIGHT), script="",
        style=style(package, "overview.css"),
    )  # fmt: skip


def _collect(database: Database) -> dict[str, Any]:
    ask = database.rows
    database.keep("kept_published", "SELECT * FROM published")
    database.keep("kept_outlets", f"{_RANKED} LIMIT {OUTLETS}")
    database.keep("kept_cites", "SELECT * FROM who_cites_whom WHERE NOT itself")
    folded = ask(_FOLDED)[0]
    labels = {
        row["outlet_key"]: shortened(row["outlet"], _NAME)
        for row in ask("FROM kept_outlets ORDER BY articles DESC, outlet")
    }
    if folded["outlets"]:
        labels[None] = f"{folded['outlets']:,} others"
    totals = ask(_TOTALS)[0]
    first, last = totals["from_day"], totals["to_day"]
    limits = {"day": 45, "week": 45 * 7, "month": 60 * 31, "year": 10_000 * 366}
    days = (last - first).days if first else 0
    units = [one for one, most in limits.items() if days <= most]
    # In most periods there are several texts, so that their shares have intervals.
    dense = (one for one in units if ask(_DENSE.format(one))[0]["dense"])
    unit = next(dense, units[-1])
    database.keep("kept_counts", _KEPT_COUNTS.format(unit, first, last))

    signals = database.manifest["signals"]
    own = views.own_measures(signals)
    asked = (*views.MEASURES, *own)
    of_all = ask(views.shares_query((), asked, "kept_counts"))[0]
    by_outlet = ask(views.shares_query(("shown",), asked, "kept_counts"))
    of_each = {row["shown"]: row for row in by_outlet}
    rows = [(label, of_each[key]) for key, label in labels.items() if key in of_each]

    def plots(measures: Iterable[Measure]) -> list[dict[str, Any]]:
        found = (_dot_plot(one, of_all, rows, labels.get(None)) for one in measures)
        return [one for one in found if one is not None]

    def own_of(family: Family) -> list[Measure]:
        return [one for one in own if one.family is family and not one.of_article]

    def chapter(measures: Sequence[Measure], leading: Sequence[str], found: str, order: str) -> Row:
        dots = plots(measures)
        drawn = {one["measure"].name: one["measure"] for one in dots}
        timed = next((drawn[name] for name in leading if name in drawn), None)
        first = [one for one in dots if timed in (None, one["measure"])][:1]
        return {
            "lead": first,
            "dots": [one for one in dots if one not in first],
            "timed": timed,
            "courses": [] if timed is None else _over_time(database, timed, labels, unit),
            "strongest": [_sample(row) for row in ask(_spread(found, order))] if found else [],
            "random": [_sample(row) for row in ask(_RANDOM.format(found))] if found else [],
        }

    unsourced = ("unsourced_assertion", "vague_source")
    name = next((one for one in unsourced if one in signals), None)
    citing = ask(_CITES_MOST)
    path = database.folder.path
    stacks = [("All outlets", of_all), *rows]
    page: dict[str, Any] = {
        "name": printable(path.name or str(path.absolute())),
        "finished": database.manifest.get("finished"),
        "manifest": database.manifest,
        "totals": totals,
        "others": ask(_OTHERS),
        "not_scored": [
            {"why": shortened(row["why"], 160), "number": row["number"]} for row in ask(_NOT_SCORED)
        ],
        "outlets": list(labels.values()),
        "folded": folded,
        "unit": unit,
        "framing": chapter(
            (*views.FRAMING, *own_of(Family.FRAMING)),
            ("any_technique", "biased_language", "subjective"),
            "(FROM most_flagged WHERE (voice = 'own') IS NOT FALSE)",
            "framing DESC, strength DESC NULLS LAST",
        ),
        "sourcing": chapter(
            (*views.SOURCING, *own_of(Family.SOURCING)), unsourced,
            _UNSOURCED.format(name) if name else "", "strength DESC",
        ),
        "articles": plots((*views.ARTICLES, *(one for one in own if one.of_article))),
        "content": plots(own_of(Family.CONTENT)),
        "stacks": [_stack(*one) for one in stacks if all(one[1][f"rests_{n}_n"] for n in _RESTS)],
        "cites": "named_source" in signals,
        "cited": ask(_CITED_MOST),
        "citing": [
            (label, found)
            for key, label in list(labels.items())[:_CITING]
            if (found := [row for row in citing if row["outlet_key"] == key])
        ],
        "on_record": ask(_ON_RECORD),
        "repeated": [_repeated(row) for row in ask(_COPIES)],
    }  # fmt: skip
    return {**page, "findings": list(_findings(page, labels.get(None)))}


def _findings(run: Row, last: str | None) -> Iterator[str]:
    """Yield what stands out: outlets apart from the others, changes, sources, copies."""
    chapters = run["framing"], run["sourcing"]
    plots = [*(one for each in chapters for one in each["lead"]), *run["articles"]]
    plots += [*(one for each in chapters for one in each["dots"]), *run["content"]]
    lines = (line for plot in plots if (line := _apart(plot, last)))
    yield from islice(lines, _FINDINGS)
    for chapter in chapters:
        for course in chapter["courses"][:1]:
            sure = [one for one in course["moments"] if one["share"].low is not None]
            for a, b in zip(sure[:1], sure[-1:], strict=True):
                rose, fell = (x["share"].high < y["share"].low for x, y in ((a, b), (b, a)))
                times = " to ".join(f"{one['share'].words} in {one['label']}" for one in (a, b))
                if rose or fell:
                    label = chapter["timed"].label.capitalize()
                    yield f"{label} {'rose' if rose else 'fell'} from {times}."
    totals, cited = run["totals"], run["cited"][:3]
    names = [f"{shortened(one['cited'], _NAME)} ({one['sentences']:,})" for one in cited]
    if names:
        yield f"Cited in most sentences: {', '.join(names)}."
    if number := totals["state_media"]:
        where = f"{number:,} of {counted(totals['sentences'], 'sentence', ',')}"
        yield f"State media are cited in {where}, by {counted(totals['citing'], 'outlet', ',')}."
    for first in run["repeated"][:1]:
        if first["carried"]:
            most = f"{first['outlets']:,} carry \u201c{shortened(first['text'], _NAME)}\u201d"
            yield f"Texts carried by several outlets: {first['carried']:,}; {most}."


def _apart(plot: Row, last: str | None) -> str:
    """Name the outlets whose intervals leave out the share of all; empty where there are none."""
    total = plot["all"]["share"].value or 0
    shares = [(row["label"], row["share"]) for row in plot["rows"]]
    known = [one for one in shares if one[0] not in (last, "unknown") and one[1].low is not None]
    known.sort(key=lambda one: -abs(one[1].value - total))
    more = [f"{label} {share.words}" for label, share in known if total < share.low]
    less = [f"{label} {share.words}" for label, share in known if share.high < total]
    sides = (("more", more[:_APART]), ("less", less[:_APART]))
    said = "; ".join(f"{word} in {', '.join(names)}" for word, names in sides if names)
    of_all = f"{plot['measure'].label.capitalize()}, {percent(total)} in all outlets"
    return f"{of_all}: {said}." if said else ""


def _dot_plot(
    measure: Measure, of_all: Row, rows: Iterable[tuple[str, Row]], last: str | None
) -> dict[str, Any] | None:
    """Lay out a measure; the row labelled `last` comes last. None where nothing is known."""
    shares = [(label, Share.of(row, measure.name)) for label, row in rows]
    known = [share for _, share in shares if share.value is not None]
    if not known:
        return None
    top = _scale(known)
    # Shares of a single text come after the rest, however large they are.
    shares.sort(
        key=lambda pair: (
            *(pair[0] == last, pair[1].value is None, pair[1].low is None),
            *(-(pair[1].value or 0), -pair[1].n),
        )
    )
    dots = [_dot(label, share, top) for label, share in shares]
    total = _dot("All outlets", Share.of(of_all, measure.name), top)
    return {"measure": measure, "top": top, "all": total, "rows": dots}


def _dot(label: str, share: Share, top: float) -> dict[str, Any]:
    """Lay out a row of a dot plot; places are in per cent of its width."""
    ends = {"at": share.value, "left": share.low, "right": share.high}
    places = {name: round(100 * min((end or 0) / top, 1), 2) for name, end in ends.items()}
    cut = share.high is not None and share.high > top
    return {"label": label, "share": share, "cut": cut, **places}


def _over_time(
    database: Database, measure: Measure, labels: Mapping[str | None, str], unit: str
) -> list[dict[str, Any]]:
    """Lay out a measure over time: charts of one scale, of all outlets and of the first few."""
    periods = [row["period"] for row in database.rows(_PERIODS.format(unit))]
    if len(periods) < 2:
        return []
    dated = "(FROM kept_counts WHERE period IS NOT NULL)"
    groups = [("All outlets", database.rows(views.shares_query(("period",), [measure], dated)))]
    of_each = database.rows(views.shares_query(("shown", "period"), [measure], dated))
    for key, label in list(labels.items())[:_CHARTED]:
        rows = [row for row in of_each if row["shown"] == key]
        if rows and key not in (None, "unknown"):
            groups.append((label, rows))
    shares = [
        (label, {row["period"]: Share.of(row, measure.name) for row in rows})
        for label, rows in groups
    ]
    known = [one for _, each in shares for one in each.values() if one.value is not None]
    top = _scale(known) if known else 1.0
    return [_series(label, each, periods, unit, top) for label, each in shares] if known else []


def _series(
    label: str, shares: Mapping[date, Share], periods: Sequence[date], unit: str, top: float
) -> dict[str, Any]:
    step = (_WIDTH - _LEFT - 8) / max(len(periods) - 1, 1)

    def y(value: float) -> float:
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - min(value / top, 1)), 1)

    moments, line, bands, before = [], [], [], -2
    for number, day in enumerate(periods):
        share = shares.get(day)
        if share is None or share.value is None:
            continue
        x = round(_LEFT + step * number, 1)
        place = {"label": _period(day, unit), "share": share, "x": x, "y": y(share.value)}
        moments.append(place)
        # A period without articles is a gap in the line.
        line.append(f"{'L' if number == before + 1 else 'M'}{x} {y(share.value)}")
        before = number
        if share.low is not None and share.high is not None:
            w = min(step / 2, 4)
            bands.append(f"M{x - w:.1f} {y(share.low)}H{x + w:.1f}V{y(share.high)}H{x - w:.1f}Z")
    return {
        "label": label,
        "top": top,
        "moments": moments,
        "line": "".join(line),  # SVG paths
        "band": "".join(bands),
        "first": periods[0].isoformat(),
        "last": periods[-1].isoformat(),
    }


def _stack(label: str, row: Row) -> dict[str, Any]:
    """Lay out the sources that an outlet's sentences rest on, in proportion."""
    shares = {name: Share.of(row, f"rests_{name}") for name in _RESTS}
    # Sentences on two kinds of source count twice.
    start, parts, total = 0.0, [], max(sum(share.value or 0 for share in shares.values()), 1)
    for name, share in shares.items():
        width = 100 * (share.value or 0) / total
        parts.append((name, start, width, share))
        start += width
    return {"label": label, "sentences": row["rests_named_n"], "parts": parts}


def _scale(known: Sequence[Share]) -> float:
    """Return where a scale ends, with room for every share and for most intervals."""
    highs = [one.high for one in known if one.high is not None]
    need = max(1.15 * max(one.value or 0 for one in known), 1.1 * median(highs) if highs else 0)
    return next((end for end in _SCALES if end >= need), 1.0)


def _period(day: date, unit: str) -> str:
    if unit == "week":
        return f"week of {day.isoformat()}"
    return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]


def link_to(url: str | None, text: str) -> str | None:
    """Return the address of a sentence in an article with an http(s) address: a text fragment."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    words = text.split()
    ends = [words] if len(words) < 10 else [words[:5], words[-4:]]
    # Hyphens separate the parts of a text fragment, so those in the text are escaped.
    fragment = ",".join(quote(" ".join(end), safe="").replace("-", "%2D") for end in ends)
    page, _, anchor = (url or "").strip().partition("#")
    return f"{page}#{anchor}:~:text={fragment}"


def _sample(row: Row) -> dict[str, Any]:
    line = f", line {row['line']:,}" if row["line"] else ""
    return {
        "text": shortened(row["text"], _TEXT),
        "marks": [BY_NAME[flag].label for flag in row["flags"] if flag in BY_NAME],
        "outlet": shortened(row["outlet"], _NAME),
        "title": shortened(row["title"] or "", _NAME * 2),
        "day": row["day"].isoformat() if row["day"] else "",
        "link": link_to(row["url"], row["text"]),
        "file": printable(row["input"] or "") + line,
    }


def _repeated(row: Row) -> dict[str, Any]:
    whole, text = row["kind"] == "text", row["text"] or ""
    link = link_to(row["first_url"], "" if whole else text)
    carriers = ", ".join(shortened(name, _NAME) for name in row["carriers"][:_CITING])
    more = ", \u2026" if len(row["carriers"]) > _CITING else ""
    shown = {"text": shortened(text, 160), "carriers": carriers + more}
    return {**row, **shown, "link": link, "whole": whole}


def _spread(table: str, order: str) -> str:
    """Return the SQL of the first rows, each text once and at most two of an outlet."""
    return f"""
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY text ORDER BY article_id) AS copy
            FROM (FROM {table} ORDER BY {order}, article_id, sentence LIMIT 1000)
        ) WHERE copy = 1
        QUALIFY row_number() OVER (PARTITION BY outlet ORDER BY {order}, article_id) <= 2
        ORDER BY {order}, article_id, sentence LIMIT {_SAMPLES}"""


# The same sample each time.
_RANDOM = f"SELECT * FROM {{}} ORDER BY hash(article_id * 1009 + sentence) LIMIT {_SAMPLES}"
_RANKED = """
    SELECT outlet_key, any_value(outlet) AS outlet, count(*) AS articles
    FROM kept_published GROUP BY outlet_key ORDER BY articles DESC, outlet"""
_FOLDED = """
    SELECT count(DISTINCT outlet_key) AS outlets, count(*) AS articles
    FROM kept_published ANTI JOIN kept_outlets USING (outlet_key)"""
# Where no article has a day, there is no first and last.
_KEPT_COUNTS = """
    SELECT c.*, o.outlet_key AS shown,
        CASE WHEN day BETWEEN try_cast('{1}' AS DATE) AND try_cast('{2}' AS DATE)
            THEN date_trunc('{0}', day)::DATE END AS period
    FROM article_counts c LEFT JOIN kept_outlets o USING (outlet_key)"""
_DENSE = """
    SELECT coalesce(avg((texts > 1)::INT), 1) >= 0.8 AS dense FROM (
        SELECT count(DISTINCT text_digest) AS texts FROM kept_published
        WHERE note IS NULL AND day IS NOT NULL GROUP BY date_trunc('{}', day))"""
# Whole texts that several outlets carry come first; the number of all of these stands beside.
_COPIES = f"""
    SELECT *, count(*) FILTER (kind = 'text' AND outlets > 1) OVER () AS carried FROM repeated_text
    ORDER BY outlets > 1 DESC, kind = 'text' DESC, outlets DESC, articles DESC, first_article_id
    LIMIT {_REPEATED}"""
_PERIODS = """
    SELECT unnest(generate_series(min(period), max(period), INTERVAL 1 {0}))::DATE AS period
    FROM kept_counts"""
_UNSOURCED = """(
    SELECT s.text, ['{0}'] AS flags, a.outlet, a.title, a.url, a.day, i.input, i.line,
        s.{0} AS strength, s.article_id, s.sentence
    FROM content_sentences s JOIN kept_published a USING (article_id)
    LEFT JOIN inputs i USING (input_id) WHERE list_contains(s.flags, '{0}'))"""
# Stray dates, such as 1970, would squeeze the rest into a corner of the charts.
_TOTALS = f"""
    SELECT {views.VOICED} AS voiced, count(*) AS articles, count(*) FILTER (note IS NULL) AS scored,
        count(DISTINCT text_digest) FILTER (note IS NULL) AS texts,
        count(DISTINCT outlet_key) FILTER (outlet_key <> 'unknown') AS outlets,
        count(*) FILTER (outlet_key = 'unknown') AS unknown,
        min(day) AS first_day, max(day) AS last_day, count(*) FILTER (day IS NULL) AS undated,
        quantile_disc(day, 0.005) AS from_day, quantile_disc(day, 0.995) AS to_day,
        count(*) FILTER (author_outlet IS NULL) AS unregistered,
        count(*) FILTER (imposter) AS imposters, count(*) FILTER (far AND note IS NULL) AS far,
        (SELECT count(*) FROM content_sentences) AS sentences,
        (SELECT count(*) FROM citations) AS citations,
        (SELECT count(*) FROM content_sentences
            WHERE list_contains(flags, 'state_media_attribution')) AS state_media,
        (SELECT count(DISTINCT outlet_key) FROM content_sentences s
            JOIN kept_published USING (article_id)
            WHERE list_contains(s.flags, 'state_media_attribution')) AS citing
    FROM kept_published"""
_OTHERS = """
    SELECT model, lang, count(*) AS number FROM kept_published
    WHERE note IS NULL AND lang <> 'en' GROUP BY ALL ORDER BY number DESC, lang"""
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
        bool_or(government) AS government, bool_or(state_media) AS state_media
    FROM kept_cites WHERE kind = 'named' GROUP BY coalesce(cited_id, lower(cited))
    ORDER BY sentences DESC, cited LIMIT {_CITED}"""
_CITES_MOST = f"""
    SELECT o.outlet_key, c.cited, c.sentences, c.articles, c.government, c.state_media
    FROM kept_cites c JOIN kept_outlets o USING (outlet) WHERE c.kind = 'named'
    QUALIFY row_number() OVER (PARTITION BY o.outlet_key ORDER BY c.sentences DESC, c.cited)
        <= {_CITED_EACH}
    ORDER BY c.sentences DESC, c.cited"""
_ON_RECORD = f"""
    SELECT author_outlet AS id, any_value(author_outlet_name) AS outlet, count(*) AS articles,
        any_value(country) AS country, any_value(control) AS control,
        bool_or(state_media) AS state_media, avg(record_low) AS low, avg(record) AS estimate,
        avg(record_high) AS high, list_sort(list_distinct(flatten(list(networks)))) AS networks
    FROM kept_published WHERE author_outlet IS NOT NULL GROUP BY author_outlet
    ORDER BY articles DESC, outlet LIMIT {_RECORDED}"""
