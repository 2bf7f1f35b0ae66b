"""The ready views of a run: what they count, with intervals, their columns, and their SQL.

Framing is counted in the article's own voice, sourcing in any; neither is combined with the other,
nor with an outlet's record. What the run's model doesn't give is null, and so is a share of zero.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

from framescope.classifier.batch.reading.sources import WHO_CITES_WHOM
from framescope.classifier.outlets import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.records import SOURCE_SIGNALS
from framescope.classifier.taxonomy import BY_NAME, NAMES, SHIPPED, TECHNIQUES, Family, Level

INTERVAL = "share_interval"  # the SQL name of the function
_SHORTEST = 60  # characters of a sentence whose repetition is reported
_NAMELESS = f"('{UNNAMED}', '{UNNAMED_MONITOR}')"  # stand for a name that no page gives
VOICED = "(SELECT count(voice) = count(*) FROM content_sentences)"  # whether all voices are known
_RATED = ("biased_language", "subjective", *TECHNIQUES)


@dataclass(frozen=True, slots=True)
class Measure:
    """A share that is counted in each article and shown for groups of articles."""

    name: str  # of the column; with _low and _high the 95% interval, with _n the base
    label: str
    meaning: str
    family: Family  # shares of different families are never combined
    part: str  # SQL that counts the share; over the sentences of an article, or over its row
    whole: str  # SQL that counts the base
    signal: str | None = None  # without which the share is unknown
    of_article: bool = False  # whether the SQL is over the article's row


def _flag_share(name: str, *, own: bool = False) -> Measure:
    """Return the share of decided sentences, or articles, that have a flag."""
    signal = BY_NAME[name]
    if signal.level is Level.ARTICLE:
        what, part = "articles", f"list_contains(flags, '{name}')::INT"
        whole = f"(NOT list_contains(undecided, '{name}'))::INT"
    else:
        voice = "own AND " if own else ""
        what = "sentences in the article's own voice, or in no known one," if own else "sentences"
        part = f"count(*) FILTER ({voice}list_contains(flags, '{name}'))"
        whole = f"count(*) FILTER ({voice}NOT list_contains(undecided, '{name}'))"
    return Measure(
        name, signal.label, f"share of the {what} that are flagged: {signal.meaning}",
        signal.family, part, whole, name, signal.level is Level.ARTICLE,
    )  # fmt: skip


def _share_on(kind: str, meaning: str) -> Measure:
    """Return the share of sentences that rest on a kind of source, which scoring has counted."""
    name, label = f"rests_{kind}", kind.replace("_", " ")
    about, whole = f"share of the sentences that rest on {meaning}", "coalesce(s.sentences, 0)"
    signal = SOURCE_SIGNALS.get(kind, "attributed")
    return Measure(name, label, about, Family.SOURCING, name, whole, signal, of_article=True)


# In the article's own voice: an outlet does not say what it quotes.
FRAMING = tuple(
    _flag_share(name, own=True)
    for name in ("biased_language", "subjective", "any_technique", "loaded_language")
)
SOURCING = tuple(map(_flag_share, (*SOURCE_SIGNALS.values(), "unsourced_assertion")))
ARTICLES = (_flag_share("hyperpartisan"),)
# A sentence that rests on two kinds of source counts for both.
RESTS = (
    _share_on("named", "a named source"),
    _share_on("unnamed", "an unnamed source"),
    _share_on("vague", "a vague source"),
    _share_on("nobody", "no source"),
    _share_on("government", "a government or office-holder"),
    _share_on("state_media", "state media"),
)
MEASURES = (*FRAMING, *SOURCING, *ARTICLES, *RESTS)


def own_measures(signals: Iterable[str]) -> tuple[Measure, ...]:
    """Return the measures of the signals that don't ship with the package, in their order."""
    own = (name for name in signals if name not in SHIPPED)
    return tuple(_flag_share(name, own=BY_NAME[name].family is Family.FRAMING) for name in own)


def share_interval(
    y: float | None, n: float | None, texts: float, most: float, yy: float, yn: float, nn: float
) -> list[float] | None:
    """Return Wilson's 95% interval of a share at the effective number of sentences.

    The unit is the text (Korn and Graubard, 1998). A share of 0 or 1 shows no variance: there all
    `most` different sentences count, as in the standards of the NCHS (2017).
    """
    from scipy.special import stdtrit

    if y is None or not n or texts < 2:
        return None
    share = y / n
    residual = max(yy - 2 * share * yn + share * share * nn, 0)
    spread, variance = share * (1 - share), texts / (texts - 1) * residual / (n * n)
    size = min(most, spread / variance) if spread and variance else most
    t = float(stdtrit(texts - 1, 0.975))
    centre = share + t * t / (2 * size)
    half = t * sqrt(spread / size + t * t / (4 * size * size))
    scale = 1 + t * t / size
    low = 0.0 if share == 0 else max((centre - half) / scale, 0)
    high = 1.0 if share == 1 else min((centre + half) / scale, 1)
    return [low, high]


def hidden(manifest: Mapping[str, Any]) -> set[str]:
    """Return the signals that a run flags nowhere, as both of its models hide them."""
    other = manifest.get("other") or manifest
    return {*manifest["experimental"]}.intersection(other["experimental"])


def counts_query(signals: Iterable[str], experimental: Iterable[str]) -> str:
    """Return the SQL of a row per scored article: of each measure, ``p_NAME`` of ``w_NAME``."""
    flagged = {None, *signals}.difference(experimental)
    measures = (*MEASURES, *own_measures(signals))

    def known(measure: Measure, sql: str) -> str:
        return sql if measure.signal in flagged else "NULL::BIGINT"

    def in_article(measure: Measure, sql: str) -> str:
        """Count nothing where the signal was hidden in the article, in its language."""
        shown = known(measure, sql)
        return f"CASE WHEN NOT list_contains(experimental, '{measure.signal}') THEN {shown} END"

    def selected(of_article: bool) -> str:
        sql = in_article if of_article else known
        return "".join(
            f", {sql(one, one.part)} AS p_{one.name}, {sql(one, one.whole)} AS w_{one.name}"
            for one in measures
            if one.of_article is of_article
        )

    filled = "".join(
        f", {in_article(one, f'coalesce({column}, 0)')} AS {column}"
        for one in measures
        if not one.of_article
        for column in (f"p_{one.name}", f"w_{one.name}")
    )
    return f"""
        WITH summed AS (
            SELECT article_id, count(*) AS sentences, count(*) FILTER (own) AS own {selected(False)}
            FROM (SELECT *, coalesce(voice = 'own', true) AS own FROM content_sentences)
            GROUP BY article_id
        )
        SELECT a.article_id, outlet_key, day, text_digest, coalesce(s.sentences, 0) AS sentences,
            CASE WHEN {VOICED} THEN coalesce(own, 0) END AS own_sentences {selected(True)} {filled}
        FROM (SELECT * EXCLUDE (sentences) FROM published WHERE note IS NULL) a
        LEFT JOIN summed s USING (article_id)"""


def rests_query(signals: Collection[str]) -> str:
    """Count a run's ``rests_*``, which 0.3 didn't, by the rule of `SentenceReport.rests_on`."""
    content = "list_contains(s.flags, 'content')" if "content" in signals else "true"
    counts = ", ".join(
        f"count(*) FILTER (list_contains(kinds, '{signal}')) AS rests_{kind}"
        if signal in signals
        else f"NULL AS rests_{kind}"
        for kind, signal in SOURCE_SIGNALS.items()
    )
    return f"""
        SELECT article_id, {counts}, count(*) FILTER (
            NOT list_has_any(kinds, {["attributed", *SOURCE_SIGNALS.values()]})) AS rests_nobody
        FROM (
            SELECT article_id, CASE WHEN {content} THEN coalesce(c.kinds, s.flags) END AS kinds
            FROM sentences s LEFT JOIN (
                SELECT article_id, sentence, flatten(list([kind || '_source',
                    CASE WHEN government THEN 'government_attribution' END,
                    CASE WHEN state_media THEN 'state_media_attribution' END])) AS kinds
                FROM citations GROUP BY ALL
            ) c USING (article_id, sentence) WHERE s.voice IS NOT NULL
        ) GROUP BY article_id"""


def shares_query(
    groups: Sequence[str], measures: Sequence[Measure], table: str = "article_counts"
) -> str:
    """Return the SQL of shares with their intervals, one row per group of rows of `table`."""
    by = "".join(f"{column}, " for column in groups)
    grouping = f"GROUP BY {by.rstrip(', ')}" if groups else ""
    names = [one.name for one in measures]
    texts = ", ".join(f"sum(p_{m})::DOUBLE AS y_{m}, sum(w_{m})::DOUBLE AS n_{m}" for m in names)
    sums = ", ".join(
        f"sum(y_{m}) AS sum_{m}, sum(n_{m}) AS base_{m}, {INTERVAL}(sum(y_{m}), sum(n_{m}), "
        f"count(*) FILTER (n_{m} > 0), sum(n_{m} / scored), sum(y_{m} * y_{m}), "
        f"sum(y_{m} * n_{m}), sum(n_{m} * n_{m})) AS ends_{m}"
        for m in names
    )
    found = ", ".join(
        f"sum_{m} / nullif(base_{m}, 0) AS {m}, ends_{m}[1] AS {m}_low, ends_{m}[2] AS {m}_high, "
        f"base_{m}::BIGINT AS {m}_n"
        for m in names
    )
    return f"""
        WITH texts AS (
            SELECT {by}text_digest, count(*) AS scored, sum(sentences) AS sentences,
                sum(own_sentences) AS own_sentences, {texts} FROM {table} GROUP BY {by}text_digest
        ), sums AS (
            SELECT {by}sum(scored)::BIGINT AS scored, count(*) AS texts,
                sum(sentences)::BIGINT AS sentences, sum(own_sentences)::BIGINT AS own_sentences,
                {sums} FROM texts {grouping}
        )
        SELECT {by}scored, texts, sentences, own_sentences, {found} FROM sums"""


@dataclass(frozen=True, slots=True)
class View:
    """A view of a run."""

    name: str
    about: str
    columns: Mapping[str, str]  # the meaning of each
    sql: str


_OUTLET = {
    "outlet": "publisher by name; its host where no page names it; else 'unknown'",
    "publisher": "its id in the registry; null where it isn't there",
}
_COUNTS = {
    "articles": "all articles, those that were not scored too",
    "scored": "articles that were scored, the base of what follows",
    "texts": "different texts among them: copies count once for the intervals",
    "sentences": "sentences that belong to the articles",
    "own_sentences": "those in the article's own voice; null where the model tells none",
}
_PLACE = {
    "article_id": "as in the tables articles, sentences, citations, spans",
    "sentence": "its number in the article, from 0",
    "input": "the file or address that it was read from",
    "line": "the line of that file where its record begins",
}


def _by(
    keys: str, met: str, measures: Sequence[Measure], shown: str, order: str, where: str = "true"
) -> str:
    """Return the SQL of a view of groups of articles, with counts (`met`) and shares of each."""
    joined = " AND ".join(f"met.{k} IS NOT DISTINCT FROM shared.{k}" for k in keys.split(", "))
    columns = ", ".join(f"{m.name}, {m.name}_low, {m.name}_high, {m.name}_n" for m in measures)
    return f"""
        WITH met AS (
            SELECT {keys}, any_value(outlet) AS outlet, any_value(publisher) AS publisher, {met}
            FROM published WHERE {where} GROUP BY {keys}
        ), shared AS ({shares_query(keys.split(", "), measures)})
        SELECT {shown}, {columns} FROM met LEFT JOIN shared ON {joined} ORDER BY {order}"""


def views(manifest: Mapping[str, Any]) -> tuple[View, ...]:
    """Return the ready views of a run, without experimental signals."""
    given = (*FRAMING, *SOURCING, *ARTICLES, *own_measures(manifest["signals"]))
    measures = [one for one in given if one.signal not in hidden(manifest)]
    totals = ("scored", "texts", "sentences")
    counted = ", ".join(f"coalesce({name}, 0) AS {name}" for name in totals) + ", own_sentences"
    by_outlet = _by(
        "outlet_key", "any_value(told_by) AS told_by, count(*) AS articles, "
        "min(day) AS first_day, max(day) AS last_day", measures,
        f"outlet, publisher, told_by, articles, {counted}, first_day, last_day",
        "articles DESC, outlet",
    )  # fmt: skip
    by_day = _by(
        "day, outlet_key", "count(*) AS articles", measures,
        f"met.day, outlet, publisher, articles, {counted}", "met.day, articles DESC, outlet",
    )  # fmt: skip
    sourcing_map = _by(
        "outlet_key", "sum(claims)::BIGINT AS claims", RESTS,
        "outlet, publisher, scored, texts, sentences, claims", "sentences DESC, outlet",
        "note IS NULL",
    )  # fmt: skip
    told = {"told_by": "what names the publisher: registry, page, address, nothing"}
    days = dict.fromkeys(("first_day", "last_day"), "of its articles")
    day = {"day": "of publication, as the page has it"}
    return (
        View("by_outlet", "one row per outlet, most articles first",
             _OUTLET | told | _COUNTS | days | _meanings(measures), by_outlet),
        View("by_day",
             "one row per day and outlet, in order; articles without a date have a null day",
             day | _OUTLET | _COUNTS | _meanings(measures), by_day),
        View("most_flagged",
             "one row per sentence with framing flags, in any voice, most and strongest first", {
                 "framing": "number of framing signals that are flagged, each technique one",
                 "strength": "mean of (score - threshold) / (1 - threshold) over them",
                 "flags": "the flagged framing signals",
                 "voice": "own, reported or quoted; null where nothing tells",
                 "text": "the sentence",
                 **dict.fromkeys(("title", "url", "day"), "of its article"),
                 **_OUTLET, **_PLACE,
             }, _most_flagged(manifest)),
        View("sourcing_map",
             "one row per outlet: the sources that its sentences rest on, most sentences first", {
                 **_OUTLET,
                 **{name: _COUNTS[name] for name in ("scored", "texts", "sentences")},
                 "claims": "sentences that state something checkable",
                 **_meanings(RESTS),
             }, sourcing_map),
        View("repeated_text",
             "one row per text, or sentence of different texts, in several articles, most first", {
                 "kind": f"text (a whole article) or sentence (of {_SHORTEST} characters or more)",
                 "text": "the sentence, or the article's title or first sentence",
                 "articles": "that contain it",
                 "outlets": "that published them",
                 "carriers": "these outlets by name",
                 **dict.fromkeys(("first_day", "last_day"), "of the articles that have a date"),
                 "first_outlet": "its publisher on the first day; no proof that it began there",
                 **dict.fromkeys(("first_url", "first_article_id"), "of that article"),
             }, _REPEATED),
        View("who_cites_whom",
             "one row per outlet and source that it cites, most sentences first", {
                 **_OUTLET,
                 "cited": "the source's name, in its most frequent form",
                 "cited_id": "its id in the registry; null where it is not an outlet there",
                 "kind": "named; unnamed or vague where a state or an outlet is meant",
                 "government": "whether it is no outlet, and an office-holder in most citations",
                 "state_media": "whether a state owns and controls it, by the registry",
                 "itself": "whether the outlet cites itself",
                 "sentences": "that cite it",
                 "articles": "with such a sentence",
                 "government_sentences": "of the sentences, those where a government speaks",
                 "state_media_sentences": "and those where state media do",
             }, WHO_CITES_WHOM),
    )  # fmt: skip


def create_views(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Return the statements that create the views over the tables of a run."""
    signals = manifest["signals"]
    tomorrow = date.today() + timedelta(1)  # somewhere it is tomorrow already
    yield f"CREATE VIEW published AS {_PUBLISHED.format(tomorrow)}"
    # Text of the page around an article is left out, where a model tells it.
    sentences = [name for name in signals if BY_NAME[name].level is not Level.ARTICLE]
    # No model has read what has no score.
    read = f"WHERE coalesce({', '.join(sentences)}) IS NOT NULL" if sentences else ""
    only = "WHERE list_contains(s.flags, 'content')" if "content" in signals else read
    scored = "(SELECT article_id FROM articles WHERE note IS NULL)"
    yield (
        "CREATE VIEW content_sentences AS SELECT s.* FROM sentences s "
        f"SEMI JOIN {scored} a USING (article_id) {only}"
    )
    yield f"CREATE VIEW article_counts AS {counts_query(signals, hidden(manifest))}"
    yield from (f"CREATE VIEW {view.name} AS {view.sql}" for view in views(manifest))


def _meanings(measures: Sequence[Measure]) -> dict[str, str]:
    return {
        name: meaning
        for one in measures
        for name, meaning in (
            (one.name, one.meaning),
            (f"{one.name}_low", "lower end of its 95% interval; null for a single text"),
            (f"{one.name}_high", "upper end"),
            (f"{one.name}_n", "its base"),
        )
    }


# The publisher by the registry's id, by what the page says, or by the host of its address. Of
# several spellings the most frequent is shown. No newspaper is older than 1605.
_PUBLISHED = rf"""
    WITH named AS (
        SELECT * REPLACE (
                CASE WHEN day BETWEEN DATE '1605-01-01' AND DATE '{{}}' THEN day END AS day),
            nullif(trim(coalesce(
                CASE WHEN publisher_name NOT IN {_NAMELESS} THEN publisher_name END,
                outlet, site_name)), '') AS given,
            nullif(lower(regexp_extract(url, '^https?://(?:[^/@]*@)?(?:www\.)?([^/:?#]+)', 1)), '')
                AS host
        FROM articles
    ), keyed AS (
        SELECT *, coalesce('id:' || publisher, 'name:' || lower(given), 'host:' || host, 'unknown')
            AS outlet_key
        FROM named
    ), spelt AS (
        SELECT outlet_key, arg_max(given, (n, given)) AS label
        FROM (SELECT outlet_key, given, count(*) AS n FROM keyed GROUP BY ALL)
        WHERE given IS NOT NULL GROUP BY outlet_key
    )
    SELECT k.* EXCLUDE (outlet, given),
        coalesce(s.label, k.publisher, k.host, 'unknown') AS outlet,
        CASE WHEN k.publisher IS NOT NULL THEN 'registry' WHEN k.given IS NOT NULL THEN 'page'
            WHEN k.host IS NOT NULL THEN 'address' ELSE 'nothing' END AS told_by
    FROM keyed k LEFT JOIN spelt s USING (outlet_key)"""


def _threshold(name: str, manifest: Mapping[str, Any]) -> str:
    """Return the SQL of the threshold by which an article's model flags a signal."""
    other = manifest.get("other") or {"thresholds": {}}
    own, another = (min(one["thresholds"].get(name, 1.0), 0.999999) for one in (manifest, other))
    if name not in other["thresholds"]:
        return str(own)
    called = other["name"].replace("'", "''")
    return f"CASE model WHEN '{called}' THEN {another} ELSE {own} END"


def _most_flagged(manifest: Mapping[str, Any]) -> str:
    signals, thresholds = manifest["signals"], manifest["thresholds"]
    own = (one.name for one in own_measures(signals) if one.family is Family.FRAMING)
    sentences = (name for name in own if BY_NAME[name].level is not Level.ARTICLE)
    rated = [name for name in (*_RATED, *sentences) if name in signals]
    flags = ", ".join(f"'{name}'" for name in rated)
    excess = ", ".join(
        f"CASE WHEN list_contains(s.flags, '{name}') THEN "
        f"({name} - {_threshold(name, manifest)}) / (1 - {_threshold(name, manifest)}) END"
        for name in rated
        if name in thresholds and name in NAMES
    )
    strength = f"list_avg([{excess}])" if excess else "NULL::DOUBLE"
    return f"""
        SELECT len(f.found)::INT AS framing, f.strength, f.found AS flags, f.voice, f.text,
            a.title, a.url, a.day, a.outlet, a.publisher, f.article_id, f.sentence, i.input, i.line
        FROM (
            SELECT article_id, sentence, voice, text, {strength} AS strength,
                list_filter(s.flags, lambda x: x IN ({flags or "''"})) AS found
            FROM content_sentences s JOIN (SELECT article_id, model FROM articles)
                USING (article_id)
        ) f JOIN published a USING (article_id) LEFT JOIN inputs i USING (input_id)
        WHERE len(f.found) > 0
        ORDER BY framing DESC, strength DESC NULLS LAST, article_id, sentence"""


# A sentence counts where different texts have it, not copies of one. By hashes first, so that only
# repeated sentences are kept in memory.
_REPEATED = f"""
    WITH copies AS (
        SELECT text_digest FROM published WHERE note IS NULL AND text_digest IS NOT NULL
        GROUP BY text_digest HAVING count(*) > 1
    ), titles AS (
        SELECT article_id, text FROM sentences WHERE sentence = 0 AND article_id IN (
            SELECT article_id FROM published SEMI JOIN copies USING (text_digest)
            WHERE title IS NULL)
    ), long AS (
        SELECT s.article_id, s.text, hash(s.text) AS h FROM content_sentences s
        WHERE length(s.text) >= {_SHORTEST}
    ), met AS (
        SELECT h FROM long JOIN published USING (article_id)
        GROUP BY h HAVING min(text_digest) <> max(text_digest)
    ), found AS (
        SELECT 'text' AS kind, text_digest AS what, coalesce(title, t.text) AS text, article_id,
            day, outlet_key, outlet, url
        FROM published SEMI JOIN copies USING (text_digest) LEFT JOIN titles t USING (article_id)
        WHERE note IS NULL
        UNION ALL
        SELECT 'sentence', l.text, l.text, article_id, day, outlet_key, outlet, url
        FROM long l SEMI JOIN met USING (h) JOIN published USING (article_id)
    )
    SELECT kind, arg_min(text, place) AS text, count(DISTINCT article_id) AS articles,
        count(DISTINCT outlet_key) AS outlets, min(day) AS first_day, max(day) AS last_day,
        list_sort(list(DISTINCT outlet)) AS carriers, arg_min(outlet, place) AS first_outlet,
        arg_min(url, place) AS first_url, arg_min(article_id, place) AS first_article_id
    FROM (SELECT *, (coalesce(day, DATE '9999-12-31'), article_id) AS place FROM found)
    GROUP BY kind, what ORDER BY articles DESC, outlets DESC, kind DESC, first_article_id, text"""
