"""Whom a run cites: the names of its citations joined to people and outlets; and the SQL of it."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from framescope.classifier.attribution import Names, words_of
from framescope.classifier.attribution.phrases import is_place, parse
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Place, fold

SPEAKERS, IS_CALLED, ON_RECORD = "speakers", "is_called", "on_record"  # SQL names of functions
_MOST = 5_000  # different names that are joined, the most cited
_MOSTLY = 0.75  # of the citations of those who share a surname
_SIDES = "left right center centre"  # in lower case: no names at the start of a line
_ARTICLE = re.compile(r"^(?:the|an?)\s", re.IGNORECASE)
_SUFFIXES = {"jr", "jr.", "sr", "sr."}  # of another person than the name without it


def speakers(names: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Return a key of the speaker whom each name means, as names within an article are resolved.

    A surname alone means who bears it, if most citations of its bearers are of one. The key is
    empty where the words name nobody ("the", "he", "Left").
    """
    lines = {name: _ARTICLE.sub("", " ".join(fold(name).split())) for name in names}
    phrases = {name: parse(line) for name, line in lines.items()}
    cited = dict(zip(names, counts, strict=True))
    size = {name: phrase.name.count(" ") for name, phrase in phrases.items()}
    alone = [name for name, line in lines.items() if not _SUFFIXES.isdisjoint(words_of(line)[-1:])]
    # The resolution looks back: to fuller names, and of these to the one that is cited most.
    order = sorted(cited.keys() - alone, key=lambda name: (-size[name], cited[name], name))
    known = Names("\n".join([_SIDES, *(lines[name] for name in order), ""]), ())
    keys, at = dict(zip(alone, alone, strict=True)), len(_SIDES) + 1
    bearers: dict[str, Counter[str]] = defaultdict(Counter)  # of a word, by citations
    for name in order:
        phrase, place = phrases[name], Place(at, at + len(lines[name]))
        at = place.end + 1
        entity = known.named_by(place, phrase)
        if is_place(phrase.name):
            key = phrase.name  # and not somebody of that name
        elif name.upper() == name.lower():
            key = lines[name]  # a script without capitals, by which names are known
        else:
            key = entity.name if entity else phrase.name if size[name] else ""
        if size[name]:
            for word in words_of(key):
                bearers[word][key] += cited[name]
        elif entity and key == entity.name and (found := bearers.get(phrase.name.lower())):
            [(most, number)] = found.most_common(1)
            key = most if number >= _MOSTLY * found.total() else phrase.name
        keys[name] = key
    return [keys[name].casefold() for name in names]


def registry_functions(own: str | None) -> tuple[Callable[..., bool], Callable[..., Any]]:
    """Return `IS_CALLED` and `ON_RECORD`, by the registry with the outlets of a run's own file."""

    @cache
    def registry() -> Any:
        return load_registry(user=Path(own) if own and Path(own).is_file() else None)

    def is_called(name: str, ids: Sequence[str]) -> bool:
        """Whether a name is an outlet's, and not that of somebody who spoke through one."""
        called = {outlet.id for outlet in registry().called(name)}
        return any(id in called or registry().get(id) is None for id in ids)

    def on_record(id: str) -> dict[str, Any] | None:
        """Return the name and the control of an outlet."""
        outlet = registry().get(id)
        return outlet and {"name": outlet.name, "state_media": outlet.state_media}

    return is_called, on_record


# An outlet is identified by its id, and labelled by the registry alone; anybody else by the name,
# and labelled as most citations are. Who speaks through an outlet is not the outlet.
WHO_CITES_WHOM = f"""
    WITH met AS (
        SELECT c.article_id, c.sentence, c.kind, coalesce(nullif(trim(c.name), ''), c.kind) AS name,
            coalesce(c.outlets, []) AS outlets, coalesce(c.government, false) AS of_government,
            coalesce(c.state_media, false) AS of_state_media
        FROM citations c SEMI JOIN content_sentences s USING (article_id, sentence)
        WHERE c.kind = 'named' OR c.government OR c.state_media OR len(c.outlets) > 0
    ), ranked AS (
        SELECT name, count(*) AS n FROM met WHERE kind = 'named'
        GROUP BY name ORDER BY n DESC, name LIMIT {_MOST}
    ), spoken AS (
        SELECT unnest(names) AS name, 'named' AS kind, unnest({SPEAKERS}(names, counts)) AS speaker
        FROM (SELECT list(name ORDER BY n DESC, name) AS names,
                list(n ORDER BY n DESC, name) AS counts FROM ranked HAVING count(*) > 0)
    ), keyed AS (
        SELECT met.*, id AS cited_id, 'id:' || id AS cited_key FROM met, unnest(outlets) AS of(id)
        UNION ALL
        SELECT met.* REPLACE (of_state_media AND len(outlets) = 0 AS of_state_media), NULL,
            'name:' || coalesce(speaker, lower(name)) AS cited_key
        FROM met LEFT JOIN spoken USING (name, kind)
        WHERE cited_key <> 'name:' AND CASE WHEN len(outlets) = 0 THEN true
            ELSE kind = 'named' AND NOT {IS_CALLED}(name, outlets) END
    ), spelt AS (
        SELECT cited_key, any_value(cited_id) AS cited_id,
            arg_max(name, (n, length(name), name)) AS called,
            2 * sum(governments) >= sum(n) AS governed, 2 * sum(states) >= sum(n) AS steered
        FROM (
            SELECT cited_key, cited_id, name, count(*) AS n,
                count(*) FILTER (of_government) AS governments,
                count(*) FILTER (of_state_media) AS states FROM keyed GROUP BY ALL
        ) GROUP BY cited_key
    ), labelled AS (
        SELECT cited_key, coalesce(outlet.name, called) AS cited,
            governed AND cited_id IS NULL AS government,
            coalesce(outlet.state_media, cited_id IS NOT NULL AND steered) AS state_media
        FROM (SELECT *, CASE WHEN cited_id IS NOT NULL THEN {ON_RECORD}(cited_id) END AS outlet
              FROM spelt)
    )
    SELECT any_value(outlet) AS outlet, any_value(publisher) AS publisher,
        any_value(cited) AS cited, any_value(cited_id) AS cited_id, kind,
        any_value(government) AS government, any_value(state_media) AS state_media,
        coalesce(any_value(publisher) = any_value(cited_id), false) AS itself,
        count(DISTINCT (article_id, sentence)) AS sentences, count(DISTINCT article_id) AS articles,
        count(DISTINCT (article_id, sentence)) FILTER (of_government) AS government_sentences,
        count(DISTINCT (article_id, sentence)) FILTER (of_state_media) AS state_media_sentences
    FROM keyed JOIN labelled USING (cited_key)
    JOIN (SELECT article_id, outlet_key, outlet, publisher FROM published) USING (article_id)
    GROUP BY outlet_key, cited_key, kind ORDER BY sentences DESC, outlet, cited, kind"""
