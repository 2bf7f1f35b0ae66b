"""``framescope sources``: options, and one call each. Everything else is imported when needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.values import Role

if TYPE_CHECKING:
    from classifier.sources import Answer

app = typer.Typer(
    help="The registry of outlets: look one up, list them, check them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


class CardFormat(StrEnum):
    """How a card is written."""

    TERMINAL = "terminal"
    JSON = "json"


class ListFormat(StrEnum):
    """How a list is written."""

    TSV = "tsv"
    JSON = "json"


_Own = Annotated[
    Path | None,
    typer.Option("--sources", metavar="FILE", help="Your own outlets, in JSON Lines, as well."),
]


@app.command()
def show(
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="A host, URL, name in any script, id or QID."),
    ],
    sources: _Own = None,
    format: Annotated[CardFormat, typer.Option(help="How to write it.")] = CardFormat.TERMINAL,
) -> None:
    """Show what is on record about an outlet or a host."""
    import json

    from classifier.output import opened
    from classifier.sources import answers_to_json as to_json
    from classifier.sources import load_registry as load
    from classifier.sources import look_up

    registry = load(user=sources)
    answers = [look_up(registry, query) for query in queries]
    with opened(None) as file:
        if format is CardFormat.JSON:
            json.dump([to_json(answer) for answer in answers], file, ensure_ascii=False, indent=2)
            file.write("\n")
        else:
            from rich.console import Console

            from classifier.render import print_answer

            console = Console(file=file, highlight=False)
            for answer in answers:
                print_answer(answer, registry, console)
    _refuse(answers)


def _refuse(answers: Sequence[Answer]) -> None:
    """Complain of queries that nothing answers."""
    from classifier.errors import SourcesError
    from classifier.values import printable

    missing = [answer for answer in answers if not answer.found]
    if missing:
        asked = ", ".join(f"'{printable(answer.query)}'" for answer in missing)
        meant = {outlet.id: outlet for answer in missing for outlet in answer.close}
        listed = ", ".join(f"{outlet.name} ({id})" for id, outlet in meant.items())
        hint = f"did you mean {listed}?" if meant else "see: framescope sources list"
        raise SourcesError(f"{asked}: no outlet has this host, name, id or QID; {hint}")


@app.command("list")
def list_(
    sources: _Own = None,
    country: Annotated[
        str | None, typer.Option(help="Published from this country; two letters, as in IR.")
    ] = None,
    state_media: Annotated[
        bool | None,
        typer.Option("--state-media/--no-state-media", help="State media only, or without them."),
    ] = None,
    role: Annotated[Role | None, typer.Option(help="With this role only.")] = None,
    format: Annotated[ListFormat, typer.Option(help="How to write it.")] = ListFormat.TSV,
) -> None:
    """List the outlets, one a line."""
    import json

    from classifier.output import opened
    from classifier.sources import LOOKUP_COLUMNS as COLUMNS
    from classifier.sources import load_registry as load
    from classifier.sources import outlet_row as row
    from classifier.sources import outlet_to_object as to_object
    from classifier.sources import select_outlets as select

    registry = load(user=sources)
    found = list(select(registry, country, state_media, role))
    with opened(None) as file:
        if format is ListFormat.TSV:
            file.write("\t".join(COLUMNS) + "\n")
            file.writelines("\t".join(row(outlet)) + "\n" for outlet in found)
        else:
            for outlet in found:
                file.write(json.dumps(to_object(outlet), ensure_ascii=False) + "\n")
    if sys.stderr.isatty():
        typer.echo(f"{len(found)} of {len(registry)} outlets", err=True)


@app.command()
def check(
    sources: _Own = None,
    format: Annotated[CardFormat, typer.Option(help="How to write it.")] = CardFormat.TERMINAL,
) -> None:
    """Check the tables, or a file of your own against them; exit status 1 on errors."""
    import json
    from dataclasses import asdict

    from classifier.output import opened
    from classifier.sources import clashes
    from classifier.sources import load_registry as load
    from classifier.sources import problems_of_tables as problems
    from classifier.sources import read_outlets as read

    if sources is None:
        found = problems()
    else:
        registry = load()
        found = clashes(registry, read(sources, registry))
    with opened(None) as file:
        if format is CardFormat.JSON:
            json.dump([asdict(problem) for problem in found], file, ensure_ascii=False, indent=2)
            file.write("\n")
        else:
            from rich.console import Console

            from classifier.render import print_problems

            print_problems(found, Console(file=file, highlight=False))
    if any(problem.level == "error" for problem in found):
        raise typer.Exit(1)
