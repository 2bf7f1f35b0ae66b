"""The registry in a terminal: a card an outlet, readable at 80 columns and without colour.

What the tables and a user's file hold is only ever put into `rich.text.Text`, which reads no
markup in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from classifier.sources import Answer, Flaw, LookAlike, NetworkSite, Registry, host_in_unicode
from classifier.values import CODES, Control, DomainRole, Evidence, NameKind, Outlet, printable

_KINDS = {
    NameKind.ALIAS: "also",
    NameKind.ABBREVIATION: "short",
    NameKind.NATIVE: "native",
    NameKind.FORMER: "formerly",
}


def print_answer(answer: Answer, registry: Registry, console: Console) -> None:
    """Print what is known of a query.

    Parameters
    ----------
    answer : Answer
    registry : Registry
        What names the outlet that a host imitates.
    console : rich.console.Console
    """
    if len(answer.outlets) > 1:
        _line(console, f"{len(answer.outlets)} outlets are called {answer.query}:")
        console.print()
    if answer.domain is not None and answer.domain.role is DomainRole.IMPOSTER:
        name = answer.outlets[0].name
        _line(console, f"{answer.domain.host} is an imposter of {name}, and not its host.", "red")
    for outlet in answer.outlets:
        _card(outlet, console)
    if answer.network is not None:
        _network(answer.network, registry, console)
    if answer.alike is not None:
        _line(console, likeness(answer.alike), "red")
        console.print()


def likeness(alike: LookAlike) -> str:
    """Say whose host another looks like."""
    return (
        f"{host_in_unicode(alike.host)} looks like {alike.outlet.name} ({alike.original}) and is "
        f"not one of its hosts on record: {alike.how}."
    )


def _card(outlet: Outlet, console: Console) -> None:
    title = Text(printable(outlet.name), style="bold")
    title.append(f"  {outlet.id}", style="dim")
    console.print(title)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for label, value in _facts(outlet):
        rows.add_row(label, Text("\n".join(map(printable, value.split("\n")))))
    console.print(Padding(rows, (0, 0, 1, 2), expand=False))


def _facts(outlet: Outlet) -> Iterator[tuple[str, str]]:
    kind = [str(outlet.role)]
    if str(outlet.medium) not in (str(outlet.role), "other"):
        kind.append(str(outlet.medium))
    if outlet.country:
        kind.append(outlet.country)
    if outlet.wikidata:
        kind.append(f"Wikidata {outlet.wikidata}")
    yield "kind", ", ".join(kind)
    yield from _names(outlet)
    for role in DomainRole:
        found = [host_in_unicode(d.host) for d in outlet.domains if d.role is role]
        if found:
            yield "hosts" if role is DomainRole.MAIN else f"{role}s", ", ".join(found)
    yield from _control(outlet.control)
    for n, assessment in enumerate(outlet.assessments):
        value = assessment.value.replace("_", " ")
        claim = assessment.claim.replace("_", " ")
        said = f"{claim}: {value} (confidence {assessment.confidence:g})"
        yield "record" if n == 0 else "", f"{said}\n{_evidence(assessment.evidence)}"
    if not outlet.assessments:
        yield "record", "no assessment on record; that says nothing against it"


def _names(outlet: Outlet) -> Iterator[tuple[str, str]]:
    for kind, label in _KINDS.items():
        found = [
            name.text + (" (ambiguous)" if name.ambiguous else "")
            for name in outlet.names
            if name.kind is kind
        ]
        if found:
            yield label, ", ".join(found)
    if any(name.kind is NameKind.MAIN and name.ambiguous for name in outlet.names):
        yield "", "The name means other things too; it isn't looked for in running text."


def _control(control: Control | None) -> Iterator[tuple[str, str]]:
    if control is None:
        yield "control", "nothing on record, which is not the same as independent"
        return
    if control.code is not None:
        yield "control", f"{control.code}: {CODES[control.code]}"
    three = (
        f"funding {control.funding}, governance {control.governance}, "
        f"editorial line {control.editorial}"
    )
    yield "control" if control.code is None else "", three
    if control.owner:
        yield "owner", control.owner
    yield "", _evidence(control.evidence)


def _evidence(evidence: Evidence) -> str:
    said = f"{evidence.source}, {evidence.date}" if evidence.date else evidence.source
    return f"{said}\n{evidence.url}" if evidence.url else said


def _network(site: NetworkSite, registry: Registry, console: Console) -> None:
    said = f"{host_in_unicode(site.host)} is listed under {site.network}"
    imitated = registry.get(site.impersonates) if site.impersonates else None
    if imitated is not None:
        said += f", as an imposter of {imitated.name} ({imitated.id})"
    elif site.kind == "imposter":
        said += ", as an imposter"
    _line(console, f"{said}.", "red")
    evidence = Text("\n".join(map(printable, _evidence(site.evidence).split("\n"))))
    console.print(Padding(evidence, (0, 0, 1, 2), expand=False))


def print_problems(problems: Sequence[Flaw], console: Console) -> None:
    """Print what is wrong or doubtful, a line each, and how much there is of either."""
    for problem in problems:
        style = "red" if problem.level == "error" else ""
        _line(
            console, f"{problem.level}: {problem.kind}: {problem.subject}: {problem.message}", style
        )
    counts = Counter((problem.level, problem.kind) for problem in problems)
    for level in ("error", "warning"):
        kinds = {kind: n for (found, kind), n in sorted(counts.items()) if found == level}
        total = sum(kinds.values())
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        text = f"{total} {level}{'' if total == 1 else 's'}"
        _line(console, f"{text} ({listed})" if listed else text, "bold")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)
