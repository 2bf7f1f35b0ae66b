"""The registry in a terminal: one card per outlet, readable at 80 columns and without colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from framescope.classifier.outlets import Answer, Flaw, NetworkSite, Registry, host_in_unicode
from framescope.classifier.records import (
    DomainRole,
    Evidence,
    NameKind,
    Network,
    Outlet,
    counted,
    printable,
)
from framescope.classifier.reports.sources import NOTHING, assessed, facts, part_of, what_it_is
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_KINDS = {
    NameKind.ALIAS: "also",
    NameKind.ABBREVIATION: "short",
    NameKind.NATIVE: "native",
    NameKind.FORMER: "formerly",
}
_SOME = 5  # of the names, hosts and accounts that a card shows in a row, so that it fits a screen


def print_answer(
    answer: Answer, registry: Registry, console: Console, *, whole: bool = False
) -> None:
    """Print what is known of a query; of many names, hosts and accounts some, or the ``whole``."""
    most = None if whole else _SOME
    if len(answer.outlets) > 1:
        _line(console, f"{len(answer.outlets)} outlets are called {answer.query}:")
        console.print()
    if answer.domain is not None and answer.domain.role is DomainRole.IMPOSTER:
        name = answer.outlets[0].name
        _line(console, f"{answer.domain.host} is an imposter of {name}, and not its host.", "red")
    for outlet in answer.outlets:
        _card(outlet, registry, console, most)
    if answer.namesakes:
        others = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.namesakes)
        _line(console, f"Also called so: {others}")
        console.print()
    if answer.operation is not None:
        _operation(answer.operation, registry, console, most)
    if answer.network is not None:
        _network(answer.network, registry, console)
    if (alike := answer.alike) is not None:
        host = host_in_unicode(alike.host)
        like = f"{host} looks like {alike.outlet.name} ({alike.original}) and is not one of its"
        _line(console, f"{like} hosts on record: {alike.how}.", "red")
        console.print()


def print_problems(problems: Sequence[Flaw], console: Console) -> None:
    """Print what is wrong or doubtful, one line each, and how much there is of either."""
    for one in problems:
        style = "red" if one.level == "error" else ""
        _line(console, f"{one.level}: {one.kind}: {one.subject}: {one.message}", style)
    for level in ("error", "warning"):
        kinds = Counter(sorted(one.kind for one in problems if one.level == level))
        text = counted(kinds.total(), level)
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        _line(console, f"{text} ({listed})" if listed else text, "bold")


def _title(named: Outlet | Network, console: Console) -> None:
    title = Text(printable(named.name), style="bold")
    console.print(title.append(f"  {named.id}", style="dim"))


def _card(outlet: Outlet, registry: Registry, console: Console, most: int | None) -> None:
    _title(outlet, console)
    notes: dict[Evidence, int] = {}
    rows = []
    for label, value, evidence in _facts(outlet, registry, most):
        text = Text(printable(value))
        if evidence is not None:
            text.append(f" [{notes.setdefault(evidence, len(notes) + 1)}]", style="dim")
        rows.append((label, text))
    _grid(rows, console)
    for evidence, number in notes.items():
        _line(console, f"  [{number}] {_evidence(evidence)}", "dim")
    console.print()


def _operation(network: Network, registry: Registry, console: Console, most: int | None) -> None:
    _title(network, console)
    outlets, hosts = registry.members(network)
    known = {
        "kind": "influence network" + (f", {network.country}" if network.country else ""),
        "also": ", ".join(network.names),
        "run by": network.operator,
        "found by": network.attributed_by,
        "outlets": _some([f"{outlet.name} ({outlet.id})" for outlet in outlets], most),
        "hosts": _some([host_in_unicode(host) for host in hosts], most),
        "report": _evidence(network.evidence),
    }
    _grid([(label, Text(printable(said))) for label, said in known.items() if said], console)
    console.print()


def _grid(rows: Sequence[tuple[str, Text]], console: Console) -> None:
    """Print labels and what they say side by side: folded on a screen, a line each in a pipe."""
    if not console.is_terminal:
        wide = max(len(label) for label, _ in rows)
        for label, text in rows:
            console.print(Text(f"  {label:<{wide}}  ") + text, soft_wrap=True)
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(label, text)
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _facts(
    outlet: Outlet, registry: Registry, most: int | None
) -> Iterator[tuple[str, str, Evidence | None]]:
    kind = str(outlet.role)
    medium = [] if outlet.medium in (kind, "other") else [outlet.medium]
    yield "kind", what_it_is(outlet, [kind, *medium]), None
    for called, label in _KINDS.items():
        named = [name for name in outlet.names if name.kind is called]
        names = [name.text + (" (ambiguous)" if name.ambiguous else "") for name in named]
        if names:
            yield label, _some(names, most), None
    if any(name.kind is NameKind.MAIN and name.ambiguous for name in outlet.names):
        note = "The name means other things too; in a text, what stands around it has to tell."
        yield "", note, None
    for role in DomainRole:
        hosts = [host_in_unicode(d.host) for d in outlet.domains if d.role is role]
        if hosts:
            yield "hosts" if role is DomainRole.MAIN else f"{role}s", _some(hosts, most), None
    if outlet.accounts:
        accounts = [f"{one.platform} {one.handle}" for one in outlet.accounts]
        yield "accounts", _some(accounts, most), None
    yield from facts(outlet)
    if outlet.control is None:
        yield "control", NOTHING, None
    label = "record"
    for said, evidence in assessed(outlet, registry.network_called):
        yield label, said, evidence
        label = ""
    if not outlet.assessments:
        yield "record", "no assessment on record; that says nothing against it", None


def _some(found: Sequence[str], most: int | None) -> str:
    """List them, or the first and how many there are besides."""
    if most is None or len(found) <= most + 1:
        return ", ".join(found)
    return f"{', '.join(found[:most])} and {len(found) - most} more"


def _evidence(evidence: Evidence) -> str:
    said = f"{evidence.source}, {evidence.date}" if evidence.date else evidence.source
    return f"{said} {evidence.url}" if evidence.url else said


def _network(site: NetworkSite, registry: Registry, console: Console) -> None:
    said = f"{host_in_unicode(site.host)} is listed under {site.network}"
    imitated = registry.get(site.impersonates) if site.impersonates else None
    if imitated is not None:
        said += f", as an imposter of {imitated.name} ({imitated.id})"
    elif site.kind == "imposter":
        said += ", as an imposter"
    _line(console, f"{said}.", "red")
    if (network := registry.network_called(site.network)) is not None:
        _line(console, f"  {part_of(network)}.")
    _line(console, f"  {_evidence(site.evidence)}", "dim")
    console.print()


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)
