"""The commands `framescope eval controls` and `framescope eval axes`: what else than text."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.commands.options import First, OtherSplit, Second, Seed, Signals
from training.options import CorporaFolder

if TYPE_CHECKING:
    from eval.studies import Axes, Checked, Probed


class Format(StrEnum):
    """How the tables are written."""

    TABLE = "table"
    JSON = "json"


Corpora = Annotated[
    list[str] | None, typer.Option("--corpus", metavar="NAME", help="Only this one. Repeatable.")
]
As = Annotated[Format, typer.Option("--format", help="How to write it.")]


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
    from eval.compare import HELD_OUT
    from eval.figures import print_section
    from eval.rows import BENCHMARKS, Judged
    from eval.rows import held_out_of_corpora as of_corpora
    from eval.studies import controls_laid_out as laid_out
    from eval.studies import run_controls as run
    from training.corpora import find_corpus as find
    from training.corpora import is_given, root_folder

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
    judged = Judged.of(*bundles, held_out.examples, HELD_OUT, draws=0, seed=seed)
    checked: list[Checked] = []
    probed: list[Probed] = []
    for of_corpus, probes in run(judged, asked, seed=seed):
        checked += of_corpus
        probed += probes
    if not checked:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    said = f"{held_out.signature} | a {bundles[0].name} | b {bundles[1].name} | seed {seed}"
    if format is Format.JSON:
        _json({"signature": said, "benchmarks": checked, "outlet_probes": probed})
        return
    print_section(laid_out(checked, probed, judged.names))
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
    from classifier.taxonomy import in_order
    from eval.figures import Section, print_section
    from eval.studies import axes_note as note
    from eval.studies import axes_table as table
    from eval.studies import chosen_axes as chosen
    from eval.studies import refitted_axes as refitted
    from training.corpora import KNOWN, SHIPPED, is_given, root_folder
    from training.corpora import find_corpus as find
    from training.data import articles_of_rows as articles
    from training.data import build_examples as build
    from training.data import load_rows as load

    signals = in_order(signal) if signal else None
    root = root_folder(corpora) if is_given(corpora) else None
    default = KNOWN if root is not None else SHIPPED
    names = [find(name).card.name for name in corpus] if corpus else list(default)
    pairs = chosen(names, signals)
    if not pairs:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    found: list[Axes] = []
    for name in dict.fromkeys(name for name, _ in pairs):
        examples = build(root, [name])
        dates = {f"{name}/{one.id}": one.date for one in articles(load(name, root))}
        here = [pair for pair in pairs if pair[0] == name]
        found += refitted(examples, here, dates, draws=draws, seed=seed)
    digest = ",".join(one.digest[:6] for one in found)
    said = f"framescope {__version__} | rows {digest} | draws {draws} | seed {seed}"
    if format is Format.JSON:
        _json({"signature": said, "notes": [note(found)], "axes": found})
        return
    print_section(Section(note(found), (table(found),)))
    typer.echo(said)


COMMANDS = (controls, axes)


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
