"""The commands `framescope eval controls` and `framescope eval axes`: what else than text."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.options import First, OtherSplit, Second
from training.corpora.option import CorporaFolder

if TYPE_CHECKING:
    from rich.table import Table

    from eval.axes import Axes, Cost
    from eval.blind import Shuffled
    from eval.controls import Checked, Probed


class Format(StrEnum):
    """How the tables are written."""

    TABLE = "table"
    JSON = "json"


Signals = Annotated[
    list[str] | None, typer.Option("--signal", metavar="NAME", help="Only this one. Repeatable.")
]
Corpora = Annotated[
    list[str] | None, typer.Option("--corpus", metavar="NAME", help="Only this one. Repeatable.")
]
As = Annotated[Format, typer.Option("--format", help="How to write it.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn.")]


def controls(
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    corpus: Corpora = None,
    signal: Signals = None,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TABLE,
) -> None:
    """What the benchmarks give to predictors that haven't read the text.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from classifier import bundle
    from classifier.errors import SignalError
    from classifier.taxonomy import in_order
    from eval.benchmarks import BENCHMARKS
    from eval.controls import run
    from eval.held_out import of_corpora
    from training.corpora.registry import find, is_given, root_folder

    signals = in_order(signal) if signal else None
    names = [find(name).card.name for name in corpus] if corpus else None
    bundles = bundle.load(a), bundle.load(b)
    root = root_folder(corpora) if is_given(corpora) else None
    held_out = of_corpora(root, bundles, allow_other_split=allow_other_split)
    asked = [
        one
        for one in BENCHMARKS
        if (signals is None or one.signal in signals) and (names is None or one.corpus in names)
    ]
    checked: list[Checked] = []
    probed: list[Probed] = []
    for of_corpus, probes in run(*bundles, held_out.examples, asked, seed=seed):
        checked += of_corpus
        probed += probes
    if not checked:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    said = f"{held_out.signature} | a {bundles[0].name} | b {bundles[1].name} | seed {seed}"
    if format is Format.JSON:
        _json({"signature": said, "benchmarks": checked, "outlet_probes": probed})
        return
    _print(_of_controls(checked), _of_shuffles(checked), _of_outlets(checked), _of_probes(probed))
    typer.echo(said)


def axes(
    corpora: CorporaFolder = None,
    corpus: Corpora = None,
    signal: Signals = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of groups.")] = 1000,
    seed: Seed = 0,
    format: As = Format.TABLE,
) -> None:
    """What splits by article, outlet, topic and time cost, against random sentences.

    Measured by two cheap stand-ins of the models, refitted for every split: no bundle is judged.
    The main signal of each corpus, unless signals are named.
    """
    from classifier import __version__
    from classifier.errors import SignalError
    from classifier.sources.placeholders import Reader
    from classifier.taxonomy import in_order
    from eval.axes import MOST_ROWS, chosen, gather, measure
    from eval.stand_ins import Features, embeddings, words
    from training.corpora import KNOWN, SHIPPED, articles, find, load
    from training.corpora.registry import is_given, root_folder
    from training.examples import build

    signals = in_order(signal) if signal else None
    root = root_folder(corpora) if is_given(corpora) else None
    default = KNOWN if root is not None else SHIPPED
    names = [find(name).card.name for name in corpus] if corpus else list(default)
    pairs = chosen(names, signals)
    if not pairs:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    reader = Reader.of()
    found: list[Axes] = []
    left_out = False
    for name in dict.fromkeys(name for name, _ in pairs):
        examples = build(root, [name])
        dates = {f"{name}/{one.id}": one.date for one in articles(load(name, root))}
        for _, wanted in (pair for pair in pairs if pair[0] == name):
            rows = gather(examples, name, wanted, reader, dates, seed=seed)
            stand_ins: dict[str, Features] = {"words": words(rows.texts)}
            embedded = embeddings(rows.texts)
            left_out = embedded is None
            if embedded is not None:
                stand_ins["embeddings"] = embedded
            found.append(measure(rows, stand_ins, draws=draws, seed=seed))
    digest = ",".join(one.digest[:6] for one in found)
    said = f"framescope {__version__} | rows {digest} | draws {draws} | seed {seed}"
    notes = [
        "Stand-ins, no bundle: TF-IDF of 1-2 words, and the mean of the default encoder's word "
        "embeddings, each with a logistic regression that is refitted for every fold.",
        "Drop: random folds less this axis, on the same rows; 95% intervals resample the groups. "
        f"At most {MOST_ROWS:,} rows of a corpus, whole articles drawn by the seed.",
    ]
    if left_out:
        notes.append("No embeddings: the shipped transformer has none that were left as they were.")
    if format is Format.JSON:
        _json({"signature": said, "notes": notes, "axes": found})
        return
    _print(_of_axes(found))
    for line in (*notes, said):
        typer.echo(line)


COMMANDS = (controls, axes)


# --- tables ---------------------------------------------------------------------------------------


def _of_controls(checked: Sequence[Checked]) -> Table:
    table = _table("Without the text", ("benchmark", "figure", "read"), ("rows", "it", "a", "b"))
    for one in checked:
        name, metric = one.benchmark.name, one.benchmark.metric
        for control in one.controls:
            values = (control.value, control.a, control.b)
            table.add_row(name, metric, control.name, f"{control.n:,}", *map(_number, values))
            name = metric = ""
    return table


def _of_shuffles(checked: Sequence[Checked]) -> Table:
    of = [f"{x} {y}" for x in "ab" for y in ("true", "shuffled", "chance", "p")]
    table = _table("Shuffled labels", ("benchmark",), of, ("fell",))
    for one in checked:
        cells: list[str] = []
        falls: list[str] = []
        for value, shuffled in ((one.a, one.shuffled_a), (one.b, one.shuffled_b)):
            cells += map(_number, (value, shuffled.mean, shuffled.chance, shuffled.p))
            falls.append(_fell(shuffled))
        table.add_row(one.benchmark.name, *cells, " / ".join(falls))
    return table


def _of_outlets(checked: Sequence[Checked]) -> Table:
    of = ("rows", "pairs", "a", "b", "a within", "b within", "gain that survives")
    table = _table("AUC over all pairs, and within outlets", ("benchmark",), of)
    for one in checked:
        w = one.within
        values = (w.overall_a, w.overall_b, w.within_a, w.within_b, w.survives)
        table.add_row(one.benchmark.name, f"{w.n:,}", f"{w.pairs:,}", *map(_number, values))
    return table


def _of_probes(probed: Sequence[Probed]) -> Table:
    of = ("rows", "articles", "outlets", "a", "b", "guessing", "largest outlet")
    table = _table("The outlet read off the scores: balanced accuracy", ("part",), of)
    for one in probed:
        counts = (one.a.n, one.a.articles, one.a.outlets)
        values = (
            one.a.balanced_accuracy, one.b.balanced_accuracy, one.a.chance, one.a.largest,
        )  # fmt: skip
        cells = (*(f"{n:,}" for n in counts), *map(_number, values))
        table.add_row(f"{one.corpus}/{one.part}", *cells)
    return table


def _of_axes(found: Sequence[Axes]) -> Table:
    table = _table(
        "What each split costs (stand-ins)",
        ("signal", "figure", "stand-in", "axis"),
        ("n", "groups", "value", "95%", "drop", "95%"),
    )
    for one in found:
        name, metric = f"{one.corpus}/{one.signal}", one.metric
        for stand_in in dict.fromkeys(cost.stand_in for cost in one.costs):
            shown = stand_in
            for cost in (c for c in one.costs if c.stand_in == stand_in):
                table.add_row(name, metric, shown, *_cells(cost))
                name = metric = shown = ""
    return table


def _cells(cost: Cost) -> tuple[str, ...]:
    first = cost.axis == "random"
    drop = ("", "") if first else (_number(cost.drop, "+.3f"), _span(cost.drop_interval, "+.3f"))
    counts = f"{cost.n:,}", f"{cost.groups:,}"
    return cost.axis, *counts, _number(cost.figure), _span(cost.interval), *drop


def _fell(shuffled: Shuffled) -> str:
    if shuffled.mean != shuffled.mean:
        return "undefined"
    return "yes" if shuffled.fell else "no"


def _number(value: float, form: str = ".3f") -> str:
    return "undefined" if value != value else format(value, form)


def _span(interval: Any, form: str = ".3f") -> str:
    if interval.low != interval.low:
        return "undefined"
    return f"{interval.low:{form}} to {interval.high:{form}}"


def _table(
    title: str, left: Sequence[str], right: Sequence[str], last: Sequence[str] = ()
) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in (*left, *right, *last):
        table.add_column(heading, justify="right" if heading in right else "left")
    return table


def _print(*tables: Table) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        # A file has no edge to wrap at.
        console = Console(highlight=False, width=160)
    for table in tables:
        console.print(table)


def _json(record: dict[str, Any]) -> None:
    """Write values and dataclasses; what is undefined is null."""
    import dataclasses
    import json
    import math

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            found = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return found | ({"fell": value.fell} if hasattr(value, "fell") else {})
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and math.isnan(value) else value

    typer.echo(json.dumps(plain(record), indent=1, ensure_ascii=False))
