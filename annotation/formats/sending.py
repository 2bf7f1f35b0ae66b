"""Articles out to a tool: read with their labels and a model's, written as the tool's folder."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from annotation.formats.scheme import limited, scheme_for
from annotation.formats.task import (
    AnnotationError,
    Labelling,
    Task,
    articles_file,
    bare,
    labelling_of,
)
from annotation.formats.tool import ARTICLES, Tool
from classifier import taxonomy
from classifier.errors import InputError
from classifier.pages import (
    InputOptions,
    from_record,
    read_citations,
    read_input,
)
from classifier.taxonomy import Level
from classifier.values import Article, MarkedCitation, Skipped, Span, Unit, Voice

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
        kept.append(Task(task.article, labelled, predicted))
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


def _tasks(sending: Sending) -> Iterator[Task]:
    """Read all articles, one task each, with the labels of all who labelled it."""
    tasks: dict[str, Task] = {}
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
        found = list(_scored(found, sending))
    yield from found


def _chosen(task: Task, sending: Sending) -> Task:
    labelled, predicted = task.labelled, task.predicted if sending.predictions else None
    if sending.annotator is not None:
        labelled = tuple(one for one in labelled if one.by == sending.annotator)
        if task.labelled and not labelled:
            names = ", ".join(str(one.by) for one in task.labelled)
            raise AnnotationError(
                f"article '{task.article.id}': '{sending.annotator}' has not labelled it; "
                f"those who have: {names}"
            )
    return Task(task.article, labelled, predicted)


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


def _task(article: Article, record: Mapping[str, Any] | None, by: str | None) -> Task:
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
    return Task(plain, (labelling,) if labelling.says_something else (), predicted)


def found_in(record: Mapping[str, Any], units: Sequence[Unit]) -> Labelling | None:
    """Read what a model found from a record that `score --format jsonl` wrote.

    Parameters
    ----------
    record : mapping
        Whose labels are known to be good.
    units : sequence of Unit
        Its sentences.

    Returns
    -------
    Labelling or None
        None where the record carries no scores. A signal is yes where it is flagged, else no.
    """
    report = record.get("report")
    sentences = record.get("sentences") or []
    if not isinstance(report, dict) or len(sentences) != len(units):
        return None
    scores: dict[tuple[int, str], float] = {}
    found: list[Unit] = []
    for at, (sentence, unit) in enumerate(zip(sentences, units, strict=True)):
        given = _numbers(sentence.get("scores"))
        scores |= {(at, name): value for name, value in given.items()}
        flags = _names(sentence.get("flags"))
        voice = sentence.get("voice")
        found.append(
            Unit(
                unit.start,
                unit.end,
                {name: float(name in flags) for name in given},
                Voice(voice) if voice in list(Voice) and given else None,
                _citations(sentence, len(str(record["text"]))) if given else None,
            )
        )
    of_article = _numbers(report.get("scores"))
    scores |= {(-1, name): value for name, value in of_article.items()}
    if not scores:
        return None
    flags = _names(report.get("flags"))
    labels = {name: float(name in flags) for name in of_article}
    model = report.get("model")
    spans = tuple(_spans(record.get("spans"), len(str(record["text"]))))
    return Labelling(tuple(found), spans, labels, str(model) if model else None, scores)


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {
        name: float(number)
        for name, number in value.items()
        if name in taxonomy.BY_NAME and isinstance(number, int | float)
    }


def _names(value: Any) -> frozenset[str]:
    """Read flags: their names, or as version 0.1 wrote them, each with 0 or 1."""
    if isinstance(value, dict):
        return frozenset(name for name, flag in value.items() if flag)
    return frozenset(value) if isinstance(value, list) else frozenset()


def _citations(sentence: Mapping[str, Any], length: int) -> tuple[MarkedCitation, ...]:
    """Read who a model found cited: those that an annotator may mark so."""
    found: list[dict[str, Any]] = []
    for item in sentence.get("citations") or ():
        mine = {key: value for key, value in item.items() if key != "name"}
        try:
            read_citations({**sentence, "citations": [*found, mine]}, length)
        except ValueError:  # its content lies elsewhere too, or crosses another's
            continue
        found.append(mine)
    return read_citations({**sentence, "citations": found}, length) or ()


def _spans(value: Any, length: int) -> Iterator[Span]:
    for item in value if isinstance(value, list) else ():
        start, end, signal = (item.get(key) for key in ("start", "end", "signal"))
        score = item.get("score")
        known = taxonomy.BY_NAME.get(signal)
        # What speaks for a sentence's flag is evidence, and no span that anybody would mark.
        marked = score is not None and known is not None and known.level is Level.SPAN
        if marked and 0 <= start < end <= length:
            yield Span(start, end, signal, float(score))


def _scored(tasks: Sequence[Task], sending: Sending) -> Iterator[Task]:
    """Score articles with a model, and give its labels in place of those that were there."""
    from classifier import bundle
    from classifier.render import to_line
    from classifier.scoring import Scorer
    from classifier.sources import load_registry

    assert sending.model is not None
    registry = load_registry()
    loaded = bundle.load(sending.model, registry)
    scorer = Scorer(loaded, None, registry)
    reports = scorer.score(task.article for task in tasks)
    for task, report in zip(tasks, reports, strict=True):
        if isinstance(report, Skipped):
            raise InputError(report.source, report.reason)
        if report.note is not None:
            sending.tell(f"article '{task.article.id}': not scored ({report.note})")
        line = to_line(report, model=loaded.name, thresholds=scorer.thresholds)
        predicted = found_in(json.loads(line), task.article.units or ())
        yield replace(task, predicted=predicted)


# --- where it goes --------------------------------------------------------------------------------


def check_folder(path: Path, inputs: Iterable[str], *, overwrite: bool) -> None:
    """Refuse a folder that can't be made, or that holds what we didn't write, before the work.

    Raises
    ------
    InputError
    """
    if not path.absolute().parent.is_dir():
        raise InputError(path, "can't be made; give --output a folder within one that exists")
    if path.exists() and not path.is_dir():
        raise InputError(path, "is a file; give --output a folder that is to be made")
    for given in map(Path, inputs):
        try:
            within = path.exists() and given.resolve().is_relative_to(path.resolve())
        except (OSError, ValueError):
            continue
        if within:
            raise InputError(path, "holds an input; give --output another folder")
    if path.is_dir() and any(path.iterdir()):
        if not overwrite:
            raise InputError(path, "is there already; add --overwrite, or give another --output")
        if not (path / ARTICLES).is_file():
            raise InputError(path, "is no folder of ours; give --output another one")


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that appears only when it is whole."""
    path = path.absolute()
    part = path.with_name(f"{path.name}.part")
    try:
        if part.exists():
            shutil.rmtree(part)
        for name, data in files.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if path.exists():
            shutil.rmtree(path)
        part.rename(path)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(path, reason) from None
