"""The command `framescope eval robustness`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.commands.options import Seed

# Only what is cheap: the main command imports this module to show its help.
if TYPE_CHECKING:
    from eval.suite import Progress


class SuiteFormat(StrEnum):
    """How the results are written."""

    TABLE = "table"
    JSON = "json"


def robustness(
    model: Annotated[
        str,
        typer.Argument(metavar="[BUNDLE]", help="The model to judge.", show_default=True),
    ] = "transformer",
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of the cases.")] = 2000,
    seed: Seed = 0,
    format: Annotated[
        SuiteFormat, typer.Option("--format", help="How to write it.")
    ] = SuiteFormat.TABLE,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write to a file, not to the terminal."),
    ] = None,
) -> None:
    """What a model makes of changes that ought to do nothing, or something.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.

    A missed limit is said, and is no error.
    """
    from classifier import bundle
    from classifier.output import check, opened
    from eval.suite import measure_suite as measure
    from eval.suite import read_behaviours as behaviours
    from eval.suite import suite_to_json as to_json
    from eval.suite import suite_to_text as to_text
    from eval.suite import suite_verdict as verdict

    check(output)
    loaded = bundle.load(model)
    with _progress() as progress:
        suite = measure(loaded, behaviours(), draws=draws, seed=seed, progress=progress)
    with opened(output) as file:
        file.write(to_json(suite) if format is SuiteFormat.JSON else to_text(suite))
    if format is SuiteFormat.JSON or output is not None:
        typer.echo(verdict(suite), err=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on standard error, gone when done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("texts", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


COMMANDS = (robustness,)
