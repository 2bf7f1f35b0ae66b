"""Articles out to a tool: read with their labels and a model's, written as the tool's folder."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import (
    InputOptions,
    from_record,
    read_input,
)
from framescope.classifier.records import Article, Skipped
from framescope.training.annotation.folder import check_folder, write_folder
from framescope.training.annotation.predictions import found_in, scored_by
from framescope.training.annotation.scheme import limited, scheme_for
from framescope.training.annotation.task import (
    AnnotationError,
    Assignment,
    Labelling,
    articles_file,
    bare,
    labelling_of,
)
from framescope.training.annotation.tool import ARTICLES, Tool

_FIRST_KEY = re.compile(rb'\s*\{\s*"')


@dataclass(frozen=True)
class Sending:
    """What is sent, and where.

    Attributes
    ----------
    inputs : sequence of str
        Files of the exchange format, scored or not, or anything that `score` reads.
    output : pathlib.Path
        The folder that is made.
    model : str or None
        Whose predictions are sent along; None for those that the files carry.
    signals : sequence of str or None
        None for all.
    citations : bool
    predictions : bool
        Whether any are sent along.
    annotator : str or None
        Whose labels are, where there are several; None for all.
    overwrite : bool
    reading : InputOptions
    tell : callable
        Is told, a line each, what the tool can't hold.
    """

    inputs: Sequence[str]
    output: Path
    model: str | None = None
    signals: Sequence[str] | None = None
    citations: bool = True
    predictions: bool = True
    annotator: str | None = None
    overwrite: bool = False
    reading: InputOptions = field(default_factory=InputOptions)
    tell: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True)
class Sent:
    """How much was: articles, sentences, of them labelled by people, and predicted by a model."""

    articles: int
    sentences: int
    labelled: int
    predicted: int


def send(tool: Tool, sending: Sending) -> Sent:
    """Write the folder of a tool.

    Raises
    ------
    FramescopeError
        When an input can't be read, an article is there twice, labels of several annotators go
        where one's fit, or the folder holds something else. Nothing is written then.
    """
    check_folder(sending.output, sending.inputs, overwrite=sending.overwrite)
    if sending.signals:
        taxonomy.in_order(sending.signals)
    tasks = list(_tasks(sending))
    if not tasks:
        raise InputError("input", "holds no article")
    scheme = scheme_for(tasks, sending.signals, citations=sending.citations)
    lost: Counter[str] = Counter()

    def held(labelling: Labelling, text: str) -> Labelling:
        kept: Labelling
        kept, losses = tool.losses(limited(labelling, scheme), text)
        lost.update(losses)
        if not tool.soft:
            kept, soft = _without_soft(kept)
            lost["a label between 0 and 1"] += soft
        return kept

    kept = []
    for task in tasks:
        text = task.article.text
        labelled = tuple(held(one, text) for one in task.labelled)
        predicted = task.predicted and held(task.predicted, text)
        kept.append(Assignment(task.article, labelled, predicted))
        if len(labelled) > 1 and not tool.several:
            names = ", ".join(f"'{one.by}'" for one in labelled)
            raise AnnotationError(
                f"article '{task.article.id}': has the labels of {len(labelled)} annotators "
                f"({names}), and {tool.title} takes one's; choose with --annotator NAME"
            )
    for what, count in sorted(lost.items()):
        if count:
            sending.tell(f"{tool.title} can't hold {what}: left out {count:,} times")
    if not tool.apart and any(task.predicted is not None for task in kept):
        sending.tell(
            f"{tool.title} doesn't keep a model's labels apart from a person's: what nobody looks "
            "at comes back as a label; add --no-predictions to leave them out"
        )
    files = tool.write(kept, scheme)
    named = tool.names(kept) if tool.names is not None else None
    files[ARTICLES] = articles_file(kept, named)
    write_folder(sending.output, files)
    return Sent(
        len(kept),
        sum(len(task.article.units or ()) for task in kept),
        sum(bool(task.labelled) for task in kept),
        sum(task.predicted is not None for task in kept),
    )


def _without_soft(labelling: Labelling) -> tuple[Labelling, int]:
    def hard(labels: Mapping[str, float]) -> dict[str, float]:
        return {name: value for name, value in labels.items() if value in (0, 1)}

    units = tuple(replace(unit, labels=hard(unit.labels)) for unit in labelling.units)
    labels = hard(labelling.labels)
    before = sum(len(unit.labels) for unit in labelling.units) + len(labelling.labels)
    after = sum(len(unit.labels) for unit in units) + len(labels)
    return replace(labelling, units=units, labels=labels), before - after


# --- what is read ---------------------------------------------------------------------------------


def _tasks(sending: Sending) -> Iterator[Assignment]:
    """Read all articles, one task each, with the labels of all who labelled it."""
    tasks: dict[str, Assignment] = {}
    for article, record, where in _articles(sending):
        by = record.get("annotator") if record else None
        task = _task(article, record, by if isinstance(by, str) else None)
        if "\x00" in article.text:
            raise AnnotationError(
                f"{where}: its text holds NUL characters, which no tool keeps; take them out"
            )
        known = tasks.setdefault(article.id, task)
        if known is task:
            continue
        if known.article != task.article:
            raise AnnotationError(
                f"{where}: another article is called '{article.id}'; give each an id of its own"
            )
        names = [one.by for one in known.labelled]
        if any(one.by in names for one in task.labelled) or not task.labelled:
            name = f"'{by}'" if by else "nobody named"
            raise AnnotationError(
                f"{where}: article '{article.id}' is there twice with the labels of {name}; "
                "leave one out"
            )
        labelled = (*known.labelled, *task.labelled)
        tasks[article.id] = replace(known, labelled=labelled)
    chosen = (_chosen(task, sending) for task in tasks.values())
    found = list(chosen)
    if sending.predictions and sending.model is not None:
        found = list(scored_by(sending.model, found, sending.tell))
    yield from found


def _chosen(task: Assignment, sending: Sending) -> Assignment:
    labelled, predicted = task.labelled, task.predicted if sending.predictions else None
    if sending.annotator is not None:
        labelled = tuple(one for one in labelled if one.by == sending.annotator)
        if task.labelled and not labelled:
            names = ", ".join(str(one.by) for one in task.labelled)
            raise AnnotationError(
                f"article '{task.article.id}': '{sending.annotator}' has not labelled it; "
                f"those who have: {names}"
            )
    return Assignment(task.article, labelled, predicted)


def _articles(sending: Sending) -> Iterator[tuple[Article, Mapping[str, Any] | None, str]]:
    """Read every article; of a file of the exchange format, its record too."""
    for source in sending.inputs:
        lines = _exchange_lines(source)
        if lines is not None:
            for number, record in lines:
                where = f"{source}, line {number}"
                yield from_record(record, source, number), record, where
            continue
        for item in read_input(source, sending.reading):
            if isinstance(item, Skipped):
                # Who labels half of a file takes it for the whole.
                raise InputError(item.source, item.reason)
            yield item, None, str(item.origin or item.id)


def _exchange_lines(source: str) -> Iterator[tuple[int, Mapping[str, Any]]] | None:
    """Give the records of a file of the exchange format; None of anything else."""
    path = Path(source)
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
        record = json.loads(first) if _FIRST_KEY.match(first) else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return None
    return _records(path) if "id" in record else None


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8"))
            except (ValueError, RecursionError):
                raise InputError(
                    f"{path}, line {number}", "not JSON in UTF-8; mend or remove the line"
                ) from None
            if not isinstance(record, dict):
                raise InputError(
                    f"{path}, line {number}", 'not a JSON object; write {"id": ..., "text": ...}'
                )
            yield number, record


def _task(article: Article, record: Mapping[str, Any] | None, by: str | None) -> Assignment:
    plain = bare(article)
    units = plain.units or ()
    predicted = found_in(record, units) if record is not None else None
    if predicted is not None:
        # Of a scored file the voice is the model's, and so is a list of citations that is empty.
        given = tuple(
            replace(unit, voice=None, citations=unit.citations or None)
            for unit in article.units or ()
        )
        article = replace(article, units=given)
    labelling = labelling_of(article, units, by)
    return Assignment(plain, (labelling,) if labelling.says_something else (), predicted)
