"""Labels back from a tool: pieces come together, one record an article and annotator."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framescope.classifier.output import check, opened
from framescope.classifier.records import Article
from framescope.training.annotation.marking import Marked, Marking, from_marking
from framescope.training.annotation.task import AnnotationError, record_of
from framescope.training.annotation.tool import Gathered, Returned, Tool, gathered


@dataclass(frozen=True)
class Bringing:
    """What is brought back, and where it goes.

    Attributes
    ----------
    paths : sequence of pathlib.Path
        Files, folders or archives that the tool exported.
    output : pathlib.Path or None
        None for standard output.
    annotator : str or None
        Whose labels they are, whatever the tool says.
    articles : pathlib.Path or None
        The articles as they were exported, where the tool's files don't hold them.
    overwrite : bool
    tell : callable
        Is told, a line each, what was left out.
    """

    paths: Sequence[Path]
    output: Path | None = None
    annotator: str | None = None
    articles: Path | None = None
    overwrite: bool = False
    tell: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True)
class Brought:
    """How much was: records, articles, annotators, sentences with a label, spans and citations."""

    records: int
    articles: int
    annotators: int
    sentences: int
    spans: int
    citations: int


def bring(tool: Tool, bringing: Bringing) -> Brought:
    """Read what a tool exported, and write it in the exchange format.

    Raises
    ------
    FramescopeError
        When anything of it can't be read, or holds no labels. Nothing is written then.
    """
    inputs = [str(path) for path in bringing.paths]
    check(bringing.output, inputs, overwrite=bringing.overwrite)
    given = gathered(bringing.paths, bringing.articles)
    records = brought(tool, given, bringing.annotator, bringing.tell)
    with opened(bringing.output) as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    units = [unit for record in records for unit in record["sentences"]]
    return Brought(
        len(records),
        len({record["id"] for record in records}),
        len({record.get("annotator") for record in records}),
        sum(bool(unit["labels"]) for unit in units),
        sum(len(record["spans"]) for record in records),
        sum(len(unit.get("citations") or ()) for unit in units),
    )


def brought(
    tool: Tool,
    given: Gathered,
    annotator: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Give the records: articles in the order in which they come, their annotators by name.

    Raises
    ------
    AnnotationError
        When something of it can't be read, or an article has two annotations under one name.
    """
    if not given.files:
        raise AnnotationError(f"nothing there to be read; give what {tool.title} exported")
    pieces: dict[tuple[str, str | None], list[Returned]] = {}
    seen: dict[tuple[str, str | None, str], str] = {}
    articles: dict[str, Article] = {}
    for piece in tool.read(given):
        by = annotator or piece.marking.by
        key = (piece.article.id, by, piece.part)
        if key in seen:
            whose = f"the name '{by}'" if by is not None else "no name"
            raise AnnotationError(
                f"{piece.where}: article '{piece.article.id}' has two annotations under {whose} "
                f"(the other: {seen[key]}); keep one of them, or name their annotators apart"
            )
        seen[key] = piece.where
        if articles.setdefault(piece.article.id, piece.article) != piece.article:
            raise AnnotationError(
                f"{piece.where}: another article is called '{piece.article.id}'; import them apart"
            )
        pieces.setdefault((piece.article.id, by), []).append(piece)
    order = {name: at for at, name in enumerate(articles)}
    records = []
    empty = 0
    for (name, by), found in sorted(
        pieces.items(), key=lambda item: (order[item[0][0]], item[0][1] or "")
    ):
        where = found[0].where if len(found) == 1 else f"article '{name}'"
        labelling = from_marking(_together(found, by), articles[name], where)
        if labelling.says_something:
            records.append(record_of(articles[name], labelling))
        else:
            empty += 1
    if empty:
        times = "1 annotation" if empty == 1 else f"{empty:,} annotations"
        tell(f"{times} without any label: left out")
    if not records:
        raise AnnotationError(
            f"{given.files[0].name}: holds no labels; label in {tool.title} and export it again"
        )
    return records


def _together(pieces: Sequence[Returned], by: str | None) -> Marking:
    """Put the pieces of one labelling together, whose marks may have the same ids."""
    marks: list[Marked] = []
    links: list[tuple[str, str]] = []
    answers: dict[str, str] = {}
    for number, piece in enumerate(pieces):
        prefix = f"{number}/" if len(pieces) > 1 else ""
        marks += [replace(mark, id=prefix + mark.id) for mark in piece.marking.marks]
        links += [(prefix + one, prefix + other) for one, other in piece.marking.links]
        answers |= piece.marking.answers
    return Marking(tuple(marks), tuple(links), answers, by=by)
