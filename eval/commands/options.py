"""What several commands below `framescope eval` take; light enough to import for their help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from classifier.bundle import Bundle
    from eval.compare import Progress
    from eval.rows import HeldOut


class Part(StrEnum):
    """A part of the corpora that a model may be judged by."""

    TEST = "test"
    UNSEEN_OUTLET = "unseen_outlet"
    VALIDATION = "validation"


class SectionName(StrEnum):
    """What a report holds besides the comparison; see `eval.report.report_sections`."""

    TECHNIQUES = "techniques"
    UNCERTAINTY = "uncertainty"
    AXES = "axes"
    CONTROLS = "controls"
    ROBUSTNESS = "robustness"
    SEEDS = "seeds"


class Format(StrEnum):
    """How `eval.report.layout` writes a section."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


First = Annotated[str, typer.Option("--a", metavar="BUNDLE", help="The model to compare with.")]
Second = Annotated[str, typer.Option("--b", metavar="BUNDLE", help="The model to compare.")]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Your own labelled file (exchange format), instead of the corpora. Repeatable.",
    ),
]
Parts = Annotated[
    list[Part] | None,
    typer.Option(
        "--part",
        help="Judge by these rows: test and unseen_outlet unless given. "
        "Thresholds were fitted on validation. Repeatable.",
    ),
]
Signals = Annotated[
    list[str] | None,
    typer.Option("--signal", metavar="NAME", help="Only this signal. Repeatable."),
]
Draws = Annotated[int, typer.Option("--draws", min=100, help="Resamples of whole groups.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")]
OtherSplit = Annotated[
    bool,
    typer.Option(
        "--allow-other-split",
        help="Go on with a bundle that may have been trained on rows it is judged by.",
    ),
]
As = Annotated[Format, typer.Option("--format", help="How to write it.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write to a file, not to the terminal."),
]
__all__ = [
    "As", "CorporaFolder", "Data", "Draws", "First", "Format", "HouseFolder", "OtherSplit",
    "Output", "Part", "Parts", "Second", "SectionName", "Seed", "Signals", "held_out", "progress",
]  # fmt: skip


def held_out(
    corpora: Path | None,
    data: Sequence[Path] | None,
    part: Sequence[Part] | None,
    bundles: Sequence[Bundle],
    allow_other_split: bool,
) -> tuple[HeldOut, tuple[str, ...]]:
    """Gather what bundles are judged by, as the options say, and name the parts.

    Without a folder of corpora and without files that is what ships: the house corpus.

    Raises
    ------
    FramescopeError
        When options don't go together, or data is missing.
    """
    from eval.rows import FILE_PART, HELD_OUT
    from eval.rows import held_out_of_corpora as of_corpora
    from eval.rows import held_out_of_files as of_files
    from training.corpora import given_folder

    if data:
        return of_files(data), (FILE_PART,)
    found = of_corpora(given_folder(corpora), bundles, allow_other_split=allow_other_split)
    return found, tuple(dict.fromkeys(part)) if part else HELD_OUT


def refuse_both(
    corpora: Path | None, data: Sequence[Path] | None, part: Sequence[Part] | None
) -> None:
    """Refuse options of the corpora beside files of one's own.

    Raises
    ------
    InputError
        Naming the first file.
    """
    from classifier.errors import InputError

    if data and (corpora is not None or part):
        raise InputError(data[0], "with --data every row is judged; leave out --corpora and --part")


@contextmanager
def progress() -> Iterator[Progress]:
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
