"""CSV (RFC 4180, in UTF-8 with a byte order mark): sheets of sentences, spans and citations."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.output import safe_cell
from framescope.classifier.records import Article, Unit
from framescope.training.annotation import exchange, marks
from framescope.training.annotation.exchange import File, Piece, Returned, Task
from framescope.training.annotation.marks import Mark, Marking, Question, Questions, Role

_MODEL = "model: "
_PLACE = re.compile(r"(\d+)-(\d+)")
_CELLS = {marks.YES: "1", marks.NO: "0"}
_YES_NO = {"1": marks.YES, "0": marks.NO, "1.0": marks.YES, "0.0": marks.NO}
_LONGEST = 30_000  # characters of a cell, of which spreadsheets take 32,767
_ROLES = (Role.SOURCE, Role.CUE, Role.CONTENT, Role.ANTECEDENT)
_ABOUT = ("article", "title", "sentence", "annotator", "place", "text")


def write(tasks: Sequence[Task], questions: Questions) -> dict[str, bytes]:
    """Return the sheets, and the guidance."""
    models = any(task.predicted is not None for task in tasks)
    heads = ["article", "sentence", "annotator", "place", "text"]
    heads += _asked(questions.of_sentences, models)
    files = {"sentences.csv": _sheet(heads, map(_sentence_rows, tasks))}
    if questions.of_article:
        heads = ["article", "title", *_asked(questions.of_article, models)]
        files["articles.csv"] = _sheet(heads, map(_article_rows, tasks))
    for prefix, of in (("", "labelled"), *([("model-", "predicted")] if models else ())):
        found = [article for one in tasks if (article := getattr(one, of)) is not None]
        if questions.spans:
            heads = ["article", "sentence", "signal", "words", "place"]
            files[f"{prefix}spans.csv"] = _sheet(heads, map(_span_rows, found))
        if questions.parts:
            places = [f"{role} place" for role in _ROLES]
            heads = ["article", "sentence", *_ROLES, "kind", *marks.FLAGS, *places]
            files[f"{prefix}citations.csv"] = _sheet(heads, map(_citation_rows, found))
    return {**files, exchange.README: questions.guidance("csv")}


def _asked(questions: Sequence[Question], models: bool) -> list[str]:
    names = [one.name for one in questions]
    return [*names, *(_MODEL + name for name in names if models and name != marks.LOOKED)]


def _sheet(heads: Sequence[str], rows: Iterable[Iterable[Mapping[str, Any]]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, heads, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(chain.from_iterable(rows))
    return ("\ufeff" + file.getvalue()).encode()


def _shown(words: str) -> str:
    """Return words on one line, as a cell that no spreadsheet takes for a formula."""
    return safe_cell(" ".join(words.split())[:_LONGEST])


def _cells(task: Task, at: int) -> dict[str, str]:
    """Return the answers of a sentence (-1: the article), and a model's as scores if it has any."""
    own, model = dict[str, str](), dict[str, str]()
    for article, cells in ((task.labelled, own), (task.predicted, model)):
        if article is not None:
            unit = (article.units or ())[at] if at >= 0 else Unit(0, 0, article.labels)
            answers = marks.answers_of(unit).items()
            cells.update({name: _CELLS.get(answer, answer) for name, answer in answers})
    model |= {n: f"{task.scores[at, n]:.3f}" for n in model if (at, n) in task.scores}
    return own | {_MODEL + name: cell for name, cell in model.items()}


def _sentence_rows(task: Task) -> Iterator[dict[str, Any]]:
    about = {"article": task.article.id, "annotator": task.annotator if task.labelled else ""}
    for at, unit in enumerate(task.article.units or ()):
        words = _shown(task.article.text[unit.start : unit.end])
        row = {"sentence": at, "place": f"{unit.start}-{unit.end}", "text": words}
        yield {**about, **row, **_cells(task, at)}


def _article_rows(task: Task) -> Iterator[dict[str, Any]]:
    yield {"article": task.article.id, "title": _shown(task.article.title or "")} | _cells(task, -1)


def _span_rows(article: Article) -> Iterator[dict[str, Any]]:
    for one in article.spans:
        inside = (at for at, u in enumerate(article.units or ()) if u.start <= one.start < u.end)
        words, place = _shown(article.text[one.start : one.end]), f"{one.start}-{one.end}"
        row = {"sentence": next(inside, ""), "signal": one.signal, "words": words, "place": place}
        yield {"article": article.id, **row}


def _citation_rows(article: Article) -> Iterator[dict[str, Any]]:
    for at, unit in enumerate(article.units or ()):
        for one in unit.citations or ():
            row: dict[str, Any] = {"article": article.id, "sentence": at, "kind": one.kind}
            row |= {flag: "1" for flag in marks.FLAGS if getattr(one, flag)}
            for role in _ROLES:
                given = getattr(one, role)
                places = given if role is Role.CONTENT else [given] if given else []
                row[role] = " / ".join(_shown(article.text[p.start : p.end]) for p in places)
                row[f"{role} place"] = " ".join(f"{p.start}-{p.end}" for p in places)
            yield row


def read(given: Returned) -> Iterator[Piece]:
    """Yield the rows of the sheet of sentences, and of the others that are there."""
    readers = {"sentences": _sentence, "articles": _article, "spans": _span, "citations": _citation}
    found: list[tuple[Article, Marking, str, str]] = []
    names: dict[str, str] = {}  # an annotator is named by the rows of sentences
    for file in given.of(".csv"):
        sheet = PurePosixPath(file.base).stem
        if sheet.startswith("model-"):
            continue
        for number, (where, row) in enumerate(_rows(file)):
            if sheet not in readers and {"article", "place", "text"} <= row.keys():
                sheet = "sentences"  # under another name
            if sheet not in readers:
                known = ", ".join(f"{name}.csv" for name in readers)
                raise InputError(file.name, f"unknown sheet; they are called {known}")
            article = given.article(row.get("article", ""), where)
            by = row.get("annotator", "").strip()
            if by and names.setdefault(article.id, by) != by:
                what = f"two annotators ({names[article.id]}, {by}); import their sheets separately"
                raise InputError(where, f"article '{article.id}' has {what}")
            part = f"{sheet} {row.get('place') if sheet == 'sentences' else number}"
            found.append((article, readers[sheet](row, article, where), part, where))
    for article, marking, part, where in found:
        yield Piece(article, marking, names.get(article.id), part, where)


def _rows(file: File) -> Iterator[tuple[str, dict[str, str]]]:
    text = file.text()
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        heads = [one.strip() for one in next(lines, [])]
        if "article" not in heads or not {"sentence", "title"} & set(heads):
            what = "has no columns 'article' and 'sentence'"
            raise InputError(file.name, f"{what}; is it a sheet of `annotate export`?")
        for row in lines:
            where = f"{file.name}, line {lines.line_num}"
            if any(cell.strip() for cell in row[len(heads) :]):
                raise InputError(where, "has more cells than there are columns")
            if any(cell.strip() for cell in row):
                yield where, dict(zip(heads, row, strict=False))
    except csv.Error as error:
        where = f"{file.name}, line {lines.line_num}"
        raise InputError(where, f"damaged CSV ({error}); save it as CSV again") from None


def _answers(row: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _YES_NO.get(value, value)
        for name, cell in row.items()
        if name and name not in _ABOUT and not name.startswith(_MODEL)
        if (value := cell.strip().lower().replace(",", "."))
    }


def _sentence(row: Mapping[str, str], article: Article, where: str) -> Marking:
    place = _place(row.get("place", ""), where)
    return Marking((Mark("s", Role.SENTENCE, *place, answers=_answers(row)),))


def _article(row: Mapping[str, str], article: Article, where: str) -> Marking:
    return Marking(answers=_answers(row))


def _span(row: Mapping[str, str], article: Article, where: str) -> Marking:
    place = _found(row.get("words", ""), row.get("place", ""), "words", row, article, where)
    return Marking((Mark("p", Role.SPAN, *place, row.get("signal", "").strip()),))


def _citation(row: Mapping[str, str], article: Article, where: str) -> Marking:
    answers = _answers({name: row.get(name, "") for name in ("kind", *marks.FLAGS)})
    parts: list[Mark] = []
    for role in (Role.CONTENT, Role.SOURCE, Role.CUE, Role.ANTECEDENT):
        words, cells = row.get(role, ""), row.get(f"{role} place", "").split()
        pieces = words.split(" / ") if role is Role.CONTENT else [words]
        if cells and len(cells) != len(pieces):
            pieces = [""] * len(cells)
        for piece, cell in zip(pieces, cells or [""] * len(pieces), strict=True):
            if piece.strip() or cell:
                place = _found(piece, cell, role, row, article, where)
                parts.append(Mark(str(len(parts)), role, *place, answers={} if parts else answers))
    if not parts or parts[0].role is not Role.CONTENT:
        raise InputError(where, "a citation without content; write what is handed over")
    return Marking(tuple(parts), tuple(("0", part.id) for part in parts[1:]))


def _place(cell: str, where: str) -> tuple[int, int]:
    if (found := _PLACE.fullmatch(cell.strip())) is None:
        what = f"'{cell}' is no place; it is written 29-63, and some spreadsheets make a date of it"
        raise InputError(where, f"{what}: format the column as text")
    return int(found[1]), int(found[2])


def _found(
    words: str, cell: str, role: str, row: Mapping[str, str], article: Article, where: str
) -> tuple[int, int]:
    """Return the place of a row's words: as it says, or where they stand once in the sentence."""
    where = f"{where}, {role}"
    if cell.strip():
        start, end = _place(cell, where)
        shown = _shown(article.text[start:end])
        if words.strip() and shown.lstrip("'") != _shown(words).lstrip("'"):
            what = f"'{words[:40]}' doesn't stand at {cell}"
            raise InputError(where, f"{what}; empty that cell, and the words are looked up")
        return start, end
    at, units = row.get("sentence", "").strip(), article.units or ()
    if not at.isdigit() or int(at) >= len(units):
        raise InputError(where, f"'{article.id}' has no sentence with the number '{at}'")
    pattern = re.compile(r"\s+".join(map(re.escape, words.removeprefix("'").split())))
    unit = units[int(at)]
    found = [one.span() for one in pattern.finditer(article.text, unit.start, unit.end)]
    if not found and role in (Role.SOURCE, Role.ANTECEDENT):
        found = [one.span() for one in pattern.finditer(article.text)]
    if len(found) != 1 or found[0][0] == found[0][1]:
        times = f"{len(found)} times" if found else "not once"
        what = f"'{words[:40]}' stands in sentence {at} {times}"
        raise InputError(where, f"{what}; write its place, as 29-63")
    return found[0]


FORMAT = exchange.Format("CSV", write, read, soft=True)
