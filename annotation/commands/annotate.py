"""The command `framescope annotate`: articles out to annotation tools, and their labels in."""

from __future__ import annotations

import typer

from annotation.commands.pick import pick, simulate

app = typer.Typer(
    help="Send articles to an annotation tool, and get their labels back (extra: annotate).",
    no_args_is_help=True,
)


@app.callback()
def annotate() -> None:
    """Send articles to an annotation tool, and get their labels back (extra: annotate)."""


app.command("pick")(pick)
app.command("simulate")(simulate)
