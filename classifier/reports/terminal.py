"""A report and the registry in a terminal; texts go into `Text`, which reads no markup."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from framescope.classifier import __version__, records
from framescope.classifier.outlets import Answer, Flaw, NetworkSite, Registry, addresses
from framescope.classifier.records import counted, printable, shortened
from framescope.classifier.reports import layout, sources, sourcing
from framescope.classifier.reports.layout import ASSERTION, MAX_WORDS, Thresholds, score_in_words
from framescope.classifier.taxonomy import BY_NAME
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

# Colours a terminal's own theme defines, so they are legible on a light and a dark background.
_FAMILY_STYLE = {"framing": "red", "sourcing": "magenta", "content": "cyan", "article": "red"}
_VOICE_MARK: dict[Any, str] = {records.Voice.REPORTED: "R", records.Voice.QUOTED: "Q"}
_FLAGGED, _ASKED = ">", "?"
_KEY = f"{_FLAGGED} marked   {_ASKED} only: {layout.kind(ASSERTION).label}   R reported   Q quoted"
_SHARES = (
    "Shares are of the sentences in a column. A mark says how a sentence is worded or sourced, "
    "not whether it is true; what each signal means: framescope signals"
)
_LINES = {"source": 1, "control": 2, "record": 2, "article": 1}  # of a short card
_NAMED = 2  # sources that a short card names
_LABEL = 8  # characters before what a short card and a sentence say
_KINDS = {"alias": "also", "abbreviation": "short", "native": "native", "former": "formerly"}
_SOME = 5  # of the names, hosts and accounts that a card shows in a row, so that it fits a screen

# A run of Hebrew, Arabic or Persian, up to a number, a bracket or a mark that lists.
_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\ufb1d-\ufefc](?:[^\dA-Za-z()·;,:\n]*[\u0590-\u08ff\ufb1d-\ufefc])?"
)
_LTR_MARK, _RTL_MARK = "\u200e", "\u200f"

_Row: TypeAlias = "tuple[str, str, records.Evidence | None]"  # a label, its words, what proves it


def print_article(
    report: records.ArticleReport,
    number: int,
    thresholds: Thresholds,
    console: Console,
    *,
    full: bool = False,
) -> None:
    """Print an article's summary, card and marked sentences; ``full``: all text and facts."""
    article, summary = report.article, sourcing.summarise(report)
    thresholds = report.thresholds or thresholds
    _heading(f"article {number}" + (f": {article.origin}" if article.origin else ""), console)
    if said := sources.warning(report):
        _line(console, said, "bold red")
    console.print(Text(layout.title(article), style="bold"))
    by = ", via ".join(filter(None, sources.whose(report)))
    console.print(_ordered(Text(" · ".join((f"Publisher: {by}", *layout.imprint(report))))))
    if article.url and full:
        _line(console, article.url, "dim")
    for part in article.republications:
        console.print(Text(layout.carries(report, part), style="italic"))
    if article.removed:
        left = f"left out {counted(len(article.removed), 'piece')} of the page, no part of the "
        console.print(Text(f"{left}article; --format html shows them", style="dim"))
    console.print(Text(summary.text, style="italic"))
    for remark in report.remarks:
        console.print(Text(printable(remark), style="dim"))
    for line in _verdicts(report, thresholds, full=full):
        console.print(line)
    console.print()
    found = sourcing.sourcing_map(report)
    if (card := sources.card(report)) is not None:
        _print_card(card, found, console, full=full)
    paragraphs = [*layout.paragraphs(report, thresholds)]
    for paragraph in paragraphs if full else [[one for part in paragraphs for one in part]]:
        lines = [one for one in paragraph if full or one.loud]
        for one in lines:
            _print_line(one, report, console, full=full)
        if lines:
            console.print()
    if full and found is not None:
        _print_map(found, console)
    if full and report.note is None:
        _print_counts(summary, console)


def print_end(report: records.BatchReport, console: Console, *, full: bool = False) -> None:
    """Print what a report's articles share, and what could not be read."""
    for said in (_KEY, _SHARES, sources.APART, "") if full else ():
        console.print(Text(said, style="dim"))
    computed = f" ({report.runtime})" if report.runtime else ""
    digest = f", {report.digest[:12]}" if report.digest else ""
    line = f"model: {report.model}{digest}{computed}; framescope {__version__}"
    console.print(Text(printable(line), style="dim"))
    if not full:
        console.print(Text(f"{_KEY}   all of it: --full", style="dim"))
    if report.skipped:
        _heading("not read", console)
    for item in report.skipped:
        console.print(Text(printable(f"{item.source}: {item.reason}")))


def _heading(text: str, console: Console) -> None:
    console.rule(Text(printable(text), style="dim"), align="left", style="dim")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _print_beside(head: Text, line: Text, console: Console, most: int | None = None) -> None:
    """Print a text beside a label, or the `most` lines of it."""
    room = max(console.width - head.cell_len, 20)
    parts = list(line.wrap(console, room))
    if most is not None and len(parts) > most:
        parts = parts[:most]
        last = parts[-1].plain.rstrip()
        end = len(last) if cell_len(last) < room else max(last.rfind(" "), room // 2)
        parts[-1] = Text.assemble(parts[-1][:end], "…")
    for part in parts:
        console.print(Text.assemble(head, _ordered(part)))
        head = Text(" " * head.cell_len)


def _ordered(text: Text) -> Text:
    """Add the marks that keep what stands beside right-to-left words in its order."""
    ends = [match.end() for match in _TO_LEFT.finditer(text.plain)]
    first = next(filter(str.isalpha, text.plain), "")
    if ends and _TO_LEFT.match(first):
        return Text.assemble(_RTL_MARK, text, _RTL_MARK)
    return Text(_LTR_MARK).join(text.divide(ends)) if ends else text


def _print_rows(rows: Iterable[_Row], console: Console, indent: str = "") -> None:
    """Print labels and what they say side by side, and below them what proves it."""
    notes: dict[records.Evidence, int] = {}
    rows = [*rows]
    wide = max((cell_len(label) for label, _, _ in rows), default=0)
    for label, said, evidence in rows:
        text = Text(said)
        if evidence is not None:
            text.append(f" [{notes.setdefault(evidence, len(notes) + 1)}]", style="dim")
        head = f"{indent}{label}{' ' * (wide - cell_len(label))}  "
        _print_beside(Text(head, style="dim"), text, console)
    for proof, number in notes.items():
        console.print(Text(f"{indent}[{number}] {_from(proof)}", "dim"), soft_wrap=True)
    console.print()


def _print_line(
    line: layout.TextLine, report: records.ArticleReport, console: Console, *, full: bool
) -> None:
    """Print a sentence and the reasons of a marked one, on a line each unless it is ``full``."""
    most, beside = None if full else 1, Text(" " * _LABEL)
    if line.report is None:
        _print_beside(beside, Text(printable(line.text).strip(), style="dim"), console, most)
        return
    text = Text(style="bold" if line.loud and full else "")
    loud, left, before = {mark.kind.name for mark in line.loud}, MAX_WORDS, None
    for segment in line.segments:
        # Evidence of the quiet signals would underline most of the sentence.
        name = next((one for one in segment.signals if one in loud), None)
        left -= name is not None and name != before
        shown = name is not None and left >= 0
        style = f"underline {_FAMILY_STYLE[BY_NAME[name].family]}" if name and shown else ""
        text.append(printable(segment.text), style=style)
        before = name
    voice = _VOICE_MARK.get(line.report.voice, " ") if report.note is None else " "
    sign = Text(" ")
    if line.loud:
        asked = [mark.kind.name for mark in line.loud] == [ASSERTION]
        sign = Text(_ASKED, "bold magenta") if asked else Text(_FLAGGED, "bold red")
    head = Text.assemble(sign, (f"{line.number:>4} ", "dim"), f"{voice} ")
    _print_beside(head, text, console, most)
    reasons = list(_reasons(line))
    if not full:
        reasons = [Text("; ").join(reasons)] if reasons else []
    elif reasons and line.also:
        reasons.append(Text(" · ").join(map(_named, line.also)))
    # Most sentences of an article cite somebody: the rest are found by the map's numbers.
    cited = sourcing.cited_in(report, line.report) if reasons and full else ()
    for reason in (*reasons, *(Text(f"says: {one}", "dim") for one in cited)):
        _print_beside(Text(f"{'└ ':>{_LABEL}}") if full else beside, reason, console, most)


def _reasons(line: layout.TextLine) -> Iterator[Text]:
    """Yield each reason with words of its own, together as many as are read at a glance."""
    left, told = MAX_WORDS, set[str]()
    for after, mark in zip(reversed(range(len(line.loud))), line.loud, strict=True):
        new = [word for word in mark.words if word not in told]
        words = new[: max(left - after, min(left, 1))]
        left, told = left - len(words), told.union(words)
        said = ", ".join(f"“{word}”" for word in words)
        said += f" again in {mark.again}" if mark.again else ""
        yield Text.assemble(_named(mark), (f"  {said}" if said else "", "dim"))


def _named(mark: layout.SentenceMark) -> Text:
    score = "" if mark.score is None else f" {score_in_words(mark.score)}"
    style = "dim" if mark.quiet else _FAMILY_STYLE[mark.kind.family]
    return Text(mark.kind.label + score, style=style)


def _print_card(
    card: sources.CardView, found: sourcing.SourcingMap | None, console: Console, *, full: bool
) -> None:
    """Print what is on record: every fact, or a line or two of each part."""
    cited = [found.words, found.powers] if found else []
    if found and not full:
        named = [f"{shortened(row.label, 30)} ({len(row.sentences)})" for row in found.rows]
        cited = [f"cites {_some(named, _NAMED)}"] if named else []
    steps: list[str] = []
    for step in card.steps:
        words = f" “{step.words}”" if step.words else ""
        words += f" (sentence {step.sentence})" if step.sentence else ""
        basis = f", {step.basis}{words}" if full else f", {step.basis}" * (len(card.steps) == 1)
        steps.append(f"{step.name}: {step.did}{basis}")
    steps = steps or ["unknown: nothing says who published it"]
    about = [f"{card.about}: {card.kind}" if card.about else "", card.uncontrolled]
    record = card.rated or f"unscored: {card.reason}"
    record = f"{card.estimate}, {card.interval}; {sources.SCALE}" if card.estimate else record
    shift = card.shift if full else ""
    parts: dict[str, Sequence[_Row]] = {
        "source": _rows(*steps, *card.said),
        "control": [*_rows(about[0]), *card.control, *_rows(about[1])],
        "record": [*_rows(record), *card.findings, *_rows(shift)],
        "article": _rows(*cited, *card.evidence),
    }
    every: list[_Row] = []
    for name, rows in parts.items():
        every += [(name if not n else row[0], *row[1:]) for n, row in enumerate(rows)]
        said = "; ".join(
            (f"{label}: " if label else "")
            + (f"{text} ({sources.proof(proof)[0]})" if proof and name == "record" else text)
            for label, text, proof in rows
        )
        if not full:
            _print_beside(Text(f"{name:<{_LABEL}}", "dim"), Text(said), console, _LINES[name])
    _print_rows(every if full else (), console)


def _rows(*texts: str) -> list[_Row]:
    return [("", text, None) for text in texts if text]


def _from(evidence: records.Evidence) -> str:
    said = f"{evidence.source}, {evidence.date}" if evidence.date else evidence.source
    return printable(f"{said} {evidence.url}" if evidence.url else said)


def _print_map(found: sourcing.SourcingMap, console: Console) -> None:
    console.print(Text("who the article stands on, in sentences", style="bold"))
    for name, _, tags, sentences in found.rows:
        share, which = layout.percent(len(sentences), found.total), ", ".join(map(str, sentences))
        said = f"{len(sentences):>3} {share:>4}  {', '.join(tags)}: {which}"
        _print_beside(Text(set_cell_size(shortened(name, 36), 37)), Text(said), console)
    console.print()


def _print_counts(summary: sourcing.Summary, console: Console) -> None:
    whole = summary.sentences
    voices = ("own voice", "reported", "quoted", "all")[3 if whole.own is None else 0 :]
    rows: list[_Row] = [("", "".join(f"{voice:>11}" for voice in voices), None)]
    for name, tally in {"sentences": whole, **summary.flagged}.items():
        if tally.total:
            shares = tally.shares(whole)
            label = BY_NAME[name].label if name in BY_NAME else name
            rows.append((label, "".join(f"{n:>6} {share:>4}" for n, share in shares), None))
    _print_rows(rows, console)


def _verdicts(
    report: records.ArticleReport, thresholds: Thresholds, *, full: bool
) -> Iterator[Text]:
    for name, value in report.scores.items():
        flagged = name in report.flags
        if name in report.experimental or not (full or flagged):
            continue
        line = f"{BY_NAME[name].label}: {score_in_words(value)}, {'' if flagged else 'not '}flagged"
        if name in thresholds:
            line += f" (threshold {score_in_words(thresholds[name])})"
        yield Text(line, style=_FAMILY_STYLE["article"] if flagged else "")


def print_answer(answer: Answer, registry: Registry, console: Console, *, whole: bool) -> None:
    """Print what is known of a query; of many names, hosts and accounts some, or the ``whole``."""
    most = None if whole else _SOME
    if len(answer.outlets) > 1:
        _line(console, f"{len(answer.outlets)} outlets are called {answer.query}:\n")
    if answer.domain is not None and answer.domain.role is records.DomainRole.IMPOSTER:
        name = answer.outlets[0].name
        _line(console, f"{answer.domain.host} is an imposter of {name}, and not its host.", "red")
    for outlet in answer.outlets:
        _print_known(outlet.name, outlet.id, _facts(outlet, registry, most), console)
    if answer.namesakes:
        others = ", ".join(f"{outlet.name} ({outlet.id})" for outlet in answer.namesakes)
        _line(console, f"Also called so: {others}")
        console.print()
    if (known := answer.operation) is not None:
        _print_known(known.name, known.id, _operation(known, registry, most), console)
    if answer.network is not None:
        _network(answer.network, registry, console)
    if (alike := answer.alike) is not None:
        host = addresses.host_in_unicode(alike.host)
        like = f"{host} looks like {alike.outlet.name} ({alike.original}) and is not one of its"
        _line(console, f"{like} hosts on record: {alike.how}.", "red")
        console.print()


def _print_known(name: str, id: str, rows: Iterable[_Row], console: Console) -> None:
    console.print(Text.assemble((printable(name), "bold"), (f"  {id}", "dim")))
    _print_rows(((label, printable(said), proof) for label, said, proof in rows), console, "  ")


def print_flaws(problems: Sequence[Flaw], console: Console) -> None:
    """Print what is wrong or doubtful, one line each, and how much there is of either."""
    for one in problems:
        style = "red" if one.level == "error" else ""
        _line(console, f"{one.level}: {one.kind}: {one.subject}: {one.message}", style)
    for level in ("error", "warning"):
        kinds = Counter(sorted(one.kind for one in problems if one.level == level))
        text = counted(kinds.total(), level)
        listed = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        _line(console, f"{text} ({listed})" if listed else text, "bold")


def _operation(network: records.Network, registry: Registry, most: int | None) -> Iterator[_Row]:
    outlets, hosts = registry.members(network)
    known = {
        "also": ", ".join(network.names),
        "run by": network.operator,
        "found by": network.attributed_by,
        "outlets": _some([f"{outlet.name} ({outlet.id})" for outlet in outlets], most),
        "hosts": _some([addresses.host_in_unicode(host) for host in hosts], most),
    }
    country = f", {network.country}" if network.country else ""
    yield "kind", f"influence network{country}", network.evidence
    yield from ((label, said, None) for label, said in known.items() if said)


def _facts(outlet: records.Outlet, registry: Registry, most: int | None) -> Iterator[_Row]:
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
        if hosts := [addresses.host_in_unicode(d.host) for d in outlet.domains if d.role is role]:
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
    _line(console, _from(site.evidence), "dim")
    console.print()
