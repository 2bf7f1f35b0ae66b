"""The commands on labelled data: `framescope corpora` and `framescope labels`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import accumulate, product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from framescope.classifier import output as outputs
from framescope.classifier import records
from framescope.classifier.cli.shared import SETTINGS, AllowSeen, AsCard, Grouped, OverFile
from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.commands import File, Files, Text
from framescope.training.options import CorporaFolder, HouseFolder, refuse_options, table
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.training.corpora import Corpus
    from framescope.training.labels import LabelCheck, LikelyErrors
    from rich.console import Console
    from rich.table import Table

corpora_app = typer.Typer()
labels_app = typer.Typer(
    help="Check labels; measure how far annotators agree, and merge theirs (extra: annotate).",
    cls=Grouped, no_args_is_help=True, context_settings=SETTINGS, rich_markup_mode=None,
)  # fmt: skip

_COLOUR = {"present": "green", "partial": "yellow", "changed": "yellow", "missing": "red"}
_MOST_SHOWN = 50  # problems of one file on a terminal
_ERRORS = 20
_WIDTH = 140  # columns of a table in a file or pipe
_FINDINGS = 1  # the exit status

_counted = partial(records.counted, form=",")


@corpora_app.callback(invoke_without_command=True)
def corpora(
    context: typer.Context,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
    splits: Annotated[
        bool, Option("--splits", help="Also show the parts, and the overlap between them.")
    ] = False,
    allow_changed: Annotated[
        bool, Option("--allow-changed", help="Use corpora whose files differ from those pinned.")
    ] = False,
    format: AsCard = "terminal",
) -> None:
    """List the labelled corpora: present or not, rows, labels, licence."""
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    from framescope.training.corpora import CORPORA, given_folder
    from rich.console import Console

    root = given_folder(corpora)  # without one, the list is of what there would be to obtain
    loadable = {"present", "partial"} | ({"changed"} if allow_changed else set())
    described = [_described(one, root, loadable) for one in CORPORA.values()]
    listed: dict[str, Any] = {"corpora": described}
    if splits:
        names = [name for name, one in CORPORA.items() if one.state(root) in loadable]
        listed["splits"] = _described_split(root, names, allow_changed)
    if format == "json":
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False)
    _print_corpora(listed["corpora"], console)
    if splits:
        _print_splits(listed["splits"], console)


@corpora_app.command("export")
def export(
    corpus: Annotated[str, Argument(metavar="CORPUS", help="One of the list.")],
    to: Annotated[Path, Option("--output", "-o", metavar="FILE", help="In the exchange format.")],
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    outlet: Annotated[Text, Option(metavar="NAME", help="Articles of this outlet only.")] = None,
    sentences: Annotated[
        int | None,
        Option(metavar="N", min=1, help="Articles drawn until they have so many sentences."),
    ] = None,
    rest: Annotated[
        File, Option(metavar="FILE", help="Write the articles not drawn there.")
    ] = None,
    seed: Annotated[int, Option(min=0, help="Of the order in which they are drawn.")] = 13,
    overwrite: OverFile = False,
) -> None:
    """Write labelled articles of a corpus as a file, to add them, or to judge by them."""
    from framescope.classifier.inputs import to_record
    from framescope.training.corpora import find_corpus, given_folder
    from framescope.training.corpora.articles import State

    one, root = find_corpus(corpus), given_folder(corpora)
    for path in filter(None, (to, rest)):
        outputs.check(path, overwrite=overwrite)
    place = one.place(root)
    if place is None or one.state(root) is State.MISSING:
        raise CorpusError(f"corpus '{corpus}' is missing; pass --corpora DIR (see docs/corpora.md)")
    drawn = [a for a in one.read(place) if outlet is None or a.outlet == outlet]
    if not drawn:
        raise CorpusError(f"corpus '{corpus}' has no article of that outlet")
    left = []
    if sentences is not None:
        drawn = Random(seed).sample(drawn, len(drawn))
        counts = list(accumulate(len(article.units or ()) for article in drawn))
        if counts[-1] < sentences:
            what = f"has {counts[-1]:,} sentences there, and {sentences:,} are asked for"
            raise CorpusError(f"corpus '{corpus}' {what}")
        enough = sum(count < sentences for count in counts) + 1
        drawn, left = drawn[:enough], drawn[enough:]
    for target, articles in ((to, drawn), (rest, left)):
        if target is not None:
            with outputs.opened(target) as file:
                lines = (json.dumps(to_record(one), ensure_ascii=False) for one in articles)
                file.writelines(f"{line}\n" for line in lines)
            rows = sum(len(article.units or ()) for article in articles)
            typer.echo(f"wrote {target}: {len(articles):,} articles, {rows:,} sentences")


def _described(corpus: Corpus, root: Path | None, loadable: set[str]) -> dict[str, Any]:
    """Return a corpus' card and state, with counts if it can be loaded, else None for each."""
    import numpy as np
    from framescope.training.data import build_examples

    card, state, place = corpus.card, corpus.state(root), corpus.place(root)
    entry: dict[str, Any] = {"name": card.name, "title": card.title, "state": state.value}
    entry |= {"folder": card.folder, "articles": None, "sentences": None}
    entry["labels"] = dict.fromkeys(card.signals)
    keys = ("unit", "language", "licence", "url", "citation", "mapping", "digest")
    entry |= {key: getattr(card, key) for key in keys}
    entry["lacks"] = corpus.lacks(place) if state == "partial" and place else []
    if state not in loadable:
        return entry
    try:
        rows = build_examples(root, [card.name], allow_changed=True)
    except CorpusError as error:  # one that can't be read must not hide the others
        return entry | {"state": "changed", "lacks": [str(error)]}
    _, first = np.unique(rows.article, return_index=True)
    labels = {}
    for signal in rows.signals:
        whole = BY_NAME[signal].level is Level.ARTICLE
        column = rows.column(signal)[first] if whole else rows.column(signal)
        known = column[np.isfinite(column)]
        labels[signal] = {"labelled": len(known), "positive": int(np.sum(known >= 0.5))}
    return entry | {"articles": len(first), "sentences": len(rows), "labels": labels}


def _described_split(root: Path | None, names: Sequence[str], allow_changed: bool) -> Any:
    """Split corpora; return the parts, and the overlap that was found and removed."""
    from framescope.training.data import PARTS, assign_parts, build_examples

    split = assign_parts(build_examples(root, names, allow_changed=allow_changed))
    rows, parts = split.examples, dict[str, dict[str, dict[str, int]]]()
    for corpus, part in product(dict.fromkeys(rows.corpus.tolist()), PARTS):
        own = (rows.corpus == corpus) & (rows.part == part)
        counts = {"groups": len(set(rows.group[own])), "articles": len(set(rows.article[own]))}
        parts.setdefault(corpus, {})[part] = counts | {"sentences": int(own.sum())}
    about = {"seed": split.seed, "signature": split.signature, "merged_groups": split.merged}
    return {**about, "parts": parts, "overlap": [asdict(one) for one in split.overlap]}


def _print_corpora(corpora: Sequence[Mapping[str, Any]], console: Console) -> None:
    from framescope.training.corpora import PUBLIC, find_corpus

    shown = table(("corpus", "state"), ("articles", "sentences"), title="Labelled corpora")
    for name in ("lang", "labels", "licence"):
        shown.add_column(name, no_wrap=name == "licence")
    for one in corpora:
        state = f"[{_COLOUR[one['state']]}]{one['state']}[/]"
        counts = _number(one["articles"]), _number(one["sentences"])
        first, *more = one["language"].split()
        language = f"{first} +{len(more)}" if more else first
        licence = one["licence"].removesuffix(" (labels)")
        shown.add_row(one["name"], state, *counts, language, _labels(one["labels"]), licence)
    console.print(shown)
    if all(one["state"] == "missing" for one in corpora if one["name"] in PUBLIC):
        how = "name their folder: --corpora DIR, or FRAMESCOPE_CORPORA"
        console.print(f"No public corpus is here; {how}")
    for one in corpora:
        pinned = f"not the files that were pinned; obtain them again ({one['url']}), or pass"
        where = f"to be put in {one['folder']}/; where to obtain it: {one['url']}"
        hints = {
            "partial": f"loaded without {'; '.join(one['lacks'])}",
            "changed": next(iter(one["lacks"]), f"{pinned} --allow-changed"),
            "missing": where + find_corpus(one["name"]).elsewhere,
        }
        if hint := hints.get(one["state"]):
            console.print(f"{one['name']}: {hint}", soft_wrap=True)


def _labels(labels: Mapping[str, Mapping[str, int] | None]) -> str:
    shown = [
        signal if counts is None else f"{signal} {counts['positive'] / counts['labelled']:.0%}"
        for signal, counts in labels.items()
        if counts is None or counts["labelled"]
    ]
    more = f", {len(shown) - 1} more" if len(shown) > 1 else ""
    return shown[0] + more if shown else "-"


def _print_splits(splits: Mapping[str, Any], console: Console) -> None:
    for unit in ("sentences", "groups"):
        names = next(iter(splits["parts"].values()), ())
        shown = table(("corpus",), tuple(names), title=f"Parts: {unit}")
        for corpus, parts in splits["parts"].items():
            shown.add_row(corpus, *(_number(one[unit] or None) for one in parts.values()))
        console.print(shown)
    same = "as articles of theirs are nearly the same"
    console.print(f"Groups merged, {same}: {splits['merged_groups']}")
    console.print("Sentences that are nearly the same as one kept back:")
    for one in splits["overlap"]:
        where = f"  in {one['part']:<10} of {one['held_out']:<13}"
        console.print(f"{where} {one['before']:>5} found, {one['after']} left")
    console.print(f"Seed {splits['seed']}, signature {splits['signature']}", soft_wrap=True)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


@labels_app.command()
def check(
    files: Annotated[
        Files, Argument(metavar="[FILE]...", help="Labelled files; without any, the house corpus.")
    ] = None,
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    errors: Annotated[
        int | None,
        Option(min=0, metavar="N", help=f"Show this many likely errors ({_ERRORS}); 0: none."),
    ] = None,
    model: Annotated[
        Text, Option("--model", "-m", help="Use its probabilities; it never saw these labels.")
    ] = None,
    allow_seen: AllowSeen = False,
    format: AsCard = "terminal",
) -> None:
    """Check labels: faults, contradictions, duplicates, balance, likely errors.

    Ends with status 1 when anything was found, with 2 when a file can't be read, or holds articles
    of another of the files, or ones that the model has seen.
    """
    from framescope.classifier.bundles import load, refuse_seen
    from framescope.training import labels
    from framescope.training.corpora import given_folder

    root = given_folder(corpora)
    checks: list[tuple[LabelCheck, LikelyErrors | None]] = []
    if files:
        read = {path: labels.read_labelled([path]) for path in files}
        if not allow_seen:
            labels.refuse_shared(read)
        used = None if errors == 0 else load(model or "transformer")
        if used is not None and not allow_seen:
            for path, labelled in read.items():
                refuse_seen([used], [one.article for one in labelled.articles], [path])
        benchmarks = labels.read_benchmarks(root)
        for path, labelled in read.items():
            one, found = labels.check_labelled(str(path), labelled, benchmarks), None
            if used is not None and labelled.articles:
                found = labels.find_errors(labelled.articles, used, own=model is not None)
            checks.append((one, found))
    elif errors is not None or model is not None:
        raise InputError("--errors" if errors is not None else "--model", "needs files; name some")
    else:
        real = (labels.check_standoff(root, one) for one in ("standoff", "judged", "techniques"))
        written = labels.check_house(), labels.check_house("house_languages", "languages")
        checks = [(one, None) for one in (*written, *real)]
    shown = _ERRORS if errors is None else errors
    if format == "json":
        listed = [_record(one, found, shown) for one, found in checks]
        typer.echo(json.dumps({"files": listed}, ensure_ascii=False, indent=2))
    else:
        for one, found in checks:
            _print(one, found, shown)
    count = sum(len(one.problems) + (found.sure if found else 0) for one, found in checks)
    if count:
        typer.echo(f"framescope: {_counted(count, 'finding')}, listed above", err=True)
        raise typer.Exit(_FINDINGS)


@labels_app.command()
def agreement(
    files: Annotated[
        Files,
        Argument(metavar="[FILE]...", help="One per annotator, or with 'annotator' in records."),
    ] = None,
    cited: Annotated[bool, Option("--citations", help="Measure citations, not signals.")] = False,
    house: HouseFolder = None,
    format: AsCard = "terminal",
) -> None:
    """Measure agreement: Krippendorff's alpha of each signal, with a 95% interval.

    Without files, of the part of the house corpus that was labelled twice. With --citations, on who
    says what: each role, the source it is linked to, its kind, and who the speaker is.
    """
    from framescope.training import labels

    given = labels.read_annotators(files or labels.passes(citations=cited))
    measure = labels.citation_agreement if cited else labels.measure_agreement
    rows: Sequence[Any] = measure(*([one.record for one in of] for of in given.values()))
    if format == "json":
        listed = [_finite(row._asdict()) for row in rows]
        found = {"annotators": list(given), "citations" if cited else "signals": listed}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _console().print(_of_agreement(list(given), rows, citations=cited))


@labels_app.command()
def merge(
    files: Annotated[
        list[Path], Argument(metavar="FILE...", help="Labelled files (exchange format).")
    ],
    output: Annotated[Path, Option("--output", "-o", metavar="FILE", help="Merged labels.")],
    by: Annotated[
        Literal["majority", "dawid-skene"],
        Option(help="Share of yes, or Dawid and Skene's probability."),
    ] = "majority",
    hard: Annotated[
        bool, Option("--hard", help="Round to 0 and 1; leave out exact halves.")
    ] = False,
    overwrite: OverFile = False,
) -> None:
    """Merge several annotators' labels into one record per article.

    Where they differ, the label lies between 0 and 1, which training uses as it is.
    """
    from framescope.training.labels import merge_annotators, read_annotators

    outputs.check(output, list(map(str, files)), overwrite=overwrite)
    annotators = read_annotators(files)
    merged = merge_annotators(annotators, dawid_skene=by == "dawid-skene", hard=hard)
    with outputs.opened(output) as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in merged.records)
    summary = f"{_counted(len(merged.records), 'article')} of {len(annotators)} annotators"
    summary += f", {_counted(merged.labels, 'label')}, {merged.soft:,} of them between 0 and 1"
    summary += f"; {merged.ties:,} exact halves left out" if merged.ties else ""
    alone = f"; {_counted(merged.alone, 'article')} with only one annotator"
    typer.echo(summary + (alone if merged.alone else ""), err=output == outputs.STDOUT)


def _record(one: LabelCheck, errors: LikelyErrors | None, most: int) -> dict[str, Any]:
    record = asdict(one)
    unread = [*record.pop("unread"), *(errors.unread if errors else ())]
    likely = errors and {
        "looked_at": errors.labels,
        "found": len(errors.found),
        "likelier_wrong_than_right": errors.sure,
        "shown": [_finite(asdict(each)) | {"why": each.why} for each in errors.found[:most]],
    }
    return record | {"likely_errors": likely, "not_looked_at": unread}


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and v != v else v for k, v in row.items()}


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = max(console.width, _WIDTH)
    return console


def _print(one: LabelCheck, errors: LikelyErrors | None, most: int) -> None:
    from rich.markup import escape

    console = _console()
    pairs = f", {one.pairs} contrast pairs" if one.pairs else ""
    console.print(
        f"[bold]{escape(one.name)}[/]: {_counted(one.articles, 'article')}, "
        f"{_counted(one.sentences, 'sentence')}{pairs}; {_counted(len(one.problems), 'problem')}"
    )
    for problem in one.problems[:_MOST_SHOWN]:
        console.print(f"  {escape(problem.where)}: {escape(problem.what)}")
    if len(one.problems) > _MOST_SHOWN:
        hidden = len(one.problems) - _MOST_SHOWN
        console.print(f"  and {hidden:,} more; --format json lists them all")
    if one.balance:
        console.print(_of_balance(one.balance))
    if errors is not None:
        count = _counted(errors.sure, "likely error")
        end = "; the likeliest first:" if errors.found and most else ""
        console.print(f"{count} (more likely wrong than right) among {errors.labels:,} labels{end}")
        for each in errors.found[:most]:
            console.print(f"  {escape(each.article)}, sentence {each.sentence}, {each.signal}:")
            console.print(f"    {escape(each.text)}", style="italic")
            console.print(f"    {escape(each.why)}")
        if len(errors.found) > most:
            console.print(f"  and {len(errors.found) - most:,} more; --errors N shows more")
    for line, times in Counter([*one.unread, *(errors.unread if errors else ())]).items():
        more = f" ({times} times)" if times > 1 else ""
        console.print(f"  not checked: {escape(line)}{more}")


def _of_balance(rows: Sequence[Any]) -> Table:
    soft = any(row.soft for row in rows)
    headings = ("labels", "articles", "yes", "share", *(("between",) if soft else ()))
    shown = table(("signal",), headings)
    shown.add_column("")
    for row in rows:
        cells = f"{row.labels:,}", f"{row.articles:,}", f"{row.positives:,}"
        between = (f"{row.soft:,}",) if soft else ()
        shown.add_row(row.signal, *cells, f"{row.positives / row.labels:.0%}", *between, row.lacks)
    return shown


def _of_agreement(annotators: Sequence[str], rows: Sequence[Any], *, citations: bool) -> Table:
    caption, names = "intervals resample articles", () if citations else tuple(annotators)
    if names:
        caption = f"{', '.join(names)}: sentences that each labelled 1; {caption}"
    left, value = (("of", "measure"), "value") if citations else (("signal",), "alpha")
    shown = table(left, ("n", "articles", *names, value, "95% interval"), caption=caption)
    for row in rows:
        cells = [row.what, row.measure, f"{row.n:,}"] if citations else [row.signal]
        cells += [f"{row.articles:,}"] if citations else [f"{row.sentences:,}", f"{row.articles:,}"]
        cells += [] if citations else map(str, row.positive)
        found, bounds = getattr(row, value), f"{row.low:.3f} to {row.high:.3f}"
        shown.add_row(*cells, *((f"{found:.3f}", bounds) if found == found else ("undefined", "")))
    return shown
