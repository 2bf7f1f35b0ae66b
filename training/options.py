"""What every command with corpora takes; light enough to import for its help."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

CorporaFolder = Annotated[
    Path | None,
    typer.Option(
        "--corpora", metavar="DIR", help="The folder of corpora; FRAMESCOPE_CORPORA unless given."
    ),
]


def _house(folder: Path | None) -> Path | None:
    """Make a folder that is named the one that everything in this process reads."""
    if folder is not None:
        from framescope.classifier.errors import CorpusError
        from framescope.training.corpora import HOUSE_ENVIRONMENT

        if not folder.is_dir():
            what = "no such folder; give --house the folder corpus/ of a clone"
            raise CorpusError(f"{folder}: {what}")
        os.environ[HOUSE_ENVIRONMENT] = str(folder)
    return folder


HouseFolder = Annotated[
    Path | None,
    typer.Option(
        "--house",
        metavar="DIR",
        help="The house corpus, where it isn't beside the code; FRAMESCOPE_HOUSE unless given.",
        callback=_house,
    ),
]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, which takes a plain s in the plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def refuse_options(context: typer.Context) -> None:
    """Refuse a command's own options before the name of one below it, which has its own.

    Raises `typer.BadParameter`, which names the first of them.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            given, name = parameter.opts[-1], context.invoked_subcommand
            raise typer.BadParameter(f"{given}: options of '{name}' come after its name")
