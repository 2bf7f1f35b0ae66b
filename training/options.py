"""What several commands with corpora share; light enough to import for a command's help."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

if TYPE_CHECKING:
    from rich.table import Table

CorporaFolder = Annotated[
    Path | None,
    Option(
        "--corpora", metavar="DIR", help="The folder of corpora; FRAMESCOPE_CORPORA unless given."
    ),
]


def _house(folder: Path | None) -> Path | None:
    """Make the option the house corpus of this process."""
    if folder is not None:
        from framescope.classifier.errors import CorpusError
        from framescope.training.corpora.articles import HOUSE_ENVIRONMENT

        if not folder.is_dir():
            what = "no such folder; give --house the folder corpus/ of a clone"
            raise CorpusError(f"{folder}: {what}")
        os.environ[HOUSE_ENVIRONMENT] = str(folder)
    return folder


HouseFolder = Annotated[
    Path | None,
    Option(
        "--house",
        metavar="DIR",
        help="The house corpus, where it isn't beside the code; FRAMESCOPE_HOUSE unless given.",
        callback=_house,
    ),
]


def refuse_options(context: typer.Context) -> None:
    """Raise `typer.BadParameter` if a command's own options precede the name of a subcommand."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            given, name = parameter.opts[-1], context.invoked_subcommand
            raise typer.BadParameter(f"{given}: options of '{name}' come after its name")


def table(
    left: Sequence[str], right: Sequence[str], title: str | None = None, caption: str | None = None
) -> Table:
    """Return a table with headings of left-aligned columns, then of right-aligned ones."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    found = Table(title=title, caption=caption, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    found.title_justify = found.caption_justify = "left"
    for heading in left:
        found.add_column(heading, no_wrap=True)
    for heading in right:
        found.add_column(heading, justify="right", no_wrap=True)
    return found
