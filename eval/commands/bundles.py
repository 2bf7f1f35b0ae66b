"""The command `framescope bundles`: compare, promote and roll back, push and pull."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from framescope.classifier.cli.help import SETTINGS
from framescope.classifier.cli.shared import CardFormat, Json
from framescope.training.options import CorporaFolder, HouseFolder

if TYPE_CHECKING:
    from framescope.eval.promotion import Judgement

app = typer.Typer(
    help="Bundles over time: compare them, promote one, go back; bring them elsewhere.",
    no_args_is_help=True,
    context_settings=SETTINGS,
)

_Bundle = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE",
        help="A bundle's folder, a name (NAME, NAME@VERSION), what ships, or hf://ORG/NAME.",
    ),
]
_As = Annotated[CardFormat, typer.Option("--format", "-f", help="How to write it.")]
_Key = Annotated[
    Path | None, typer.Option("--key", metavar="PUB", help="The public key of its maker.")
]
_Digest = Annotated[
    str | None,
    typer.Option("--digest", metavar="SHA256", help="What its maker says is its digest."),
]
_Unverified = Annotated[
    bool, typer.Option("--unverified", help="Take an archive that nothing vouches for.")
]
_Sign = Annotated[
    Path | None, typer.Option("--key", metavar="KEY", help="Sign it with this private key.")
]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Write over a file that is no archive.")
]
_By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so.")]


@app.callback()
def bundles() -> None:
    """Compare bundles, promote one, go back; bring them elsewhere."""


@app.command("list")
def list_command(format: _As = CardFormat.TERMINAL, as_json: Json = False) -> None:
    """List what ships, and what was promoted: kind, digest, signals, which is current."""
    from framescope.classifier.store import Shelf, listed

    shelf = Shelf.of_user()
    found = listed(shelf)
    if as_json or format is CardFormat.JSON:
        _write_json({"folder": str(shelf.root), "bundles": found})
        return
    rows = (
        (
            _called(one),
            str(one["kind"] or ""), str(one["digest"] or "")[:12], str(one["signals"] or ""),
            str(one["code_version"] or ""), str(one["promoted"] or "")[:16].replace("T", " "),
            "current" if one["current"] else "",
            "" if one["state"] == "ok" else str(one["state"]),
        )
        for one in found
    )  # fmt: skip
    _print_table(
        ("name", "kind", "digest", "signals", "code", "promoted (UTC)", "", ""), list(rows)
    )
    typer.echo(f"folder: {shelf.root}")


@app.command()
def show(bundle: _Bundle, format: _As = CardFormat.TERMINAL, as_json: Json = False) -> None:
    """Show what a bundle says of itself, and what happened under its name."""
    from framescope.classifier.store import Shelf, described

    found = described(bundle, Shelf.of_user())
    if as_json or format is CardFormat.JSON:
        _write_json(found)
        return
    if "digest" in found:
        _print_facts(found)
    history = found.get("history")
    if history is not None:
        typer.echo("\nhistory" if "digest" in found else f"{bundle}: never promoted; history")
        for event in history:
            for line in _event_lines(event):
                typer.echo(f"  {line}")


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A bundle, as --model takes it.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    format: _As = CardFormat.TERMINAL,
    as_json: Json = False,
) -> None:
    """Say what two bundles differ in: signals, thresholds, corpora, settings, figures."""
    from framescope.classifier.bundle import read_manifest, resolve
    from framescope.classifier.store import differing_sections
    from framescope.eval.report import show_section

    found = differing_sections(read_manifest(resolve(a)), read_manifest(resolve(b)))
    show_section(found, "json" if as_json or format is CardFormat.JSON else "terminal")


@app.command()
def promote(
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="The folder that training wrote.")
    ],
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Its name; else its folder's.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Your own held-out labels (exchange format), too. Repeatable.",
        ),
    ] = None,
    corpora: CorporaFolder = None,
    house: HouseFolder = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="BUNDLE",
            help="Beside this one; else beside the current one, at first what ships of its kind.",
        ),
    ] = None,
    allow: Annotated[
        str | None,
        typer.Option("--allow", metavar="REASON", help="Promote it whatever falls; with --by."),
    ] = None,
    by: _By = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of articles.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge it, and write nothing.")
    ] = False,
    format: _As = CardFormat.TERMINAL,
    as_json: Json = False,
) -> None:
    """Make a bundle the current one of a name, if nothing is worse.

    It must pass the gate, and no signal may be worse beyond its interval, on what ships (or on the
    corpora) and on your own held-out labels. A refusal ends with status 1 and says what fell.
    """
    from framescope.classifier.store import Shelf
    from framescope.eval.commands import progress
    from framescope.eval.promotion import Proposal
    from framescope.eval.promotion import promote as judged
    from framescope.eval.report import show_section

    asked = Proposal(candidate, name, data or (), corpora, against, allow, by, draws, seed, dry_run)
    with progress() as bar:
        found = judged(asked, Shelf.of_user(), bar)
    if as_json or format is CardFormat.JSON:
        _write_json({"name": found.name, "version": found.version, **found.record})
    elif found.judgement is not None:
        show_section(found.judgement.section())
        _print_objections(found.judgement)
    if not (as_json or format is CardFormat.JSON):
        typer.echo(_decided(found.name, found.version, found.decision, dry=dry_run))
    if found.decision == "refused":
        raise typer.Exit(1)


@app.command()
def rollback(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="May be left out where there is one.")
    ] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="VERSION", min=0, help="Else the one before; 0 ships."),
    ] = None,
    by: _By = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="REASON", help="For the history.")
    ] = None,
) -> None:
    """Make an earlier version the current one again, at once."""
    from framescope.classifier.store import Shelf
    from framescope.eval.promotion import roll_back

    found, before = roll_back(Shelf.of_user(), name, to, by, reason)
    what = "what ships" if found.current == 0 else found.versions[found.current][:12]
    typer.echo(f"{found.name}: version {found.current} is current ({what}); it was {before}")


@app.command()
def push(
    bundle: _Bundle,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A folder, hf://ORG/NAME, or an archive's file.")
    ],
    key: _Sign = None,
    public: Annotated[
        bool, typer.Option("--public", help="A new hf:// address is for everybody to see.")
    ] = False,
    message: Annotated[
        str | None, typer.Option("--message", metavar="TEXT", help="Of the commit.")
    ] = None,
    overwrite: _Overwrite = False,
) -> None:
    """Bring a bundle elsewhere: to a folder, a hub or an archive (extra: hub)."""
    from framescope.classifier.store import push as pushed

    where = pushed(bundle, target, key=key, public=public, message=message, overwrite=overwrite)
    typer.echo(f"pushed {bundle} to {where}")


@app.command()
def pull(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="hf://ORG/NAME[@REVISION], an archive, a bundle."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to.")],
    key: _Key = None,
    digest: _Digest = None,
    unverified: _Unverified = False,
) -> None:
    """Bring a bundle here, into a folder; its files are held against their digests (extra: hub)."""
    from framescope.classifier.store import pull as pulled

    what = pulled(source, output, key=key, expected=digest, unverified=unverified)
    typer.echo(f"pulled {source} to {output} ({what})")


@app.command("pack")
def pack_command(
    bundle: _Bundle,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="NAME.framescope.tar, .tar.gz or .tar.zst."
        ),
    ],
    key: _Sign = None,
    overwrite: _Overwrite = False,
) -> None:
    """Write a bundle as one file, signed or not, and say its digest."""
    from framescope.classifier.bundle import resolve
    from framescope.classifier.store import SUFFIXES, ShelfError, pack

    if not output.name.endswith(SUFFIXES):
        raise ShelfError(f"{output}: give --output a name that ends with {', '.join(SUFFIXES)}")
    digest = pack(resolve(bundle), output, key, overwrite=overwrite)
    typer.echo(f"wrote {output}\nSHA-256 {digest}")


@app.command("unpack")
def unpack_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What bundles pack wrote.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Else the bundle's name, here."),
    ] = None,
    key: _Key = None,
    digest: _Digest = None,
    unverified: _Unverified = False,
) -> None:
    """Write an archive's bundle into a folder, if its signature or its digest is right."""
    from framescope.classifier.store import read_archive, unpack

    folder = output if output is not None else Path(Path(read_archive(file).name).name)
    found = unpack(file, folder, key, digest, unverified=unverified)
    signed = "not signed" if found.signer is None else f"signed by key {found.signer[:16]}"
    typer.echo(f"wrote {folder} (bundle {found.bundle[:12]}, {signed})\nSHA-256 {found.digest}")


@app.command()
def key(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="KEY", help="Its file; KEY.pub lies beside.")
    ],
) -> None:
    """Make a pair of keys to sign archives with; keep the private one to yourself."""
    from framescope.classifier.store import write_key

    public, fingerprint = write_key(output)
    typer.echo(f"wrote {output} (keep it secret) and {public}\nkey {fingerprint[:16]}")


# --- how it is shown ------------------------------------------------------------------------------


def _write_json(record: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(record, ensure_ascii=False, indent=2))


def _called(one: Mapping[str, Any]) -> str:
    return one["name"] if one["version"] is None else f"{one['name']}@{one['version']}"


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as what they hold: paths and reasons are read whole."""
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    for row in (columns, *rows):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


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
    when, kind = str(event.get("when", ""))[:16].replace("T", " "), event.get("event")
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
        f"({str(candidate.get('digest'))[:12]}) beside {event.get('against', {}).get('name')}"
    ]
    allowed = event.get("allowed")
    if allowed:
        lines.append(f"    allowed by {allowed['by']}: {allowed['reason']}")
    return lines + [f"    {line}" for line in event.get("objections", ())]


def _print_objections(judgement: Judgement) -> None:
    if judgement.objections:
        typer.echo("\nagainst it:")
        for line in judgement.objections:
            typer.echo(f"  {line}")


def _decided(name: str, version: int | None, decision: str, *, dry: bool) -> str:
    """Say in a line what came of it."""
    if decision == "current":
        return f"{name}@{version} is this bundle already; nothing to do"
    if dry:
        said = {"refused": "would be refused"}.get(decision, f"would be {decision}")
        return f"{name}: {said}; nothing was written"
    if decision == "refused":
        stays = f"{name}@{version} stays current" if version is not None else "nothing is current"
        return (
            f"refused: {stays}. To promote it all the same: --allow REASON --by WHO; both are kept"
        )
    return f"{name}@{version} is current ({decision}); framescope score --model {name}"
