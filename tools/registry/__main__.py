"""The command `python -m tools.registry`: build the tables that ship, and learn what names mean."""

from pathlib import Path
from typing import Annotated

import typer
from framescope.training.options import CorporaFolder

app = typer.Typer(
    help="Build the registry of outlets from public evidence and rows by hand.",
    no_args_is_help=True,
)


@app.callback()
def registry() -> None:
    """Build the registry of outlets from public evidence and rows by hand."""


@app.command("build")
def build_command(
    evidence: Annotated[
        Path, typer.Option("--evidence", metavar="DIR", help="The folder of public data sets.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Where to write; the package's own tables."),
    ] = None,
    hand: Annotated[
        Path | None,
        typer.Option("--hand", metavar="DIR", help="The rows by hand; those of the repository."),
    ] = None,
    allow_changed: Annotated[
        bool,
        typer.Option("--allow-changed", help="Use data sets whose files differ from those pinned."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="List everything merged, dropped or left open.")
    ] = False,
) -> None:
    """Write the tables, and say what is in them and what was merged or left out."""
    from tools.registry.build import build
    from tools.registry.merge import FOLDER

    built = build(evidence, output, hand=hand or FOLDER, allow_changed=allow_changed)
    for kind, rows in built.rows.items():
        typer.echo(f"{kind:<12}{rows:>7,} rows")
    kinds: dict[str, int] = {}
    for line in built.log:
        kind = line.partition(":")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
        if verbose:
            typer.echo(line)
    counted = ", ".join(f"{count} on {kind}" for kind, count in sorted(kinds.items()))
    typer.echo(
        f"{len(built.log)} notes ({counted})" + ("" if verbose else "; --verbose lists them")
    )


@app.command("mentions")
def mentions_command(
    corpora: CorporaFolder = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Where to write; the package's own weights."),
    ] = None,
) -> None:
    """Fit what tells a name that means its outlet from one that doesn't, and write the weights.

    Learned from the labels in the repository: sentences written for it, and names in articles of
    the collections beside the corpora.
    """
    from tools.registry.mentions import fit, labelled, write

    fitted = fit(labelled(corpora), typer.echo)
    path = write(fitted, output)
    typer.echo(
        f"{fitted.names:,} names in {fitted.texts:,} texts; cross-validated precision"
        f" {fitted.precision:.3f}, recall {fitted.recall:.3f}; {len(fitted.weights):,} weights"
        f" in {path}"
    )


if __name__ == "__main__":
    app()
