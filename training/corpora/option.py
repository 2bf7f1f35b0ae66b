"""The option that every command with corpora takes; light enough to import for its help."""

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
