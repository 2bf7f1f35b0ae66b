"""The command `framescope eval`: options, and one call each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.commands import controls as controls_cli
from eval.commands import gate as gate_cli
from eval.commands import report as report_cli
from eval.commands import robustness as robustness_cli
from eval.commands import sources as sources_cli
from eval.commands.options import Data, Draws, First, OtherSplit, Parts, Second, Seed, Signals
from training.options import CorporaFolder, refuse_options

# Only what is cheap: the main command imports this module to show its help.
if TYPE_CHECKING:
    from eval.compare import Comparison, Progress

app = typer.Typer(help="Compare two bundles on what neither was trained on.")


class Format(StrEnum):
    """How the comparison is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    signal: Signals = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write to a file, not to the terminal."),
    ] = None,
) -> None:
    """Compare two bundles on what neither was trained on.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    from classifier import bundle
    from classifier.errors import InputError
    from classifier.output import check
    from classifier.taxonomy import in_order
    from eval.compare import HELD_OUT
    from eval.compare import compare_models as compare
    from eval.rows import FILE_PART
    from eval.rows import held_out_of_corpora as of_corpora
    from eval.rows import held_out_of_files as of_files
    from training.corpora import is_given, root_folder

    signals = in_order(signal) if signal else None
    if data and (corpora is not None or part):
        raise InputError(data[0], "with --data every row is judged; leave out --corpora and --part")
    check(output)
    # Without a folder the bundles are judged by what ships: the house corpus.
    root = root_folder(corpora) if not data and is_given(corpora) else None
    bundles = bundle.load(a), bundle.load(b)
    if data:
        held_out = of_files(data)
        parts: Sequence[str] = (FILE_PART,)
    else:
        held_out = of_corpora(root, bundles, allow_other_split=allow_other_split)
        parts = tuple(dict.fromkeys(part)) if part else HELD_OUT
    with _progress() as progress:
        comparison = compare(
            *bundles,
            held_out.examples,
            data=held_out.signature,
            parts=parts,
            signals=signals,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    _write(comparison, format, output)


# The same under a name of its own, as the other measurements have one.
app.command("run")(evaluate)
for module in (report_cli, controls_cli, robustness_cli, gate_cli, sources_cli):
    for command in module.COMMANDS:
        app.command()(command)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on standard error, gone when done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )


def _write(comparison: Comparison, format: Format, output: Path | None) -> None:
    from classifier.output import opened
    from eval.report import comparison_to_json, print_table, to_markdown, to_text

    if format is Format.TABLE and output is None:
        from rich.console import Console

        print_table(comparison, Console(highlight=False))
        return
    text = {
        Format.TABLE: to_text,
        Format.MARKDOWN: to_markdown,
        Format.JSON: comparison_to_json,
    }[format](comparison)
    with opened(output) as file:
        file.write(text)
