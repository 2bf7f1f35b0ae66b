"""The commands `framescope bundles`, except `promote`, which needs the harness."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from framescope.classifier.cli.shared import SETTINGS, AsCard, To
from typer import Argument, Option

app = typer.Typer(
    help="List bundles, promote one, roll back, push and pull.",
    no_args_is_help=True,
    context_settings=SETTINGS,
)

_Bundle = Annotated[
    str,
    Argument(
        metavar="BUNDLE",
        help="A bundle's folder, a name (NAME, NAME@VERSION), what ships, or hf://ORG/NAME.",
    ),
]
By = Annotated[str | None, Option("--by", metavar="WHO", help="Who decides.")]


@app.command("list")
def list_command(format: AsCard = "terminal") -> None:
    """List shipped and promoted bundles: kind, digest, signals, which is current."""
    from framescope.classifier.bundles import ModelStore, list_bundles

    store = ModelStore()
    found = list_bundles(store)
    if format == "json":
        write_json({"folder": str(store.root), "bundles": found})
        return
    _print_table([
        ("name", "kind", "digest", "signals", "code", "promoted (UTC)", "", ""),
        *(
            (
                one["name"] if one["version"] is None else f"{one['name']}@{one['version']}",
                str(one["kind"] or ""), str(one["digest"] or "")[:12], str(one["signals"] or ""),
                str(one["code_version"] or ""), _minute(one["promoted"]),
                "current" if one["current"] else "",
                "" if one["state"] == "ok" else str(one["state"]),
            )
            for one in found
        ),
    ])  # fmt: skip
    typer.echo(f"folder: {store.root}")


@app.command()
def show(bundle: _Bundle, format: AsCard = "terminal") -> None:
    """Show a summary of a bundle's manifest, and the history of its name."""
    from framescope.classifier.bundles import ModelStore, describe

    found = describe(bundle, ModelStore())
    if format == "json":
        write_json(found)
        return
    if "digest" in found:
        _print_facts(found)
    if (history := found.get("history")) is not None:
        typer.echo("\nhistory" if "digest" in found else f"{bundle}: never promoted; history")
        for line in chain.from_iterable(map(_event_lines, history)):
            typer.echo(f"  {line}")


@app.command()
def rollback(
    name: Annotated[
        str | None, Argument(metavar="[NAME]", help="Promoted name, if there are several.")
    ] = None,
    to: Annotated[
        int | None,
        Option(
            metavar="VERSION", min=0, help="Version; else the one before. 0 is the shipped bundle."
        ),
    ] = None,
    by: By = None,
    reason: Annotated[str | None, Option(help="Reason, for the history.")] = None,
) -> None:
    """Make an earlier version the current one again."""
    from framescope.classifier.bundles import ModelStore, roll_back

    found, before = roll_back(ModelStore(), name, to, by, reason)
    what = "what ships" if found.current == 0 else found.versions[found.current][:12]
    typer.echo(f"{found.name}: version {found.current} is current ({what}); it was {before}")


@app.command()
def push(
    bundle: _Bundle,
    target: Annotated[str, Argument(metavar="TARGET", help="A folder, or hf://ORG/NAME.")],
    public: Annotated[bool, Option("--public", help="Make a new hf:// repository public.")] = False,
) -> None:
    """Copy a bundle to a folder or a hub (extra: hub)."""
    from framescope.classifier.bundles import push as pushed

    typer.echo(f"pushed {bundle} to {pushed(bundle, target, public=public)}")


@app.command()
def pull(
    source: Annotated[
        str, Argument(metavar="SOURCE", help="hf://ORG/NAME[@REVISION], or a bundle.")
    ],
    output: Annotated[Path, To(metavar="FOLDER", help="Folder to write.")],
) -> None:
    """Copy a bundle into a folder, and check its digests (extra: hub)."""
    from framescope.classifier.bundles import pull as pulled

    typer.echo(f"pulled {source} to {output} ({pulled(source, output)})")


def write_json(record: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Write a record to standard output."""
    typer.echo(json.dumps(record, ensure_ascii=False, indent=2))


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their longest cell: paths and reasons must not be cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _minute(when: object) -> str:
    return str(when or "")[:16].replace("T", " ")


def _print_facts(found: Mapping[str, Any]) -> None:
    corpora, earlier = (
        "; ".join(
            f"{one.get('name')} ({one.get('rows', 0):,} rows, {one.get('licence')}, "
            f"{str(one.get('digest') or '')[:12]})"
            for one in found[key]
        )
        for key in ("corpora", "earlier_corpora")
    )
    split = found["split"] if isinstance(found["split"], dict) else {}
    facts = {
        "bundle": found["bundle"], "kind": found["kind"], "digest": found["digest"],
        "revision": found.get("revision"), "format": found["format"],
        "code": found["code_version"], "bytes": f"{found['bytes']:,}", "path": found["path"],
        "languages": ", ".join(found["languages"]),
        "signals": ", ".join(found["thresholds"]),
        "corpora": corpora, "before": earlier,
        "split": f"seed {split['seed']}, {str(split.get('signature'))[:12]}" if split else None,
        "seed": found["seed"],
        "figures": f"{len(found['metrics'])} in its card" if found["metrics"] else None,
    }  # fmt: skip
    if "current" in found:
        facts["current"] = f"version {found['current']} of {', '.join(map(str, found['versions']))}"
    for name, value in facts.items():
        if value not in (None, ""):
            typer.echo(f"{name:<10} {value}")


def _event_lines(event: Mapping[str, Any]) -> list[str]:
    when, kind = _minute(event.get("when")), event.get("event")
    if kind == "current":
        by = f", by {event['by']}" if event.get("by") else ""
        why = f": {event['reason']}" if event.get("reason") else ""
        return [
            f"{when}  version {event.get('version')} became current ({event.get('why')}{by}); it "
            f"was {event.get('before')}{why}"
        ]
    candidate = event.get("candidate", {})
    lines = [
        f"{when}  {event.get('decision', kind)}: {candidate.get('bundle')} "
        f"({str(candidate.get('digest'))[:12]}) against {event.get('against', {}).get('name')}"
    ]
    if allowed := event.get("allowed"):
        lines.append(f"    allowed by {allowed['by']}: {allowed['reason']}")
    return lines + [f"    {line}" for line in event.get("objections", ())]
