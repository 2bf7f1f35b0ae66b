"""What is counted of every article, and the shares of groups of them with their intervals, as SQL.

Sentences of one article are alike, and so are copies of one text. What is drawn is therefore the
text, not the sentence: the share is a ratio of two sums over texts, its variance that of a ratio
over clusters, and the interval Wilson's with as many sentences as would give that variance if they
were independent, and Student's t with a degree of freedom less than there are texts (Korn and
Graubard, 1998, with Wilson's interval in the place of the exact one). Where no text or every
sentence carries the signal the variance says nothing, and each text counts for one. From one text
follows no interval.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Family, Level


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is counted of each article, and whose share is given for groups of them.

    Attributes
    ----------
    name : str
        Of the column with the share; ``name_low`` and ``name_high`` are its 95% interval.
    label, meaning : str
        What a reader sees; of what it is a share.
    family : Family
        Shares of different families are never put together.
    part, whole : str
        SQL over the sentences of an article, or its row: what has it, and what could.
    signal : str or None
        Without which it isn't known.
    of_article : bool
        Whether the SQL is over the article's row.
    """

    name: str
    label: str
    meaning: str
    family: Family
    part: str
    whole: str
    signal: str | None = None
    of_article: bool = False


def _flagged(name: str, *, own: bool) -> Measure:
    """Give the share of sentences with a flag, of those that were decided."""
    signal, voice = BY_NAME[name], "own AND " if own else ""
    of = "in the article's own voice " if own else ""
    return Measure(
        name,
        signal.label,
        f"share of the sentences {of}that are flagged: {signal.meaning}",
        signal.family,
        f"count(*) FILTER ({voice}list_contains(flags, '{name}'))",
        f"count(*) FILTER ({voice}NOT list_contains(undecided, '{name}'))",
        name,
    )


def _claimed(name: str, label: str, part: str, meaning: str, *, of_article: bool) -> Measure:
    whole = "claims" if of_article else "count(*) FILTER (claim)"
    return Measure(
        f"claims_{name}", label, f"share of the claims {meaning}", Family.SOURCING, part, whole,
        of_article=of_article,
    )  # fmt: skip


FRAMING = tuple(
    _flagged(name, own=True)
    for name in ("biased_language", "subjective", "any_technique", "loaded_language")
)
"""In the article's own voice: what it quotes is not what it says."""

SOURCING = tuple(
    _flagged(name, own=False)
    for name in (
        *("named_source", "unnamed_source", "vague_source", "unsourced_assertion"),
        *("government_attribution", "state_media_attribution"),
    )
)
"""In any voice: a sentence that cites somebody is in theirs."""


def _of_articles(name: str) -> Measure:
    """Give the share of articles with a flag, of those that were decided."""
    signal = BY_NAME[name]
    return Measure(
        name,
        signal.label,
        f"share of the articles that are flagged: {signal.meaning}",
        signal.family,
        f"list_contains(flags, '{name}')::INT",
        f"(NOT list_contains(undecided, '{name}'))::INT",
        name,
        of_article=True,
    )


ARTICLES = (_of_articles("hyperpartisan"),)

CLAIMS = (
    _claimed("named", "named", "claims_named", "with a named source", of_article=True),
    _claimed("unnamed", "unnamed", "claims_unnamed", "with an unnamed source at best",
             of_article=True),
    _claimed("vague", "vague", "claims_vague", "with a vague source at best", of_article=True),
    _claimed("nobody", "nobody", "claims_unsourced", "without any source", of_article=True),
    _claimed("government", "government",
             "count(*) FILTER (claim AND (government OR "
             "list_contains(flags, 'government_attribution')))",
             "that a government or office-holder is cited for", of_article=False),
    _claimed("state_media", "state media",
             "count(*) FILTER (claim AND (state_media OR "
             "list_contains(flags, 'state_media_attribution')))",
             "that state media are cited for", of_article=False),
)  # fmt: skip
"""The first four add up to one; a claim of any of them may be a government's, or state media's."""

MEASURES = (*FRAMING, *SOURCING, *ARTICLES, *CLAIMS)


def own_measures(signals: Iterable[str]) -> tuple[Measure, ...]:
    """Give the measures of those signals that a desk has defined itself, in their order."""
    own = [name for name in signals if name not in SHIPPED]
    return tuple(
        _of_articles(name)
        if BY_NAME[name].level is Level.ARTICLE
        else _flagged(name, own=BY_NAME[name].family is Family.FRAMING)
        for name in own
    )


# Of a ratio y / n over m texts, with the sums of their squares and products. In steps, since SQL
# has no names within an expression: its share and variance; as how many independent sentences that
# counts, and Student's t, by its expansion around the normal quantile, exact for one and two
# degrees of freedom; what both ends of the interval share.
_STEPS = (
    """y_{0} / nullif(n_{0}, 0) AS {0},
    m_{0} / nullif(m_{0} - 1, 0) * greatest(yy_{0} - 2 * y_{0} / nullif(n_{0}, 0) * yn_{0}
        + y_{0} * y_{0} / nullif(n_{0} * n_{0}, 0) * nn_{0}, 0)
        / nullif(n_{0} * n_{0}, 0) AS v_{0}""",
    """CASE WHEN v_{0} < 1e-12 OR {0} = 0 OR {0} = 1 THEN m_{0}
        ELSE least(n_{0}, {0} * (1 - {0}) / v_{0}) END AS e_{0},
    CASE WHEN m_{0} = 2 THEN 12.7062 WHEN m_{0} = 3 THEN 4.3027 WHEN m_{0} > 3 THEN 1.959964
        + 2.372271 / (m_{0} - 1) + 2.822499 / (m_{0} - 1) ** 2 + 2.555850 / (m_{0} - 1) ** 3
        + 1.589534 / (m_{0} - 1) ** 4 END AS t_{0}""",
    """({0} + t_{0} * t_{0} / (2 * e_{0})) / (1 + t_{0} * t_{0} / e_{0}) AS c_{0},
    t_{0} * sqrt({0} * (1 - {0}) / e_{0} + t_{0} * t_{0} / (4 * e_{0} * e_{0}))
        / (1 + t_{0} * t_{0} / e_{0}) AS h_{0}""",
    """CASE WHEN t_{0} IS NULL THEN NULL WHEN {0} = 0 THEN 0
        ELSE greatest(c_{0} - h_{0}, 0) END AS {0}_low,
    CASE WHEN t_{0} IS NULL THEN NULL WHEN {0} = 1 THEN 1
        ELSE least(c_{0} + h_{0}, 1) END AS {0}_high, n_{0}::BIGINT AS {0}_n""",
)


def counts(signals: Collection[str]) -> str:
    """Give the SQL that counts every scored article: a row an article.

    Parameters
    ----------
    signals : collection of str
        That the run gives. What needs another is null: it isn't known.

    Returns
    -------
    str
        Over ``published`` and ``content_sentences``. Of each measure ``p_NAME``, the sentences (or
        claims, or articles) that have it, and ``w_NAME``, those that could.
    """
    measures = (*MEASURES, *own_measures(signals))

    def known(one: Measure, sql: str) -> str:
        return sql if one.signal is None or one.signal in signals else "NULL::BIGINT"

    def columns(of_article: bool) -> str:
        return "".join(
            f", {known(one, one.part)} AS p_{one.name}, {known(one, one.whole)} AS w_{one.name}"
            for one in measures
            if one.of_article is of_article
        )

    of_sentences = "".join(
        f", coalesce(p_{one.name}, {known(one, '0')}) AS p_{one.name}"
        f", coalesce(w_{one.name}, {known(one, '0')}) AS w_{one.name}"
        for one in measures
        if not one.of_article
    )
    claim = "list_contains(flags, 'claim')" if "claim" in signals else "true"
    return f"""
        WITH cited AS (
            SELECT article_id, sentence, bool_or(government) AS government,
                bool_or(state_media) AS state_media
            FROM citations WHERE government OR state_media GROUP BY ALL
        ), told AS (
            SELECT s.article_id, s.flags, s.undecided, s.voice = 'own' AS own, {claim} AS claim,
                coalesce(c.government, false) AS government,
                coalesce(c.state_media, false) AS state_media
            FROM content_sentences s LEFT JOIN cited c USING (article_id, sentence)
        ), summed AS (
            SELECT article_id, count(*) AS sentences, count(*) FILTER (own) AS own
                {columns(False)}
            FROM told GROUP BY article_id
        )
        SELECT a.article_id, a.outlet_key, a.day, a.text_digest,
            coalesce(s.sentences, 0) AS sentences, coalesce(s.own, 0) AS own_sentences
            {columns(True)} {of_sentences}
        FROM (SELECT * EXCLUDE (sentences) FROM published WHERE note IS NULL) a
        LEFT JOIN summed s USING (article_id)"""


def shares(
    groups: Sequence[str], measures: Sequence[Measure], table: str = "article_counts"
) -> str:
    """Give the SQL of shares with their intervals: a row a group.

    Parameters
    ----------
    groups : sequence of str
        Columns of `table`; none for one row of all.
    measures : sequence of Measure
    table : str
        As of `counts`.

    Returns
    -------
    str
        With ``scored`` (articles), ``texts`` (different ones), ``sentences``, ``own_sentences``;
        and of each measure its share, ``_low`` and ``_high``, and ``_n``, of how many.
    """
    by = "".join(f"{column}, " for column in groups)
    ending = f"GROUP BY {by.rstrip(', ')}" if groups else ""
    names = [one.name for one in measures]
    texts = ", ".join(f"sum(p_{m})::DOUBLE AS y_{m}, sum(w_{m})::DOUBLE AS n_{m}" for m in names)
    sums = ", ".join(
        f"sum(y_{m}) AS y_{m}, sum(n_{m}) AS n_{m}, "
        f"(count(*) FILTER (n_{m} > 0))::DOUBLE AS m_{m}, sum(y_{m} * y_{m}) AS yy_{m}, "
        f"sum(y_{m} * n_{m}) AS yn_{m}, sum(n_{m} * n_{m}) AS nn_{m}"
        for m in names
    )
    steps = [", ".join(step.format(m) for m in names) for step in _STEPS]
    found = ", ".join(f"{m}, {m}_low, {m}_high, {m}_n" for m in names)
    return f"""
        WITH texts AS (
            SELECT {by}text_digest, count(*) AS scored, sum(sentences) AS sentences,
                sum(own_sentences) AS own_sentences, {texts}
            FROM {table} GROUP BY {by}text_digest
        ), sums AS (
            SELECT {by}sum(scored)::BIGINT AS scored, count(*) AS texts,
                sum(sentences)::BIGINT AS sentences, sum(own_sentences)::BIGINT AS own_sentences,
                {sums}
            FROM texts {ending}
        )
        SELECT {by}scored, texts, sentences, own_sentences, {found} FROM (
            SELECT *, {steps[3]} FROM (SELECT *, {steps[2]} FROM (
                SELECT *, {steps[1]} FROM (SELECT *, {steps[0]} FROM sums))))"""
