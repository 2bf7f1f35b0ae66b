"""CSV: a sheet of sentences with a column a question, and sheets of spans and of citations.

RFC 4180, UTF-8 with a byte order mark, which Excel asks for. Cells: 1, 0, a number between, or
nothing, which is "not annotated". Sheets come back with commas, semicolons or tabs. Words are
shown for people, behind an apostrophe where a spreadsheet would take them for a formula; a row of
spans or citations may have the words alone, where they stand in the sentence once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from framescope.classifier.records import Article, MarkedCitation, Place
from framescope.training.annotation.marking import (
    FLAGS,
    LOOKED,
    NO,
    YES,
    Marked,
    Marking,
    MarkRole,
    to_marking,
)
from framescope.training.annotation.scheme import Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment, Labelling
from framescope.training.annotation.tool import README, File, Gathered, Returned, Tool

TITLE = "CSV"
SENTENCES, ARTICLES, SPANS, CITATIONS = "sentences", "articles", "spans", "citations"
"""The sheets; what a model says of the last two stands in sheets of its own."""
_MODEL = "model: "
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PIECE = re.compile(r"(\d+)-(\d+)")
_LONGEST = 30_000  # characters of a cell, of which spreadsheets take 32,767
_PARTS = (MarkRole.SOURCE, MarkRole.CUE, MarkRole.ANTECEDENT)

_STEPS = """\
1. Open `sentences.csv` in a spreadsheet: a row a sentence, a column a question. Write 1 or 0; an
   empty cell is "not annotated". Columns that begin with "model:" are what the model says, to see.
2. In `spans.csv` add a row for marked words: article, sentence, signal, words. In `citations.csv`
   one for who says what: article, sentence, source, cue, content, kind; pieces of a content stand
   apart by " / ". Leave the columns of places empty: the words are looked up.
3. Save as CSV, in UTF-8, and run
   `framescope annotate import FOLDER --from csv --output labels.jsonl`.
"""


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write the sheets, and what to do with them."""
    asked = [one.name for one in scheme.of_sentences]
    models = any(task.predicted is not None for task in tasks)
    found = [f"{_MODEL}{name}" for name in asked if name != LOOKED] if models else []
    heads = ["article", "sentence", "annotator", "place", "text", *asked, *found]
    rows = [row for task in tasks for row in _sentence_rows(task, asked, models=models)]
    files = {f"{SENTENCES}.csv": _sheet(heads, rows), README: guidance(scheme, _STEPS)}
    if scheme.of_article:
        names = [one.name for one in scheme.of_article]
        heads = ["article", "title", *names, *(f"{_MODEL}{name}" for name in names if models)]
        rows = [_article_row(task, names, models=models) for task in tasks]
        files[f"{ARTICLES}.csv"] = _sheet(heads, rows)
    whose = {"": [task.labelled[0] if task.labelled else None for task in tasks]}
    if models:
        whose["model-"] = [task.predicted for task in tasks]
    for prefix, given in whose.items():
        pairs = [(task, one) for task, one in zip(tasks, given, strict=True) if one is not None]
        if scheme.techniques:
            heads = ["article", "sentence", "signal", "words", "place"]
            rows = [row for task, one in pairs for row in _span_rows(task, one)]
            files[f"{prefix}{SPANS}.csv"] = _sheet(heads, rows)
        if scheme.citations:
            rows = [row for task, one in pairs for row in _citation_rows(task, one)]
            files[f"{prefix}{CITATIONS}.csv"] = _sheet(_citation_heads(), rows)
    return files


def _sheet(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(heads)
    writer.writerows(rows)
    return ("\ufeff" + file.getvalue()).encode()


def _shown(words: str) -> str:
    """Give words as a cell that no spreadsheet takes for a formula, and on one line."""
    words = " ".join(words.split())[:_LONGEST]
    return f"'{words}" if _FORMULA.match(words) else words


def _cell(answer: str) -> str:
    return {YES: "1", NO: "0"}.get(answer, answer)


def _sentence_rows(task: Assignment, asked: Sequence[str], *, models: bool) -> Iterator[list[Any]]:
    labelled = to_marking(task.labelled[0]).marks if task.labelled else ()
    scores = task.predicted.scores if task.predicted is not None else {}
    said = to_marking(task.predicted).marks if task.predicted is not None else ()
    for at, unit in enumerate(task.article.units or ()):
        answers = labelled[at].answers if labelled else {}
        words = task.article.text[unit.start : unit.end]
        by = task.labelled[0].by if task.labelled else None
        row = [task.article.id, at, by or "", f"{unit.start}-{unit.end}", _shown(words)]
        row += [_cell(answers.get(name, "")) for name in asked]
        if models:
            found = said[at].answers if said else {}
            row += [
                _score(scores.get((at, name)), found.get(name, ""))
                for name in asked
                if name != LOOKED
            ]
        yield row


def _score(score: float | None, answer: str) -> str:
    return _cell(answer) if score is None else f"{score:.3f}"


def _article_row(task: Assignment, names: Sequence[str], *, models: bool) -> list[Any]:
    answers = to_marking(task.labelled[0]).answers if task.labelled else {}
    row = [task.article.id, _shown(task.article.title or "")]
    row += [_cell(answers.get(name, "")) for name in names]
    if models:
        found = to_marking(task.predicted) if task.predicted is not None else Marking()
        row += [_score(found.scores.get(name), found.answers.get(name, "")) for name in names]
    return row


def _at(task: Assignment, place: int) -> int | str:
    units = task.article.units or ()
    return next((at for at, unit in enumerate(units) if unit.start <= place < unit.end), "")


def _span_rows(task: Assignment, labelling: Labelling) -> Iterator[list[Any]]:
    text = task.article.text
    for one in labelling.spans:
        words = _shown(text[one.start : one.end])
        yield [task.article.id, _at(task, one.start), one.signal, words, f"{one.start}-{one.end}"]


def _citation_heads() -> list[str]:
    parts = [MarkRole.SOURCE, MarkRole.CUE, MarkRole.CONTENT, MarkRole.ANTECEDENT]
    return ["article", "sentence", *parts, "kind", *FLAGS, *(f"{part} place" for part in parts)]


def _citation_rows(task: Assignment, labelling: Labelling) -> Iterator[list[Any]]:
    text = task.article.text
    for at, unit in enumerate(labelling.units):
        for one in unit.citations or ():
            pieces = _places(one)
            words = [
                " / ".join(_shown(text[place.start : place.end]) for place in places)
                for places in pieces
            ]
            where = [" ".join(f"{place.start}-{place.end}" for place in found) for found in pieces]
            flags = ["1" if getattr(one, flag) else "" for flag in FLAGS]
            yield [task.article.id, at, *words, one.kind or "", *flags, *where]


def _places(one: MarkedCitation) -> list[tuple[Place, ...]]:
    alone = [one.source, one.cue, one.antecedent]
    source, cue, antecedent = (() if place is None else (place,) for place in alone)
    return [source, cue, one.content, antecedent]


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read the sheets: that of sentences, and those of the rest where they are there."""
    found: list[Returned] = []
    names: dict[str, str] = {}  # who labelled an article: said in one sheet, meant in all
    readers = {SENTENCES: _sentence, ARTICLES: _article, SPANS: _span, CITATIONS: _citation}
    for file in given.of(".csv"):
        reader = readers.get(file.stem)
        if reader is None and file.stem.startswith("model-"):
            continue
        rows = list(_rows(file))
        if file.stem == SENTENCES and not rows:
            raise AnnotationError(f"{file.name}: holds no rows; save the whole sheet again")
        for number, (where, row) in enumerate(rows):
            if reader is None and {"article", "place", "text"} <= row.keys():
                reader = _sentence  # under another name
            if reader is None:
                raise AnnotationError(
                    f"{file.name}: none of our sheets; they are called "
                    f"{', '.join(f'{name}.csv' for name in readers)}"
                )
            article = given.article(row.get("article", ""), where)
            part = f"{reader.__name__} {row.get('place') if reader is _sentence else number}"
            by = row.get("annotator", "").strip()
            if by and names.setdefault(article.id, by) != by:
                raise AnnotationError(
                    f"{where}: article '{article.id}' has two annotators ({names[article.id]} and "
                    f"{by}); give each sheets of their own, and import them apart"
                )
            found.append(Returned(article, reader(row, article, where), part, where))
    return [
        replace(one, marking=replace(one.marking, by=names.get(one.article.id))) for one in found
    ]


def _rows(file: File) -> Iterator[tuple[str, dict[str, str]]]:
    text = file.text()
    head = text.partition("\n")[0]
    # The heads are ours and hold none of these but to part them.
    delimiter = max(",;\t", key=head.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heads = [one.strip() for one in next(lines, [])]
        if "article" not in heads or ("sentence" not in heads and "title" not in heads):
            raise AnnotationError(
                f"{file.name}: has no columns 'article' and 'sentence'; is it a sheet that "
                "`annotate export --to csv` wrote?"
            )
        for row in lines:
            where = f"{file.name}, line {lines.line_num}"
            if any(cell.strip() for cell in row):
                if len(row) > len(heads) and any(cell.strip() for cell in row[len(heads) :]):
                    raise AnnotationError(f"{where}: has more cells than there are columns")
                yield where, dict(zip(heads, row, strict=False))
    except csv.Error as error:
        raise AnnotationError(
            f"{file.name}, line {lines.line_num}: damaged CSV ({error}); save it as CSV again"
        ) from None


def _answers(row: Mapping[str, str], but: Sequence[str]) -> dict[str, str]:
    found = {}
    for name, cell in row.items():
        value = cell.strip().lower().replace(",", ".")
        if name and name not in but and not name.startswith(_MODEL) and value:
            found[name] = {"1": YES, "0": NO, "1.0": YES, "0.0": NO}.get(value, value)
    return found


def _sentence(row: Mapping[str, str], article: Article, where: str) -> Marking:
    place = _piece(row.get("place", ""), where)
    answers = _answers(row, ("article", "sentence", "annotator", "place", "text"))
    mark = Marked(
        f"s{place.start}", MarkRole.SENTENCE, place.start, place.end, "", answers, name="it"
    )
    return Marking((mark,))


def _article(row: Mapping[str, str], article: Article, where: str) -> Marking:
    return Marking(answers=_answers(row, ("article", "title")))


def _span(row: Mapping[str, str], article: Article, where: str) -> Marking:
    signal, cell = row.get("signal", "").strip(), row.get("place", "")
    place = _found(row.get("words", ""), cell, row, article, f"{where}, words")
    name = f"p{where}"
    return Marking((Marked(name, MarkRole.SPAN, place.start, place.end, signal, name="words"),))


def _citation(row: Mapping[str, str], article: Article, where: str) -> Marking:
    words = row.get(MarkRole.CONTENT, "").split(" / ")
    cells = row.get(f"{MarkRole.CONTENT} place", "").split()
    if cells and len(cells) != len(words):
        words = [""] * len(cells)
    asked = ("kind", *FLAGS)
    answers = _answers({name: row.get(name, "") for name in asked}, ())
    marks: list[Marked] = []
    pieces = [
        (MarkRole.CONTENT, word, cells[at] if cells else "") for at, word in enumerate(words)
    ] + [(role, row.get(role, ""), row.get(f"{role} place", "")) for role in _PARTS]
    for at, (role, word, cell) in enumerate(pieces):
        if word.strip() or cell.strip():
            place = _found(word, cell, row, article, f"{where}, {role}",
                           anywhere=role in (MarkRole.SOURCE, MarkRole.ANTECEDENT))  # fmt: skip
            mark = Marked(f"{where} {at}", role, place.start, place.end,
                        answers=answers if at == 0 else {}, name=role)  # fmt: skip
            marks.append(mark)
    if not marks or marks[0].role is not MarkRole.CONTENT:
        raise AnnotationError(f"{where}: a citation without content; write what is handed over")
    return Marking(tuple(marks), tuple((marks[0].id, mark.id) for mark in marks[1:]))


def _piece(cell: str, where: str) -> Place:
    found = _PIECE.fullmatch(cell.strip())
    if found is None:
        raise AnnotationError(
            f"{where}: '{cell}' is no place; it is written 29-63, and some spreadsheets make a "
            "date of it: format the column as text"
        )
    return Place(int(found[1]), int(found[2]))


def _found(
    words: str,
    cell: str,
    row: Mapping[str, str],
    article: Article,
    where: str,
    anywhere: bool = False,
) -> Place:
    """Give the place of a row's words: as it says, or where they stand once in the sentence."""
    if cell.strip():
        place = _piece(cell, where)
        shown = _shown(article.text[place.start : place.end])
        if words.strip() and shown.lstrip("'") != _shown(words).lstrip("'"):
            raise AnnotationError(
                f"{where}: '{words[:40]}' doesn't stand at {cell}; empty the cell of the place, "
                "and the words are looked up"
            )
        return place
    at = row.get("sentence", "").strip()
    units = article.units or ()
    if not at.isdigit() or int(at) >= len(units):
        raise AnnotationError(f"{where}: '{at}' is the number of no sentence of '{article.id}'")
    pattern = re.compile(r"\s+".join(map(re.escape, words.removeprefix("'").split())))
    start, end = (units[int(at)].start, units[int(at)].end)
    found = list(pattern.finditer(article.text, start, end))
    if not found and anywhere:
        found = list(pattern.finditer(article.text))
    if len(found) != 1 or found[0].start() == found[0].end():
        many = "not once" if not found else f"{len(found)} times"
        raise AnnotationError(
            f"{where}: '{words[:40]}' stands in sentence {at} {many}; write its place, as 29-63"
        )
    return Place(found[0].start(), found[0].end())


TOOL = Tool(
    "csv",
    TITLE,
    write,
    read,
    apart=True,
    soft=True,
    lacks=("a sentence's line ends and double spaces, in the column that shows it",),
)
