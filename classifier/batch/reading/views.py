"""The ready views of a run: what each tells, what its columns mean, and its SQL.

Framing is counted in the article's own voice, sourcing in any; neither is put together with the
other, nor with an outlet's record. What the run's model doesn't give is null, and so is a share of
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from framescope.classifier.batch.reading.shares import (
    ARTICLES,
    CLAIMS,
    FRAMING,
    SOURCING,
    Measure,
    counts,
    own_measures,
    shares,
)
from framescope.classifier.outlets import UNNAMED, UNNAMED_MONITOR
from framescope.classifier.taxonomy import BY_NAME, NAMES, TECHNIQUES, Family, Level

SHORTEST = 60
"""Characters of a sentence below which it is no wonder that it stands elsewhere too."""

_NAMELESS = f"('{UNNAMED}', '{UNNAMED_MONITOR}')"  # what stands for a name that no page gives

_RATED = ("biased_language", "subjective", *TECHNIQUES)


@dataclass(frozen=True, slots=True)
class View:
    """A view of a run.

    Attributes
    ----------
    name, about : str
        What a row of it is, and its order.
    columns : mapping of str to str
        Each column's meaning.
    sql : str
    """

    name: str
    about: str
    columns: Mapping[str, str]
    sql: str


_WHO: Mapping[str, str] = {
    "outlet": "who published it, by name; its host where no page names it; else 'unknown'",
    "publisher": "its id in the registry; null where it isn't there",
}
_COUNTED: Mapping[str, str] = {
    "articles": "articles, those that were not scored too",
    "scored": "articles that were scored: what follows is of them",
    "texts": "different texts of them: a text counts once for the intervals",
    "sentences": "sentences that belong to the articles",
    "own_sentences": "of them, those in the article's own voice",
}
_WHERE: Mapping[str, str] = {
    "article_id": "of the tables articles, sentences, citations, spans",
    "sentence": "its number in the article, from 0",
    "input": "the file or address that it was read from",
    "line": "of that file, on which its record begins",
}


def views(signals: Sequence[str], thresholds: Mapping[str, float]) -> tuple[View, ...]:
    """Give the ready views of a run.

    Parameters
    ----------
    signals : sequence of str
        That the run gives.
    thresholds : mapping of str to float
        The probability from which each is flagged.
    """
    measured = (*FRAMING, *SOURCING, *ARTICLES, *own_measures(signals))
    names = _names(measured)
    by_outlet = f"""
        WITH met AS (
            SELECT outlet_key, any_value(outlet) AS outlet, any_value(publisher) AS publisher,
                any_value(told_by) AS told_by, count(*) AS articles,
                min(day) AS first_day, max(day) AS last_day
            FROM published GROUP BY outlet_key
        ), shared AS ({shares(("outlet_key",), measured)})
        SELECT outlet, publisher, told_by, articles, coalesce(scored, 0) AS scored,
            coalesce(texts, 0) AS texts, coalesce(sentences, 0) AS sentences,
            coalesce(own_sentences, 0) AS own_sentences, first_day, last_day, {names}
        FROM met LEFT JOIN shared USING (outlet_key) ORDER BY articles DESC, outlet"""
    by_day = f"""
        WITH met AS (
            SELECT day, outlet_key, any_value(outlet) AS outlet, any_value(publisher) AS publisher,
                count(*) AS articles
            FROM published GROUP BY day, outlet_key
        ), shared AS ({shares(("day", "outlet_key"), measured)})
        SELECT met.day, outlet, publisher, articles, coalesce(scored, 0) AS scored,
            coalesce(texts, 0) AS texts, coalesce(sentences, 0) AS sentences,
            coalesce(own_sentences, 0) AS own_sentences, {names}
        FROM met LEFT JOIN shared ON met.outlet_key = shared.outlet_key
            AND met.day IS NOT DISTINCT FROM shared.day
        ORDER BY met.day, articles DESC, outlet"""
    sourcing_map = f"""
        WITH met AS (
            SELECT outlet_key, any_value(outlet) AS outlet, any_value(publisher) AS publisher,
                sum(claims)::BIGINT AS claims
            FROM published WHERE note IS NULL GROUP BY outlet_key
        ), shared AS ({shares(("outlet_key",), CLAIMS)})
        SELECT outlet, publisher, scored, texts, claims, {_names(CLAIMS)}
        FROM met JOIN shared USING (outlet_key) ORDER BY claims DESC, outlet"""
    shared = {**_COUNTED, "first_day": "of its articles", "last_day": "of its articles"}
    return (
        View(
            "by_outlet",
            "an outlet a row, the most articles first",
            {
                **_WHO,
                "told_by": "what says who published it: registry, page, address, nothing",
                **shared,
                **_meanings(measured),
            },
            by_outlet,
        ),
        View(
            "by_day",
            "a day and outlet a row, in order; articles without a date have a null day",
            {
                "day": "of publication, as the page has it",
                **_WHO,
                **_COUNTED,
                **_meanings(measured),
            },
            by_day,
        ),
        View(
            "most_flagged",
            "a sentence with framing flags a row, the most and strongest first; in any voice",
            {
                "framing": "how many framing signals are flagged, a technique each",
                "strength": "mean of (score - threshold) / (1 - threshold) over them",
                "flags": "which",
                "voice": "whose words: own, reported, quoted",
                "text": "the sentence",
                "title": "its article's",
                "url": "its article's",
                "day": "its article's",
                **_WHO,
                **_WHERE,
            },
            _most_flagged(signals, thresholds),
        ),
        View(
            "sourcing_map",
            "an outlet a row: its claims, and who stands behind them; the most claims first",
            {
                **_WHO,
                "scored": _COUNTED["scored"],
                "texts": _COUNTED["texts"],
                "claims": "sentences that state something checkable",
                **_meanings(CLAIMS),
            },
            sourcing_map,
        ),
        View(
            "repeated_text",
            "a text, or a sentence of different texts, in several articles a row; the most first",
            {
                "kind": f"text: a whole article; sentence: one of {SHORTEST} characters or more",
                "text": "the sentence, or the article's title or first sentence",
                "articles": "that it stands in",
                "outlets": "that published them",
                "first_day": "of the articles that have a date",
                "last_day": "of the articles that have a date",
                "first_outlet": "who published it on the first day; no proof that it began there",
                "first_url": "of that article",
                "first_article_id": "of that article",
            },
            _REPEATED,
        ),
        View(
            "who_cites_whom",
            "an outlet and whom it cites a row, in the most sentences first",
            {
                **_WHO,
                "cited": "the source's name, as most of these sentences have it",
                "cited_id": "its id in the registry; null where it is no outlet there",
                "kind": "how it is given: named; unnamed or vague where a state or outlet is meant",
                "government": "whether a government or office-holder speaks in any of them",
                "state_media": "whether an outlet that a state owns and controls does",
                "itself": "whether the outlet cites itself",
                "sentences": "that cite it",
                "articles": "with such a sentence",
            },
            _WHO_CITES_WHOM,
        ),
    )


def create(signals: Sequence[str], thresholds: Mapping[str, float]) -> Iterator[str]:
    """Give the statements that make the views, over the tables of a run."""
    yield f"CREATE VIEW published AS {_PUBLISHED}"
    yield f"CREATE VIEW content_sentences AS {_content_sentences(signals)}"
    yield f"CREATE VIEW article_counts AS {counts(signals)}"
    for view in views(signals, thresholds):
        yield f"CREATE VIEW {view.name} AS {view.sql}"


def _names(measures: Sequence[Measure]) -> str:
    return ", ".join(f"{m.name}, {m.name}_low, {m.name}_high, {m.name}_n" for m in measures)


def _meanings(measures: Sequence[Measure]) -> dict[str, str]:
    found = {}
    for one in measures:
        found[one.name] = one.meaning
        found[f"{one.name}_low"] = "lower end of its 95% interval; null from one text alone"
        found[f"{one.name}_high"] = "upper end"
        found[f"{one.name}_n"] = "of how many it is the share"
    return found


# Who published an article: by the registry's id, by what the page says, by the host of its address.
# Outlets that are one by id may be written in several ways: the way of most articles is shown.
_PUBLISHED = rf"""
    WITH named AS (
        SELECT *, nullif(trim(coalesce(
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
        SELECT outlet_key, arg_max(given, (n, given)) AS label FROM (
            SELECT outlet_key, given, count(*) AS n FROM keyed
            WHERE given IS NOT NULL GROUP BY ALL
        ) GROUP BY outlet_key
    )
    SELECT k.* EXCLUDE (outlet, given),
        coalesce(s.label, k.publisher, k.host, 'unknown') AS outlet,
        CASE WHEN k.publisher IS NOT NULL THEN 'registry' WHEN k.given IS NOT NULL THEN 'page'
            WHEN k.host IS NOT NULL THEN 'address' ELSE 'nothing' END AS told_by
    FROM keyed k LEFT JOIN spelt s USING (outlet_key)"""


def _content_sentences(signals: Collection[str]) -> str:
    """Leave out what belongs to the page around an article, where a model tells."""
    only = "WHERE list_contains(s.flags, 'content')" if "content" in signals else ""
    scored = "(SELECT article_id FROM articles WHERE note IS NULL)"
    return f"SELECT s.* FROM sentences s SEMI JOIN {scored} a USING (article_id) {only}"


def _most_flagged(signals: Sequence[str], thresholds: Mapping[str, float]) -> str:
    own = (one.name for one in own_measures(signals) if one.family is Family.FRAMING)
    sentences = (name for name in own if BY_NAME[name].level is not Level.ARTICLE)
    rated = [name for name in (*_RATED, *sentences) if name in signals]
    flags = ", ".join(f"'{name}'" for name in rated)
    excess = ", ".join(
        f"CASE WHEN list_contains(s.flags, '{name}') THEN "
        f"({name} - {min(thresholds[name], 0.999999)}) / {1 - min(thresholds[name], 0.999999)} END"
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
            FROM content_sentences s
        ) f JOIN published a USING (article_id) LEFT JOIN inputs i USING (input_id)
        WHERE len(f.found) > 0
        ORDER BY framing DESC, strength DESC NULLS LAST, article_id, sentence"""


# Sentences of copies of one text are no news: a sentence counts where different texts hold it. By
# their hashes first, so that only what is repeated has to be held.
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
        WHERE length(s.text) >= {SHORTEST}
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
    SELECT kind, arg_min(text, (coalesce(day, DATE '9999-12-31'), article_id)) AS text,
        count(DISTINCT article_id) AS articles, count(DISTINCT outlet_key) AS outlets,
        min(day) AS first_day, max(day) AS last_day,
        arg_min(outlet, (coalesce(day, DATE '9999-12-31'), article_id)) AS first_outlet,
        arg_min(url, (coalesce(day, DATE '9999-12-31'), article_id)) AS first_url,
        arg_min(article_id, (coalesce(day, DATE '9999-12-31'), article_id)) AS first_article_id
    FROM found GROUP BY kind, what
    ORDER BY articles DESC, outlets DESC, kind DESC, first_article_id, text"""

# An outlet is one by its id, whatever it is called; anybody else by the name, as it is written.
_WHO_CITES_WHOM = """
    WITH met AS (
        SELECT c.article_id, c.sentence, c.name, c.kind,
            coalesce(c.government, false) AS government,
            coalesce(c.state_media, false) AS state_media,
            unnest(CASE WHEN len(c.outlets) > 0 THEN c.outlets ELSE [NULL] END) AS cited_id
        FROM citations c SEMI JOIN content_sentences s USING (article_id, sentence)
        WHERE c.kind = 'named' OR c.government OR c.state_media OR len(c.outlets) > 0
    ), keyed AS (
        SELECT m.*, coalesce(nullif(trim(m.name), ''), cited_id, kind) AS called,
            coalesce('id:' || cited_id, 'name:' || lower(called)) AS cited_key,
            a.outlet_key, a.outlet, a.publisher
        FROM met m JOIN published a USING (article_id)
    ), spelt AS (
        SELECT cited_key, arg_max(called, (n, called)) AS cited FROM (
            SELECT cited_key, called, count(*) AS n FROM keyed GROUP BY ALL
        ) GROUP BY cited_key
    )
    SELECT any_value(outlet) AS outlet, any_value(publisher) AS publisher,
        any_value(cited) AS cited, any_value(cited_id) AS cited_id, kind,
        bool_or(government) AS government, bool_or(state_media) AS state_media,
        coalesce(any_value(publisher) = any_value(cited_id), false) AS itself,
        count(DISTINCT (article_id, sentence)) AS sentences,
        count(DISTINCT article_id) AS articles
    FROM keyed JOIN spelt USING (cited_key)
    GROUP BY outlet_key, cited_key, kind
    ORDER BY sentences DESC, outlet, cited, kind"""
