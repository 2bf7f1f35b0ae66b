"""The commands below `framescope corpora` that check labels and measure agreement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from training.labels import Checked

_MOST_SHOWN = 50


def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Your own labelled files (exchange format), instead of the house corpus.",
        ),
    ] = None,
    corpora: CorporaFolder = None,
    corpus: HouseFolder = None,
) -> None:
    """Check labelled articles: offsets, labels that contradict each other, pairs, digests.

    Ends with status 2 when anything is wrong. Stand-off labels are held against their texts as far
    as those are here.
    """
    from classifier.errors import CorpusError
    from training.corpora import given_folder
    from training.labels import check_files, check_house, check_standoff

    if files:
        found = [check_files(str(path), [path]) for path in files]
    else:
        found = [check_house(), check_standoff(given_folder(corpora))]
    _print(found)
    wrong = sum(len(one.problems) for one in found)
    if wrong:
        raise CorpusError(f"{wrong} problems in the labels; mend the lines named above")


def agreement(
    first: Annotated[
        Path | None, typer.Option("--first", metavar="FILE", help="One annotator's labels.")
    ] = None,
    second: Annotated[
        Path | None, typer.Option("--second", metavar="FILE", help="The other's.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of articles.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    corpus: HouseFolder = None,
) -> None:
    """How far two annotators agree: Krippendorff's alpha for each signal, with an interval.

    Without files, on the part of the house corpus that was labelled twice.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from training.labels import measure_agreement as measure
    from training.labels import passes
    from training.labels import read_annotators as read

    passed = passes()
    caption = "first, second: sentences that each labelled 1; intervals resample articles"
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption, caption_justify="left")
    table.add_column("signal", no_wrap=True)
    for heading in ("n", "articles", "first", "second", "alpha", "95% interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in measure(read(first or passed[0]), read(second or passed[1]), draws=draws, seed=seed):
        defined = one.alpha == one.alpha
        table.add_row(
            one.signal,
            f"{one.sentences:,}",
            f"{one.articles:,}",
            *map(str, one.positive),
            f"{one.alpha:.3f}" if defined else "undefined",
            f"{one.low:.3f} to {one.high:.3f}" if defined else "",
        )
    Console(highlight=False).print(table)


COMMANDS = (check, agreement)


def _print(found: Sequence[Checked]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for one in found:
        pairs = f", {one.pairs} contrast pairs" if one.pairs else ""
        console.print(
            f"[bold]{escape(one.name)}[/]: {one.articles:,} articles, {one.sentences:,} sentences"
            f"{pairs}; {len(one.problems)} problems"
        )
        for line in one.unread:
            console.print(f"  not looked at: {escape(line)}")
        for problem in one.problems[:_MOST_SHOWN]:
            console.print(f"  {escape(problem.where)}: {escape(problem.what)}")
        if len(one.problems) > _MOST_SHOWN:
            console.print(f"  and {len(one.problems) - _MOST_SHOWN} more")
