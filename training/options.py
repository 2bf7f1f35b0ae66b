"""What every command with corpora takes; light enough to import for its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CorporaFolder = Annotated[
    Path | None,
    typer.Option(
        "--corpora",
        metavar="DIR",
        help="The folder of corpora; FRAMESCOPE_CORPORA unless given.",
    ),
]


def refuse_options(context: typer.Context) -> None:
    """Refuse a command's own options before the name of one below it, which has its own.

    Raises
    ------
    typer.BadParameter
        Naming the first of them.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            given, name = parameter.opts[-1], context.invoked_subcommand
            raise typer.BadParameter(f"{given}: options of '{name}' come after its name")
