"""The command `framescope corpora`: list the corpora, and export articles of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate, product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from framescope.classifier import output as outputs
from framescope.classifier.cli.shared import AsCard, OverFile
from framescope.classifier.errors import CorpusError
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.commands import File, Text
from framescope.training.options import CorporaFolder, HouseFolder, refuse_options, table
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.training.corpora import Corpus
    from rich.console import Console

app = typer.Typer()

_COLOUR = {"present": "green", "partial": "yellow", "changed": "yellow", "missing": "red"}


@app.callback(invoke_without_command=True)
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


@app.command("export")
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
    from framescope.training.corpora import PUBLIC

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
        if hint := _hint(one):
            console.print(f"{one['name']}: {hint}", soft_wrap=True)


def _hint(one: Mapping[str, Any]) -> str | None:
    from framescope.training.corpora import find_corpus

    pinned = f"not the files that were pinned; obtain them again ({one['url']}), or pass"
    where = f"to be put in {one['folder']}/; where to obtain it: {one['url']}"
    hints = {
        "partial": f"loaded without {'; '.join(one['lacks'])}",
        "changed": next(iter(one["lacks"]), f"{pinned} --allow-changed"),
        "missing": where + find_corpus(one["name"]).elsewhere,
    }
    return hints.get(one["state"])


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
