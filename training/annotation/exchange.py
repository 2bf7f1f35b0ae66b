"""Articles out to an annotation tool, and its labels back, by way of `Marking`."""

import io
import json
import re
import shutil
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from framescope.classifier import output as outputs
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_citations, read_input, to_record
from framescope.classifier.inputs.exchange import parse_json, read_record
from framescope.classifier.records import Article, Skipped, Span, counted
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.annotation import marks
from framescope.training.annotation.marks import Mark, Marking, Questions, Role
from framescope.training.labels.reading import ANNOTATOR, read_records

ARTICLES = "articles.jsonl"  # without labels, in every folder: what labels come back to
README = "README.md"
_MOST_BYTES = 1_000_000_000  # of an archive, unpacked
_AS_SENT = "; annotate and import the articles that were exported"

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """An article to be labelled, with a person's and a model's labels, and its scores by place."""

    article: Article
    labelled: Article | None = None
    annotator: str | None = None
    predicted: Article | None = None
    model: str | None = None
    scores: Mapping[tuple[int, str], float] = field(default_factory=dict)

    @property
    def begun(self) -> Article:
        """What an annotator starts from: a person's labels, completed by the model's."""
        own, model = self.labelled, self.predicted
        if own is None or model is None:
            return own or model or self.article
        units = tuple(
            replace(one, labels={**two.labels, **one.labels}, voice=one.voice or two.voice,
                    citations=two.citations if one.citations is None else one.citations)
            for one, two in zip(own.units or (), model.units or (), strict=True)
        )  # fmt: skip
        # A person who has marked any span is taken to have looked for all.
        spans, labels = own.spans or model.spans, {**model.labels, **own.labels}
        return replace(own, units=units, spans=spans, labels=labels)


class File(NamedTuple):
    """A file that a tool exported; `name` is that of messages."""

    name: str
    data: bytes

    @property
    def base(self) -> str:
        """The last part of its name."""
        return re.split(r"[\\/!]", self.name)[-1]

    def text(self) -> str:
        """Return it as UTF-8 without a byte order mark, or raise `InputError`."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            reason = "not UTF-8; convert it (iconv -t UTF-8), or export it again"
            raise InputError(self.name, reason) from None

    def lines(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the JSON value of each line."""
        # Not by splitlines, which cuts at U+2028 within a value too.
        for number, line in enumerate(self.text().split("\n"), start=1):
            if line.strip():
                where = f"{self.name}, line {number}"
                yield where, parse_json(line, where, "export it again")


class Piece(NamedTuple):
    """Some labels of an article; two with the same annotator and `part` contradict each other."""

    article: Article
    marking: Marking
    annotator: str | None
    part: str
    where: str


class Returned(NamedTuple):
    """The files that a tool exported, and the articles that were sent, by id."""

    files: tuple[File, ...]
    articles: Mapping[str, Article]

    def of(self, suffix: str) -> list[File]:
        """Return the files with a suffix; raise `InputError` when there are none."""
        found = [one for one in self.files if one.base.lower().endswith(suffix)]
        if not found:
            name = self.files[0].name if len(self.files) == 1 else "the given files"
            raise InputError(name, f"no *{suffix} there; give the file the tool exported")
        return found

    def article(self, name: object, where: str) -> Article:
        """Return the article that a tool's file names; raise `InputError` without it."""
        if (found := self.articles.get(str(name))) is None:
            what = f"names the article '{name}', whose text isn't here; add --articles FILE"
            raise InputError(where, f"{what}, the {ARTICLES} of the folder that was exported")
        return found


class Format(NamedTuple):
    """How to write the files of a tool's folder, by name, and to read the labels of its export."""

    title: str
    write: Callable[[Sequence[Task], Questions], dict[str, bytes]]
    read: Callable[[Returned], Iterable[Piece]]
    soft: bool = False  # whether it holds labels between 0 and 1
    apart: bool = True  # whether a model's labels are none until a person sees them


def as_json(value: Any) -> bytes:
    """Return a JSON file for people to read too."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def as_lines(values: Iterable[Any]) -> bytes:
    """Return a JSON value per line, in ASCII: some tools take U+2028 for the end of a line."""
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def needed(record: Any, key: str, kind: type, where: str) -> Any:
    """Return a value that an export must have; raise `InputError` without it."""
    given = record if isinstance(record, Mapping) else {}
    if not isinstance(value := given.get(key), kind) or (kind is int and isinstance(value, bool)):
        known = ", ".join(f"'{name}'" for name in list(given)[:6]) or "no keys"
        what = f"has no '{key}' as the tool writes it (it has {known})"
        raise InputError(where, f"{what}; is it an export of another tool, format or version?")
    return value


def without_labels(article: Article) -> Record:
    """Return an article as a record of the exchange format, without keys for labels."""
    record = to_record(article)
    for unit in record.get("sentences", ()):
        del unit["labels"]
    del record["spans"], record["labels"]
    return record


def export(
    to: Format,
    inputs: Sequence[str],
    output: Path,
    *,
    model: str | None = None,
    predictions: bool = True,
    signals: Sequence[str] | None = None,
    citations: bool = True,
    annotator: str | None = None,
    overwrite: bool = False,
) -> list[Task]:
    """Write the folder that a tool imports, and tell of whatever it can't hold."""
    _require_folder(output, overwrite=overwrite)
    in_order(signals or ())
    if not (tasks := _tasks(inputs, annotator)):
        raise InputError("input", "holds no article")
    if not predictions:
        tasks = [replace(task, predicted=None) for task in tasks]
    elif model is not None:
        tasks = list(_scored(model, tasks))
    carried = [a for task in tasks for a in (task.labelled, task.predicted) if a is not None]
    questions = marks.questions_for(carried, signals, citations=citations)
    lost = 0
    for at, task in enumerate(tasks):
        labelled, one = questions.limit(task.labelled, soft=to.soft)
        predicted, other = questions.limit(task.predicted, soft=to.soft)
        scores = {key: v for key, v in task.scores.items() if questions.asks(key[1], key[0])}
        tasks[at] = replace(task, labelled=labelled, predicted=predicted, scores=scores)
        lost += one + other
    if lost:
        outputs.tell(f"{to.title} can't hold labels between 0 and 1: {lost:,} left out")
    if not to.apart and any(task.predicted is not None for task in tasks):
        what = f"{to.title} doesn't distinguish a model's labels from a person's"
        how = "those that nobody checks come back as labels; add --no-predictions to leave them out"
        outputs.tell(f"{what}: {how}")
    lines = (json.dumps(without_labels(t.article), ensure_ascii=False) + "\n" for t in tasks)
    _write_folder(output, {**to.write(tasks, questions), ARTICLES: "".join(lines).encode()})
    return tasks


def _require_folder(path: Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a folder that can't be made or holds other files."""
    filled = path.is_dir() and any(path.iterdir())
    if not path.absolute().parent.is_dir():
        raise InputError(path, "can't be made; give --output a folder within one that exists")
    if path.exists() and not path.is_dir():
        raise InputError(path, "is a file; give --output a new folder")
    if filled and not overwrite:
        raise InputError(path, "is there already; add --overwrite, or give another --output")
    if filled and not (path / ARTICLES).is_file():
        raise InputError(path, "was not made by an export; give --output another folder")


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that appears only when it is complete."""
    try:
        with TemporaryDirectory(dir=path.absolute().parent, prefix=f"{path.name}.part-") as draft:
            (part := Path(draft, path.name)).mkdir()
            for name, data in files.items():
                (part / name).write_bytes(data)
            if path.exists():
                shutil.rmtree(path)
            part.rename(path)
    except OSError as error:
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(path, reason) from None


def _tasks(inputs: Sequence[str], annotator: str | None) -> list[Task]:
    tasks: dict[str, Task] = {}
    people: dict[str, dict[str | None, Article]] = {}
    for article, record, where in _articles(inputs):
        if "\x00" in article.text:
            raise InputError(where, "its text holds NUL characters; remove them")
        plain = marks.bare(article)
        task = _with_predictions(Task(plain), record)
        if task.predicted is not None:
            # In a scored file the voice is the model's, and so is an empty list of citations.
            units = article.units or ()
            own = (replace(one, voice=None, citations=one.citations or None) for one in units)
            article = replace(article, units=tuple(own))
        if tasks.setdefault(article.id, task).article != plain:
            what = f"another article is called '{article.id}'"
            raise InputError(where, f"{what}; give each its own id")
        by = record.get(ANNOTATOR) if isinstance(record.get(ANNOTATOR), str) else None
        if by in people.setdefault(article.id, {}):
            name = f"'{by}'" if by else "nobody named"
            what = f"article '{article.id}' is there twice with the labels of {name}"
            raise InputError(where, f"{what}; leave one out")
        people[article.id][by] = replace(article, units=article.units or plain.units, origin=None)
    return [_with_labels(task, people[name], annotator) for name, task in tasks.items()]


def _with_labels(task: Task, given: Mapping[str | None, Article], annotator: str | None) -> Task:
    people = {by: article for by, article in given.items() if marks.is_labelled(article)}
    where, names = f"article '{task.article.id}'", ", ".join(f"'{by}'" for by in people)
    if annotator is None and len(people) > 1:
        what = f"has the labels of several annotators ({names}), and a tool takes those of one"
        raise InputError(where, f"{what}; choose with --annotator NAME")
    by = next(iter(people), None) if annotator is None else annotator
    if people and by not in people:
        raise InputError(where, f"'{annotator}' has not labelled it, but {names}")
    return replace(task, labelled=people.get(by), annotator=by)


def _articles(inputs: Sequence[str]) -> Iterator[tuple[Article, Record, str]]:
    """Yield every article; from a file of the exchange format, with its record."""
    for source in inputs:
        exchange = _is_exchange(Path(source))
        for where, record in read_records(Path(source)) if exchange else ():
            yield read_record(record, where), record, where
        for item in () if exchange else read_input(source):
            if isinstance(item, Skipped):  # half of a file would be taken for the whole
                raise InputError(item.source, item.reason)
            yield item, {}, str(item.origin or item.id)


def _is_exchange(path: Path) -> bool:
    with suppress(OSError, ValueError, RecursionError), path.open("rb") as file:
        record = json.loads(next(filter(bytes.strip, file), b""))
        return isinstance(record, dict) and isinstance(record.get("text"), str) and "id" in record
    return False


def _with_predictions(task: Task, record: Mapping[str, Any]) -> Task:
    """Add a model's labels from a record that `score` wrote: yes what is flagged, else no."""
    report, items = record.get("report"), record.get("sentences") or []
    if not isinstance(report, dict) or len(items) != len(task.article.units or ()):
        return task
    scored = {-1: report, **dict(enumerate(items))}
    labels = {
        at: {n: n in (one.get("flags") or ()) for n in one.get("scores") or () if n in BY_NAME}
        for at, one in scored.items()
    }
    if not any(labels.values()):
        return task
    length, sentences = len(task.article.text), list[Record]()
    for at, item in enumerate(items):
        found = {"voice": item.get("voice"), "citations": _markable(item, length)}
        place = {"start": item["start"], "end": item["end"], "labels": labels[at]}
        sentences.append(place | (found if labels[at] else {}))
    labelled = {**to_record(task.article), "sentences": sentences, "labels": labels[-1]}
    # The evidence for a sentence's flag is no span that an annotator would mark.
    spans = tuple(
        Span(one["start"], one["end"], one["signal"], one["score"])
        for one in record.get("spans") or ()
        if one.get("score") is not None and BY_NAME[one["signal"]].level is Level.SPAN
    )
    predicted = replace(read_record(labelled, task.article.id), spans=spans)
    scores = {(at, n): float(scored[at]["scores"][n]) for at in labels for n in labels[at]}
    return replace(task, predicted=predicted, model=report.get("model"), scores=scores)


def _markable(item: Mapping[str, Any], length: int) -> list[Record]:
    """Return the citations that a model found, but for those that annotators may not mark so."""
    found: list[Record] = []
    for citation in item.get("citations") or ():
        own = {key: value for key, value in citation.items() if key != "name"}
        with suppress(ValueError):  # its content lies elsewhere too, or crosses another's
            read_citations({**item, "citations": [*found, own]}, length)
            found.append(own)
    return found


def _scored(model: str, tasks: Sequence[Task]) -> Iterator[Task]:
    """Score the articles, and replace the predictions that were there."""
    from framescope.classifier import bundles
    from framescope.classifier.outlets import load_registry
    from framescope.classifier.reports import to_line
    from framescope.classifier.scoring import Scorer

    registry = load_registry()
    loaded = bundles.load(model, registry)
    scorer = Scorer(loaded, None, registry, experimental=True)  # annotators judge them
    for task, report in zip(tasks, scorer.score(task.article for task in tasks), strict=True):
        if isinstance(report, Skipped):
            raise InputError(report.source, report.reason)
        if report.note is not None:
            outputs.tell(f"article '{task.article.id}': not scored ({report.note})")
        line = to_line(report, model=loaded.name, thresholds=scorer.thresholds)
        yield _with_predictions(replace(task, predicted=None), json.loads(line))


def import_labels(
    of: Format,
    paths: Sequence[Path],
    output: Path | None,
    *,
    annotator: str | None = None,
    articles: Path | None = None,
    overwrite: bool = False,
) -> list[Record]:
    """Write what a tool exported, in the exchange format; `annotator` overrides its names."""
    outputs.check(output, [str(path) for path in paths], overwrite=overwrite)
    files = [file for path in paths for file in _files(path)]
    sidecars = [file for file in files if file.base == ARTICLES]
    sidecars += [] if articles is None else [File(str(articles), _bytes(articles))]
    known: dict[str, Article] = {}
    for where, record in chain.from_iterable(map(File.lines, sidecars)):
        needed(record, "text", str, where)
        _add(known, marks.bare(read_record(record, where)), where)
    rest = tuple(file for file in files if file.base not in (ARTICLES, README))
    if not rest:
        raise InputError("the given files", f"nothing there to read; give what {of.title} exported")
    found: dict[str, Article] = {}
    pieces: dict[tuple[str, str | None], dict[str, Piece]] = defaultdict(dict)
    for piece in of.read(Returned(rest, known)):
        _add(found, piece.article, piece.where)
        name, by = piece.article.id, annotator or piece.annotator
        before = pieces[name, by].setdefault(piece.part, piece)
        if before is not piece:
            whose = f"the name '{by}'" if by is not None else "no name"
            what = f"article '{name}' has two annotations under {whose} (the other: {before.where})"
            raise InputError(piece.where, f"{what}; keep one of them, or rename an annotator")
    order, records = {name: at for at, name in enumerate(found)}, []
    for name, by in sorted(pieces, key=lambda key: (order[key[0]], key[1] or "")):
        parts = list(pieces[name, by].values())
        where = parts[0].where if len(parts) == 1 else f"article '{name}'"
        joined = _joined([piece.marking for piece in parts])
        labelled = marks.from_marking(joined, found[name], where)
        if marks.is_labelled(labelled):
            record = to_record(labelled)
            records.append(record if by is None else {"id": name, ANNOTATOR: by, **record})
    if empty := len(pieces) - len(records):
        outputs.tell(f"{counted(empty, 'annotation', ',')} without any label left out")
    if not records:
        raise InputError(rest[0].name, f"holds no labels; label in {of.title} and export it again")
    with outputs.opened(output) as out:
        out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return records


def _add(known: dict[str, Article], article: Article, where: str) -> None:
    if known.setdefault(article.id, article) != article:
        raise InputError(where, f"another article is called '{article.id}'; import them separately")


def _joined(markings: Sequence[Marking]) -> Marking:
    """Join the markings of one annotator, whose marks may have the same ids."""
    found, links, answers = list[Mark](), list[tuple[str, str]](), dict[str, str]()
    for number, one in enumerate(markings):
        found += (replace(mark, id=f"{number}/{mark.id}") for mark in one.marks)
        links += ((f"{number}/{first}", f"{number}/{other}") for first, other in one.links)
        answers |= one.answers
    return Marking(tuple(found), tuple(links), answers)


def _files(path: Path) -> Iterator[File]:
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
            if inner.is_file() and not hidden:
                yield from _files(inner)
        return
    if path.suffix.lower() != ".zip":
        yield File(str(path), _bytes(path))
        return
    try:
        with zipfile.ZipFile(io.BytesIO(_bytes(path))) as archive:
            if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES:
                what = f"unpacks to over {_MOST_BYTES:,} bytes; unpack it, and give the folder"
                raise InputError(path, what)
            for member in archive.infolist():
                if not member.is_dir():
                    yield File(f"{path}!{member.filename}", archive.read(member))
    # `RuntimeError`: an unknown method, or a password.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        raise InputError(path, "a damaged ZIP archive; export it again") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = f"can't be read ({error.strerror or error}); give what the tool exported"
        raise InputError(path, reason) from None


def question_tasks(task: Task, questions: Questions) -> Iterator[tuple[Record, Mapping[str, str]]]:
    """Yield the sentences of an article, and the article if it is asked about, with answers."""
    text, marking = task.article.text, marks.to_marking(task.begun)
    sentences = (mark for mark in marking.marks if mark.role is Role.SENTENCE)
    asked = [("sentence", mark.start, mark.end, mark.answers) for mark in sentences]
    if questions.of_article:
        asked.append(("article", 0, len(text), marking.answers))
    for of, start, end, answers in asked:
        about = {"article": task.article.id, "of": of, "start": start, "end": end}
        yield {"text": text[start:end], **about}, answers


def answered(record: Any, labels: list[Any], given: Returned, by: str | None, where: str) -> Piece:
    """Return what a task of `question_tasks` was answered; raise `InputError`."""
    article = given.article(needed(record, "article", str, where), where)
    start, end = (needed(record, key, int, where) for key in ("start", "end"))
    if record["text"].strip() != article.text[start:end].strip():
        what = f"its text is not that of '{article.id}' at {start}-{end}"
        raise InputError(where, what + _AS_SENT)
    part, answers = f"{record['of']} {start}-{end}", marks.unflat(labels, where)
    marking = Marking(answers=answers)
    if record["of"] == "sentence":
        marking = Marking((Mark(part, Role.SENTENCE, start, end, answers=answers),))
    return Piece(article, marking, by, part, where)


def whole_article(record: Any, given: Returned, where: str) -> Article:
    """Return the article of a task that is its whole text; raise `InputError`."""
    about = record.get("article")
    if isinstance(about, str) and about.startswith("{"):  # its record, up to version 0.3
        about = parse_json(about, where, "export it again")
    article = given.article(about.get("id") if isinstance(about, dict) else about, where)
    if record["text"] != article.text:
        raise InputError(where, f"its text is not that of '{article.id}'{_AS_SENT}")
    return article
