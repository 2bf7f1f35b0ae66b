"""The command `framescope bundles`."""

from __future__ import annotations

import typer

app = typer.Typer(help="Keep bundles over time: compare, promote, roll back.", no_args_is_help=True)


@app.callback()
def bundles() -> None:
    """Keep bundles over time: compare, promote, roll back."""
