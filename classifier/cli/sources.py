"""The command `framescope sources`: look outlets up, list, check, export and import them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer
from framescope.classifier.cli import shared
from framescope.classifier.cli.shared import CardFormat, To, parse_columns
from framescope.classifier.errors import SourcesError
from framescope.classifier.records import DomainRole, Outlet, Role, printable
from typer import Argument, Option

if TYPE_CHECKING:
    from rich.console import Console
ExportFormat = Literal["csv", "jsonl", "jsonld", "parquet"]


sources_app = typer.Typer(
    help="The registry of outlets: look one up, list them, check them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@sources_app.command()
def show(
    queries: Annotated[
        list[str],
        Argument(metavar="QUERY...", help="A host, URL, account, name in any script, id or QID."),
    ],
    sources: shared.Own = None,
    format: shared.AsCard = "terminal",
    whole: Annotated[
        bool, Option("--all", help="Show every name, host and account, not only the first.")
    ] = False,
) -> None:
    """Show what is on record about an outlet or a host."""
    from framescope.classifier import outlets

    registry = outlets.load_registry(user=sources)
    answers = [outlets.look_up(registry, query) for query in queries]

    def on(terminal: Any, console: Console) -> None:
        for answer in answers:
            terminal.print_answer(answer, registry, console, whole=whole)

    _write(format, map(outlets.answers_to_json, answers), on)
    if missing := [answer for answer in answers if not answer.found]:
        asked = ", ".join(f"'{printable(answer.query)}'" for answer in missing)
        meant = {outlet.id: outlet.name for answer in missing for outlet in answer.close}
        listed = ", ".join(f"{name} ({id})" for id, name in meant.items())
        hint = f"did you mean {listed}?" if meant else "see: framescope sources list"
        raise SourcesError(f"{asked}: no outlet has this host, name, id or QID; {hint}")


def _write(format: CardFormat, objects: Iterable[Any], on: Callable[[Any, Console], None]) -> None:
    from framescope.classifier.output import on_console, opened

    with opened(None) as file:
        if format == "json":
            file.write(json.dumps(list(objects), ensure_ascii=False, indent=2) + "\n")
        else:
            from framescope.classifier.reports import terminal

            # A pipe gets each fact on a line of its own, however long.
            with on_console(file, 1_000_000) as console:
                on(terminal, console)


@sources_app.command("list")
def list_(
    sources: shared.Own = None,
    country: Annotated[
        str | None, Option(help="Only outlets from this country, such as IR or Iran.")
    ] = None,
    state_media: Annotated[
        bool | None,
        Option("--state-media/--no-state-media", help="Only state media, or only others."),
    ] = None,
    role: Annotated[Role | None, Option(help="Only outlets with this role.")] = None,
    format: Annotated[Literal["tsv", "json"], shared.As(help="Format of the output.")] = "tsv",
) -> None:
    """List the outlets, one per line."""
    from framescope.classifier import outlets
    from framescope.classifier.output import opened

    registry = outlets.load_registry(user=sources)
    code = None if country is None else outlets.schema.country_called(country)
    found = [
        outlet
        for outlet in registry
        if (code is None or outlet.country == code)
        and (role is None or outlet.role is role)
        and (state_media is None or outlet.state_media is state_media)
    ]
    with opened(None) as file:
        if format == "tsv":
            lines = ["\t".join(row) for row in (_COLUMNS, *map(_row, found))]
        else:
            objects = map(outlets.user.outlet_to_object, found)
            lines = [json.dumps(one, ensure_ascii=False) for one in objects]
        file.writelines(f"{line}\n" for line in lines)
    if sys.stderr.isatty():
        typer.echo(f"{len(found)} of {len(registry)} outlets", err=True)


_COLUMNS = ("id", "name", "role", "medium", "country", "code", "host", "wikidata")


def _row(outlet: Outlet) -> tuple[str, ...]:
    code = outlet.control.code if outlet.control else None
    host = next((d.host for d in outlet.domains if d.role is DomainRole.MAIN), "")
    kind = (outlet.role, outlet.medium, outlet.country or "", code or "")
    return (outlet.id, outlet.name, *kind, host, outlet.wikidata or "")


@sources_app.command()
def check(sources: shared.Own = None, format: shared.AsCard = "terminal") -> None:
    """Check the tables, or a file of your own against them; exit status 1 on errors."""
    from framescope.classifier import outlets

    if sources is None:
        found = outlets.problems_of_tables()
    else:
        registry = outlets.load_registry()
        found = outlets.clashes(registry, outlets.user.read_outlets(sources, registry))

    objects = (problem._asdict() for problem in found)
    _write(format, objects, lambda terminal, console: terminal.print_flaws(found, console))
    if any(problem.level == "error" for problem in found):
        raise typer.Exit(1)


@sources_app.command("export")
def export_command(
    output: Annotated[Path | None, To(metavar="FILE", help="Default: standard output.")] = None,
    format: Annotated[
        ExportFormat | None,
        shared.As(help="csv and parquet: one row per fact. Default: the suffix of --output."),
    ] = None,
    sources: shared.Own = None,
    overwrite: shared.OverFile = False,
) -> None:
    """Export the registry: every fact with its source, date and licence."""
    from framescope.classifier import outlets
    from framescope.classifier import output as outputs

    suffix = "" if output is None else output.suffix.removeprefix(".")
    named = suffix if suffix in get_args(ExportFormat) else "csv"
    chosen = format or ("jsonld" if suffix == "json" else named)
    registry = outlets.load_registry(user=sources)
    outputs.check(output, overwrite=overwrite)
    if chosen == "parquet" and output in (None, outputs.STDOUT):
        raise SourcesError("Parquet is not text; give --output FILE")
    with outputs.drafted(output) as draft:
        path = draft.part or output
        target = path if path is not None and chosen == "parquet" else draft.file
        outlets.export_registry(registry, chosen, target)


@sources_app.command("import")
def import_command(
    file: Annotated[Path, Argument(metavar="FILE", help="A rater's table: CSV, JSON or .xlsx.")],
    rater: Annotated[str, Option("--rater", metavar="NAME", help="Name of the rater.")],
    licence: Annotated[str, Option("--licence", metavar="TEXT", help="The terms of the file.")],
    term: Annotated[
        list[str] | None,
        Option(
            metavar="WORD=RATING",
            help="Count a word of the rater, or a range (60..100=generally_reliable), as this.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        Option(
            metavar="FIELD=NAME",
            help="Column that holds a field (outlet, rating, criteria, date, url); repeatable.",
        ),
    ] = None,
    date: Annotated[str | None, Option(help="Date of rows without one, such as 2026-11.")] = None,
    output: Annotated[
        Path | None,
        To(metavar="FILE", help="Default: your own folder of outlets, which every command reads."),
    ] = None,
    overwrite: shared.OverFile = False,
) -> None:
    """Import ratings that you hold, beside those of the registry."""
    from framescope.classifier import output as outputs
    from framescope.classifier.outlets import load_registry, slug, user

    columns = parse_columns(column, user.RATING_COLUMNS)
    given = user.Rater(rater, licence, user.rating_terms(term or ()), columns, date)
    objects, unknown = user.read_ratings(file, given, load_registry())
    if not objects:
        raise SourcesError(f"{file}: none of its {len(unknown):,} outlets is in the registry")
    target = output or user.own_folder() / f"{slug(rater) or 'ratings'}.jsonl"
    outputs.check(target, overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    with outputs.opened(target) as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in objects)
    typer.echo(
        f"framescope: {target}: ratings by {printable(rater)}, of outlets on record "
        f"{len(objects):,}, of others {len(unknown):,} (left out)",
        err=True,
    )
