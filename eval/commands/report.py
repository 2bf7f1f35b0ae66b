"""The commands `framescope eval report` and `framescope eval errors`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.options import (
    Data,
    Draws,
    First,
    OtherSplit,
    Output,
    Parts,
    Second,
    SectionName,
    Seed,
    Signals,
    held_out,
    refuse_both,
)
from training.options import CorporaFolder


def report(
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="Where report.html and report.json go."),
    ],
    corpora: CorporaFolder = None,
    data: Data = None,
    a: First = "baseline",
    b: Second = "transformer",
    part: Parts = None,
    signal: Signals = None,
    slice: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="NAME", help="Cut this signal into slices. Repeatable."),
    ] = None,
    again: Annotated[
        list[str] | None,
        typer.Option(
            "--again",
            metavar="BUNDLE",
            help="b trained again with another seed, for mean and spread. Repeatable.",
        ),
    ] = None,
    without: Annotated[
        list[SectionName] | None,
        typer.Option("--without", help="Leave this section out. Repeatable."),
    ] = None,
    draws: Draws = 10_000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
) -> None:
    """Compare two bundles, as a page and as JSON.

    The page holds sentences of the corpora; the JSON holds none.
    """
    from classifier import bundle
    from classifier.errors import InputError
    from classifier.output import opened
    from classifier.taxonomy import in_order
    from eval.report import MAIN, to_json
    from eval.report import build_report as build
    from eval.report import chosen_sections as sections_chosen
    from eval.report import report_to_html as to_html
    from eval.rows import Evaluation

    refuse_both(corpora, data, part)
    chosen = in_order(signal) if signal else None
    sliced = in_order(slice) if slice else MAIN
    if output.exists() and not output.is_dir():
        raise InputError(output, "is a file; give --output a folder")
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(output, f"can't be made ({error.strerror}); choose another") from None
    bundles = bundle.load(a), bundle.load(b)
    others = [bundle.load(one) for one in again or ()]
    rows, parts = held_out(corpora, data, part, [*bundles, *others], allow_other_split)
    evaluation = Evaluation(
        bundles, rows.examples, rows.signature, parts, draws, seed, dates=rows.dates
    )
    made = build(
        evaluation,
        signals=chosen,
        sliced=sliced,
        genres=_genres(data),
        sections=sections_chosen(set(without or ()), others),
        progress=_Said(),
    )
    for name, write in (("report.json", to_json), ("report.html", to_html)):
        with opened(output / name) as file:
            file.write(write(made))
        typer.echo(f"wrote {output / name}")
    typer.echo(made.comparison.signature)


def errors(
    signal: Annotated[str, typer.Option("--signal", metavar="NAME", help="Of which signal.")],
    output: Output = None,
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="How many.")] = 20,
    model: Annotated[
        str, typer.Option("--model", metavar="BUNDLE", help="Whose errors.")
    ] = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    allow_other_split: OtherSplit = False,
) -> None:
    """Export a model's worst errors for relabelling.

    Whole articles in the exchange format.

    A sentence in error has a key `error` beside its labels. Other sentences keep theirs.
    """
    from classifier import bundle
    from classifier.errors import SignalError
    from classifier.output import check, opened
    from classifier.taxonomy import in_order
    from eval.compare import error_lines as to_lines
    from eval.compare import error_records as records
    from eval.compare import originals
    from eval.compare import worst_errors as worst
    from eval.rows import Evaluation

    (name,) = in_order([signal])
    refuse_both(corpora, data, part)
    check(output)
    loaded = bundle.load(model)
    if name not in loaded.signals:
        given = ", ".join(loaded.signals)
        raise SignalError(f"{loaded.name} doesn't give '{name}'; it gives {given}")
    rows, parts = held_out(corpora, data, part, [loaded], allow_other_split)
    evaluation = Evaluation((loaded,), rows.examples)
    samples, said = [], _Said()
    for corpus in dict.fromkeys(rows.examples.corpus.tolist()):
        said(f"{corpus}: {loaded.name}", 0, 0)
        scored = evaluation.articles(corpus, parts, [name])
        samples += [scored.sample(one, name) for one in parts]
    errors = worst(samples, 0, n)
    if not errors:
        raise SignalError(f"no row of part {' or '.join(parts)} is labelled with {name}")
    articles = originals({error.article for error in errors}, _root(corpora, data), data or ())
    with opened(output) as file:
        file.write(to_lines(records(errors, rows.examples, articles, loaded.name)))


COMMANDS = (report, errors)


class _Said:
    """Names on standard error what is being measured, once each."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.last:
            self.last = what
            typer.echo(f"measuring {what}", err=True)


def _root(corpora: Path | None, data: Sequence[Path] | None) -> Path | None:
    """Find the folder of corpora; None for the labelled files of a user, and for what ships."""
    from training.corpora import given_folder

    return None if data else given_folder(corpora)


def _genres(data: Sequence[Path] | None) -> dict[str, str]:
    """Read the genres of the user's files, or of the house corpus."""
    from eval.compare import genres_of
    from training.corpora import find_corpus as find

    if data:
        # Whatever a file goes by: a name, or a path where two have one name.
        return {
            key: genre
            for path in data
            for name in (path.name, str(path))
            for key, genre in genres_of([path], f"exchange/{name}/").items()
        }
    house = find("house")
    place = house.place(None)
    return {} if place is None else genres_of(house.files(place), "house/")
