"""A report and the registry in a terminal; texts go into `Text`, which reads no markup."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from framescope.classifier import __version__, records
from framescope.classifier.outlets import Answer, Flaw, NetworkSite, Registry, addresses
from framescope.classifier.records import counted, printable
from framescope.classifier.reports import layout, sources, sourcing
from framescope.classifier.reports.layout import ASSERTION, score_in_words
from framescope.classifier.taxonomy import BY_NAME, NAMES
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

# Colours a terminal's own theme defines, so they are legible on a light and a dark background.
_FAMILY_STYLE = {"framing": "red", "sourcing": "magenta", "content": "cyan", "article": "red"}
_VOICE_MARK: dict[Any, str] = {records.Voice.REPORTED: "R", records.Voice.QUOTED: "Q"}
_NUMBER: dict[str, Any] = {"justify": "right", "style": "dim"}  # of a column, as is the next
_FOLD: dict[str, Any] = {"overflow": "fold"}
_FLAGGED, _ASKED = ">", "?"
_MOST_WORDS = 3  # stretches of words shown for a reason
_MOST_ASKED = 5
_KEY = f"{_FLAGGED} marked   {_ASKED} only: {layout.kind(ASSERTION).label}   R reported   Q quoted"
_SHARES = (
    "shares are of the sentences in a column; a mark says how a sentence is worded or sourced, "
    "not whether it is true"
)
_ADDRESS = re.compile(r"https?://\S+$")  # stays whole at the end of a line, however long it is
_LABEL = 8  # characters of a label of the card, and a space
_MOST_ROWS = 12
_MOST_NUMBERS = 20
_BAR = {"named": "█", "unnamed": "▒", "vague": "░", records.UNRESOLVED: "-", records.NOBODY: "·"}
_BAR_WIDTH = 60
_KINDS = {"alias": "also", "abbreviation": "short", "native": "native", "former": "formerly"}
_SOME = 5  # of the names, hosts and accounts that a card shows in a row, so that it fits a screen


def print_report(report: records.BatchReport, console: Console, *, legend: bool = False) -> None:
    """Print a report, and the meaning of its marks on request; the console gives the width."""
    total = len(report.articles)
    scored = any(article.note is None for article in report.articles)
    if not total:
        console.print(Text("No article was scored."))
    for number, article in enumerate(report.articles, start=1):
        _heading(f"article {number} of {total}", console)
        _print_article(article, report.thresholds, console)
    if legend and scored:
        _print_legend(report, console)
    computed = f" ({printable(report.runtime)})" if report.runtime else ""
    digest = f", {report.digest[:12]}" if report.digest else ""
    line = f"model: {printable(report.model)}{digest}{computed}; framescope {__version__}"
    console.print(Text(line, style="dim"))
    if not legend and scored:
        console.print(Text("what the marks mean: --legend", style="dim"))
    if report.skipped:
        console.print()
        _heading("not read", console)
    for item in report.skipped:
        console.print(Text(f"{printable(item.source)}: {printable(item.reason)}"))


def _heading(text: str, console: Console) -> None:
    console.rule(Text(text, style="dim"), align="left", style="dim")


def _print_article(
    report: records.ArticleReport, thresholds: Mapping[str, float], console: Console
) -> None:
    summary = sourcing.summarise(report)
    if said := sources.warning(report):
        console.print(Text(said, style="bold red"))
    console.print(Text(layout.title(report.article), style="bold"))
    for line in _origin(report):
        console.print(line, soft_wrap=_ADDRESS.fullmatch(line.plain) is not None)
    console.print(Text(summary.text, style="italic"))
    console.print()
    console.print(_text_of(report, thresholds))
    console.print()
    found = sourcing.sourcing_map(report)
    _print_card(sources.card(report), found, console)
    if found is not None:
        _print_map(found, console)
    if report.note is None:
        _print_asked(layout.assertions(report), console)
        console.print(_by_voice(summary))
        for line in _verdicts(report, thresholds):
            console.print(line)
        console.print()


def _columns(*columns: Mapping[str, Any], padding: int = 1) -> Table:
    return Table.grid(*(Column(**one) for one in columns), padding=(0, padding))


def _print_asked(found: Sequence[tuple[int, str, str]], console: Console) -> None:
    if not found:
        return
    console.print(Text("what an editor would ask a source for", style="bold"))
    rows = _columns(_NUMBER, {"style": "dim"}, _FOLD)
    for number, score, excerpt in found[:_MOST_ASKED]:
        rows.add_row(Text(str(number)), score, Text(excerpt))
    console.print(rows)
    _print_rest(found[_MOST_ASKED:], "more assertion", console)


def _print_rest(left: Sequence[object], noun: str, console: Console) -> None:
    if left:
        console.print(Text(f"and {counted(len(left), noun)}", style="dim"))
    console.print()


def _origin(report: records.ArticleReport) -> Iterator[Text]:
    article = report.article
    yield Text(" · ".join((f"Publisher: {sources.published_by(report)}", *layout.imprint(article))))
    if article.origin is not None and article.origin.input != article.url:
        yield Text(printable(str(article.origin)), style="dim", overflow="fold")
    if article.url:
        yield Text(printable(article.url), style="dim", overflow="fold")
    for part in article.republications:
        yield Text(layout.carries(report, part), style="italic")
    if article.removed:
        left = (
            f"left out {counted(len(article.removed), 'piece')} of the page, no part of the article"
        )
        yield Text(f"{left}; --format html shows them", style="dim", overflow="fold")


def _text_of(report: records.ArticleReport, thresholds: Mapping[str, float]) -> Table:
    table = _columns({"width": 1}, _NUMBER, {"width": 1}, _FOLD)  # sign, number, voice, text
    for index, paragraph in enumerate(layout.paragraphs(report, thresholds)):
        if index:
            table.add_row()
        for line in paragraph:
            _add_line(table, line, report)
    return table


def _add_line(table: Table, line: layout.TextLine, report: records.ArticleReport) -> None:
    if line.report is None:
        table.add_row("", "", "", Text(printable(line.text).strip(), style="dim"))
        return
    voice = _VOICE_MARK.get(line.report.voice, "") if report.note is None else ""
    text = Text(style="bold" if line.loud else "")
    for segment in line.segments:
        style = ""
        if line.loud and segment.signals:
            style = f"underline {_FAMILY_STYLE[BY_NAME[segment.signals[0]].family]}"
        text.append(printable(segment.text), style=style)
    if not line.loud:
        table.add_row("", Text(str(line.number)), voice, text)
        return
    only_asked = [mark.kind.name for mark in line.loud] == [ASSERTION]
    sign = Text(_ASKED, style="bold magenta") if only_asked else Text(_FLAGGED, style="bold red")
    table.add_row(sign, Text(str(line.number)), voice, text)
    for reason in _reasons(line):
        table.add_row("", "", "", Text("└ ").append(reason))
    # Most sentences of an article cite somebody: the rest are found by the map's numbers.
    for cited in sourcing.cited_in(report, line.report):
        table.add_row("", "", "", Text("└ says: ").append(str(cited), "dim"))


def _reasons(line: layout.TextLine) -> Iterator[Text]:
    """Yield a line for each reason with its words; the quiet ones share the last."""
    for mark in line.loud:
        words = ", ".join(f"“{word}”" for word in mark.words[:_MOST_WORDS])
        words += f" again in {mark.again}" if mark.again else ""
        yield Text.assemble(_named(mark), (f"  {words}" if words else "", "dim"))
    if line.also:
        yield Text(" · ").join(map(_named, line.also))


def _named(mark: layout.SentenceMark) -> Text:
    score = "" if mark.score is None else f" {score_in_words(mark.score)}"
    style = "dim" if mark.quiet else _FAMILY_STYLE[mark.kind.family]
    return Text(mark.kind.label + score, style=style)


def _print_card(
    found: sources.CardView | None, whom: sourcing.SourcingMap | None, console: Console
) -> None:
    if found is None:
        return
    words = [whom.words] if whom else []
    parts: Sequence[tuple[str, Iterable[Text]]] = (
        ("", [Text(found.warning, style="bold red")] if found.warning else []),
        ("source", _published(found)),
        ("control", _control(found)),
        ("record", _record(found)),
        ("article", map(Text, (*words, *found.evidence))),
    )
    for label, lines in parts:
        for number, line in enumerate(lines):
            _print_beside("" if number else label, line, console)
    console.print()


def _print_beside(label: str, line: Text, console: Console) -> None:
    """Print a line of the card beside its label; an address stays whole, however long it is."""
    head, room = Text(f"{label:<{_LABEL}}", style="dim"), max(console.width - _LABEL, 20)
    address = _ADDRESS.search(line.plain)
    tail = None
    if address is not None and len(address[0]) > room:
        line, tail = line[: address.start()], line[address.start() :]
    for part in line.wrap(console, room):
        console.print(head + part)
        head = Text(" " * _LABEL)
    if tail is not None:
        console.print(head + tail, soft_wrap=True)


def _published(found: sources.CardView) -> Iterator[Text]:
    if not found.steps:
        yield Text("unknown: nothing says who published it")
    for step in found.steps:
        line = Text(step.name, style="bold").append(f": {step.did}, {step.basis}", "not bold")
        if step.words:
            line.append(f" “{step.words}”", "not bold dim")
        if step.sentence:
            line.append(f" (sentence {step.sentence})", "not bold dim")
        yield line
    for said in found.said:
        yield Text(said, style="dim")


def _control(found: sources.CardView) -> Iterator[Text]:
    if found.about:
        yield Text(f"{found.about}: {found.kind}")
    for label, said, evidence in found.control:
        yield _proved(Text(f"{label}: {said}" if label else said), "; ", evidence)
    if found.uncontrolled:
        yield Text(found.uncontrolled)


def _record(found: sources.CardView) -> Iterator[Text]:
    if found.estimate:
        yield Text(found.estimate, style="bold").append(
            f", {found.interval}; {sources.SCALE}", "not bold"
        )
    elif found.rated:
        yield Text(found.rated, style="bold")
    else:
        yield Text("unscored", style="bold").append(f": {found.reason}", "not bold")
    for _, said, evidence in found.findings:
        yield _proved(Text(said), ": ", evidence)
    if found.shift:
        yield Text(found.shift)


def _proved(line: Text, sign: str, evidence: records.Evidence | None) -> Text:
    proof = sources.proof(evidence) if evidence else ()
    return line.append(sign).append(" ".join(filter(None, proof)), "dim") if proof else line


def _print_map(found: sourcing.SourcingMap, console: Console) -> None:
    """Print who an article stands on: a bar, and a table of its sources."""
    console.print(Text("who the article stands on, in sentences", style="bold"))
    console.print(Text(_bar(found, min(_BAR_WIDTH, console.width)), style="blue"))
    key = (f"{_BAR[group]} {sourcing.KEY[group]} {n}" for group, n in found.counts.items())
    console.print(Text("  ".join(key)))
    if found.powers:
        console.print(Text(found.powers))
    console.print()
    if not found.rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("source", "kind", "sentences", "which"):
        options: dict[str, Any] = {"justify": "right"} if name == "sentences" else _FOLD
        table.add_column(name, **options)
    for row in found.rows[:_MOST_ROWS]:
        cited = len(row.sentences)
        count = f"{cited} {layout.percent(cited, found.total):>4}"
        numbers = ", ".join(map(str, row.sentences[:_MOST_NUMBERS]))
        numbers += ", …" if len(row.sentences) > _MOST_NUMBERS else ""
        table.add_row(Text(printable(row.label)), Text(", ".join(row.tags)), count, Text(numbers))
    console.print(table)
    _print_rest(found.rows[_MOST_ROWS:], "more source", console)


def _bar(found: sourcing.SourcingMap, width: int) -> str:
    """Draw the bar in characters that differ without colour."""
    drawn, seen = "", 0
    for group, character in _BAR.items():
        seen += sum(part.sentences for part in found.parts if part.group == group)
        drawn += character * (round(width * seen / found.total) - len(drawn))
    return drawn


def _by_voice(summary: sourcing.Summary) -> Table:
    table = Table("", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    whole = summary.sentences
    voices = () if whole.own is None else ("own voice", "reported", "quoted")
    for voice in (*voices, "all"):
        table.add_column(voice, justify="right")
    table.add_row("sentences", *(Text(str(number)) for number, _ in whole.shares(whole)))
    for name, tally in summary.flagged.items():
        if tally.total:
            label = Text(BY_NAME[name].label, style=_FAMILY_STYLE[BY_NAME[name].family])
            shares = tally.shares(whole)
            table.add_row(label, *(Text(f"{part} {share:>4}") for part, share in shares))
    return table


def _verdicts(report: records.ArticleReport, thresholds: Mapping[str, float]) -> Iterator[Text]:
    for name, value in report.scores.items():
        if name in report.experimental:
            continue
        decision = "flagged" if name in report.flags else "not flagged"
        line = f"{BY_NAME[name].label}: {score_in_words(value)}, {decision}"
        if name in thresholds:
            line += f" (threshold {score_in_words(thresholds[name])})"
        yield Text(line, style=_FAMILY_STYLE["article"] if name in report.flags else "")


def _print_legend(report: records.BatchReport, console: Console) -> None:
    _heading("what the marks mean", console)
    console.print(Text(f"{_KEY}   no letter: own voice" if layout.all_voiced(report) else _KEY))
    console.print(Text(_SHARES))
    if any(article.source is not None for article in report.articles):
        console.print(Text(sources.APART))
    console.print()
    table = _columns({"max_width": 30}, {}, padding=2)
    met = {name for article in report.articles for name in article.flags}
    sentences = (sentence for article in report.articles for sentence in article.sentences)
    met |= {mark.kind.name for s in sentences for mark in layout.marks(s, report.thresholds)}
    for one in (layout.kind(name) for name in (layout.UNSOURCED, *NAMES) if name in met):
        table.add_row(Text(one.label, style=_FAMILY_STYLE[one.family]), Text(one.meaning))
    console.print(table)
    console.print()


def print_answer(
    answer: Answer, registry: Registry, console: Console, *, whole: bool = False
) -> None:
    """Print what is known of a query; of many names, hosts and accounts some, or the ``whole``."""
    most = None if whole else _SOME
    if len(answer.outlets) > 1:
        _line(console, f"{len(answer.outlets)} outlets are called {answer.query}:")
        console.print()
    if answer.domain is not None and answer.domain.role is records.DomainRole.IMPOSTER:
        name = answer.outlets[0].name
        _line(console, f"{answer.domain.host} is an imposter of {name}, and not its host.", "red")
    for outlet in answer.outlets:
        _outlet_card(outlet, registry, console, most)
    if answer.namesakes:
        others = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.namesakes)
        _line(console, f"Also called so: {others}")
        console.print()
    if answer.operation is not None:
        _operation(answer.operation, registry, console, most)
    if answer.network is not None:
        _network(answer.network, registry, console)
    if (alike := answer.alike) is not None:
        host = addresses.host_in_unicode(alike.host)
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


def _name(named: records.Outlet | records.Network, console: Console) -> None:
    title = Text(printable(named.name), style="bold")
    console.print(title.append(f"  {named.id}", style="dim"))


def _outlet_card(
    outlet: records.Outlet, registry: Registry, console: Console, most: int | None
) -> None:
    _name(outlet, console)
    notes: dict[records.Evidence, int] = {}
    rows = []
    for label, value, evidence in _facts(outlet, registry, most):
        text = Text(printable(value))
        if evidence is not None:
            text.append(f" [{notes.setdefault(evidence, len(notes) + 1)}]", style="dim")
        rows.append((label, text))
    _grid(rows, console)
    for evidence, number in notes.items():
        _line(console, f"  [{number}] {_from(evidence)}", "dim")
    console.print()


def _operation(
    network: records.Network, registry: Registry, console: Console, most: int | None
) -> None:
    _name(network, console)
    outlets, hosts = registry.members(network)
    known = {
        "kind": "influence network" + (f", {network.country}" if network.country else ""),
        "also": ", ".join(network.names),
        "run by": network.operator,
        "found by": network.attributed_by,
        "outlets": _some([f"{outlet.name} ({outlet.id})" for outlet in outlets], most),
        "hosts": _some([addresses.host_in_unicode(host) for host in hosts], most),
        "report": _from(network.evidence),
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
    grid = _columns({"style": "dim", "no_wrap": True}, _FOLD, padding=2)
    for label, text in rows:
        grid.add_row(label, text)
    console.print(Padding(grid, (0, 0, 0, 2), expand=False))


def _facts(
    outlet: records.Outlet, registry: Registry, most: int | None
) -> Iterator[tuple[str, str, records.Evidence | None]]:
    kind = str(outlet.role)
    medium = [] if outlet.medium in (kind, "other") else [outlet.medium]
    yield "kind", sources.what_it_is(outlet, [kind, *medium]), None
    for called, label in _KINDS.items():
        named = [name for name in outlet.names if name.kind == called]
        if names := [name.text + " (ambiguous)" * name.ambiguous for name in named]:
            yield label, _some(names, most), None
    if any(name.kind is records.NameKind.MAIN and name.ambiguous for name in outlet.names):
        note = "The name means other things too; in a text, what stands around it has to tell."
        yield "", note, None
    for role in records.DomainRole:
        hosts = [addresses.host_in_unicode(d.host) for d in outlet.domains if d.role is role]
        if hosts:
            label = "hosts" if role is records.DomainRole.MAIN else f"{role}s"
            yield label, _some(hosts, most), None
    if outlet.accounts:
        accounts = [f"{one.platform} {one.handle}" for one in outlet.accounts]
        yield "accounts", _some(accounts, most), None
    yield from sources.facts(outlet)
    if outlet.control is None:
        yield "control", sources.NOTHING, None
    for n, (said, evidence) in enumerate(sources.assessed(outlet, registry.network_called)):
        yield "" if n else "record", said, evidence
    if not outlet.assessments:
        yield "record", "no assessment on record; that says nothing against it", None


def _some(found: Sequence[str], most: int | None) -> str:
    """List them, or the first and how many there are besides."""
    if most is None or len(found) <= most + 1:
        return ", ".join(found)
    return f"{', '.join(found[:most])} and {len(found) - most} more"


def _from(evidence: records.Evidence) -> str:
    said = f"{evidence.source}, {evidence.date}" if evidence.date else evidence.source
    return f"{said} {evidence.url}" if evidence.url else said


def _network(site: NetworkSite, registry: Registry, console: Console) -> None:
    said = f"{addresses.host_in_unicode(site.host)} is listed under {site.network}"
    imitated = registry.get(site.impersonates) if site.impersonates else None
    if imitated is not None:
        said += f", as an imposter of {imitated.name} ({imitated.id})"
    elif site.kind == "imposter":
        said += ", as an imposter"
    _line(console, f"{said}.", "red")
    if (network := registry.network_called(site.network)) is not None:
        _line(console, f"  {sources.part_of(network)}.")
    _line(console, f"  {_from(site.evidence)}", "dim")
    console.print()


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)
