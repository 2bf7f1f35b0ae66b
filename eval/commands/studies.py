"""The commands below `framescope eval` that study what figures are worth, and what rules find."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.commands.options import (
    As,
    First,
    Format,
    OtherSplit,
    Output,
    Part,
    Second,
    Seed,
    Signals,
    progress,
)
from training.options import CorporaFolder

if TYPE_CHECKING:
    from eval.studies import Axes, Controlled, Probed

Corpora = Annotated[
    list[str] | None, typer.Option("--corpus", metavar="NAME", help="Only this one. Repeatable.")
]


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
    """What predictors reach that haven't read the text.

    Without a folder of corpora, on the benchmarks that ship.
    """
    from classifier import bundle
    from classifier.errors import SignalError
    from classifier.taxonomy import in_order
    from eval.report import show_section
    from eval.rows import BENCHMARKS, Evaluation
    from eval.rows import held_out_of_corpora as of_corpora
    from eval.studies import controls_laid_out as laid_out
    from eval.studies import record_of_controls as record
    from eval.studies import run_controls as run
    from training.corpora import find_corpus as find
    from training.corpora import given_folder

    signals = in_order(signal) if signal else None
    names = [find(name).card.name for name in corpus] if corpus else None
    bundles = bundle.load(a), bundle.load(b)
    held_out = of_corpora(given_folder(corpora), bundles, allow_other_split=allow_other_split)
    asked = [
        one
        for one in BENCHMARKS
        if (signals is None or one.signal in signals) and (names is None or one.corpus in names)
    ]
    evaluation = Evaluation(bundles, held_out.examples, seed=seed)
    checked: list[Controlled] = []
    probed: list[Probed] = []
    for of_corpus, probes in run(evaluation, asked):
        checked += of_corpus
        probed += probes
    if not checked:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    said = f"{held_out.signature} | a {bundles[0].name} | b {bundles[1].name} | seed {seed}"
    section = replace(laid_out(checked, probed, evaluation.names), signature=said)
    show_section(section, format, record=record(checked, probed, said))


def axes(
    corpora: CorporaFolder = None,
    corpus: Corpora = None,
    signal: Signals = None,
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of groups.")] = 1000,
    seed: Seed = 0,
    format: As = Format.TABLE,
) -> None:
    """What splits by article, outlet, topic and time cost.

    Measured by two cheap stand-ins of the models, refitted for every split: no bundle is judged.
    The main signal of each corpus, unless signals are named.
    """
    from classifier import __version__
    from classifier.errors import SignalError
    from classifier.taxonomy import in_order
    from eval.figures import Section
    from eval.report import show_section
    from eval.studies import axes_note as note
    from eval.studies import axes_table as table
    from eval.studies import chosen_axes as chosen
    from eval.studies import refitted_axes as refitted
    from training.corpora import KNOWN, SHIPPED, given_folder
    from training.corpora import find_corpus as find
    from training.data import articles_of_rows as articles
    from training.data import build_examples as build
    from training.data import load_rows as load

    signals = in_order(signal) if signal else None
    root = given_folder(corpora)
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
    section = Section(note(found), (table(found),), signature=said)
    record = {"signature": said, "notes": [note(found)], "axes": found}
    show_section(section, format, record=record)


def robustness(
    model: Annotated[
        str,
        typer.Argument(metavar="[BUNDLE]", help="The model to judge.", show_default=True),
    ] = "transformer",
    draws: Annotated[int, typer.Option("--draws", min=100, help="Resamples of the cases.")] = 2000,
    seed: Seed = 0,
    format: As = Format.TABLE,
    output: Output = None,
) -> None:
    """What changes do to a model that ought to do nothing, or something.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.

    A missed limit is said, and is no error.
    """
    from classifier import bundle
    from classifier.output import check
    from eval.report import show_section
    from eval.suite import measure_suite as measure
    from eval.suite import read_behaviours as behaviours
    from eval.suite import record_of_suite as record
    from eval.suite import section_of_suite as section
    from eval.suite import suite_verdict as verdict

    check(output)
    loaded = bundle.load(model)
    with progress() as shown:
        suite = measure(
            loaded, behaviours(), draws=draws, seed=seed,
            progress=lambda done, total: shown("texts", done, total),
        )  # fmt: skip
    show_section(section(suite), format, output, record(suite))
    if format is not Format.TABLE or output is not None:
        typer.echo(verdict(suite), err=True)


def citations(
    corpora: CorporaFolder = None,
    part: Annotated[
        Part, typer.Option("--part", help="Judge by this part of PolNeAR.")
    ] = Part.VALIDATION,
) -> None:
    """How well the rules find who is cited, in PolNeAR."""
    from classifier.sources import load_registry as load
    from eval.report import show_section as show
    from eval.studies import measure_citations as measure
    from eval.studies import section_of_citations as section
    from training.corpora import root_folder

    show(section(measure(root_folder(corpora), part, load())), Format.MARKDOWN)


def placeholders(
    bundles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BUNDLE]...", help="The two models that ship unless given."),
    ] = None,
    corpora: CorporaFolder = None,
    cases: Annotated[
        Path | None,
        typer.Option("--cases", metavar="FILE", help="JSON Lines with text and state_media."),
    ] = None,
) -> None:
    """What becomes of scores when outlets are swapped.

    BUNDLE is a bundle's folder, or `baseline` or `transformer`.
    """
    from eval.report import show_section as show
    from eval.studies import measure_placeholders as run
    from training.corpora import root_folder

    for section in run(bundles or ["baseline", "transformer"], root_folder(corpora), cases):
        show(section, Format.MARKDOWN)


Articles = Annotated[
    Path,
    typer.Option("--articles", metavar="DIR", help="The folder that holds allsides.jsonl.gz."),
]


def sourcing(
    articles: Articles,
    most: Annotated[
        int, typer.Option("--most", min=1, help="Articles of an outlet.", metavar="N")
    ] = 25,
) -> None:
    """How articles source what they state, by outlet."""
    from classifier.sources import load_registry as load
    from eval.report import show_section as show
    from eval.studies import measure_sourcing as measure

    show(measure(articles, load(), most=most), Format.MARKDOWN)


def unresolved(
    articles: Annotated[
        Path,
        typer.Option("--articles", metavar="FILE", help="JSON Lines with text, or their folder."),
    ],
    shown: Annotated[
        int, typer.Option("--shown", min=0, metavar="N", help="Names of each list.")
    ] = 60,
) -> None:
    """Which cited outlets are not in the registry."""
    from classifier.sources import load_registry as load
    from eval.report import show_section as show
    from eval.studies import measure_unresolved as measure
    from eval.studies import read_articles as read
    from eval.studies import section_of_unresolved as section
    from eval.studies import tally_unresolved as tally

    registry = load()
    found = measure([tally(article, registry) for article in read(articles)])
    show(section(found, registry, shown))


COMMANDS = (controls, axes, robustness, citations, placeholders, sourcing, unresolved)
