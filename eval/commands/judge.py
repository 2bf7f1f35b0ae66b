"""The command `framescope eval`: options, and one call each."""

from __future__ import annotations

from typing import Any

import typer

from eval.commands import gate as gate_cli
from eval.commands import report as report_cli
from eval.commands import studies as study_cli
from eval.commands.options import (
    As,
    Data,
    Draws,
    First,
    Format,
    OtherSplit,
    Output,
    Parts,
    Second,
    Seed,
    Signals,
    held_out,
    progress,
    refuse_both,
)
from training.options import CorporaFolder, refuse_options

_WIDTH = 12


class _Grouped(typer.core.TyperGroup):
    """Shows the commands by what they are for; the options of `run` are left to its own help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Options"):
            formatter.write_dl([
                ("--help", "Show this message and exit."),
                ("others", "As of `run`: framescope eval run --help."),
            ])  # fmt: skip
        for title, commands in _PANELS.items():
            with formatter.section(title):
                rows = [(name, self.commands[name].get_short_help_str(80)) for name in commands]
                formatter.write_dl(rows, col_max=_WIDTH)


app = typer.Typer(help="Judge bundles by what they were not trained on.", cls=_Grouped)


@app.callback(invoke_without_command=True)
def evaluate(
    context: typer.Context,
    a: First = "baseline",
    b: Second = "transformer",
    corpora: CorporaFolder = None,
    data: Data = None,
    part: Parts = None,
    signal: Signals = None,
    draws: Draws = 2000,
    seed: Seed = 0,
    allow_other_split: OtherSplit = False,
    format: As = Format.TABLE,
    output: Output = None,
) -> None:
    """Compare two bundles on what neither was trained on.

    BUNDLE is a bundle's folder, or `baseline` or `transformer` for the one that ships.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    from classifier import bundle
    from classifier.output import check
    from classifier.taxonomy import in_order
    from eval.compare import compare_models as compare
    from eval.compare import record_of_comparison as record
    from eval.compare import section_of_comparison as section
    from eval.report import show_section
    from eval.rows import Evaluation

    signals = in_order(signal) if signal else None
    refuse_both(corpora, data, part)
    check(output)
    bundles = bundle.load(a), bundle.load(b)
    rows, parts = held_out(corpora, data, part, bundles, allow_other_split)
    evaluation = Evaluation(bundles, rows.examples, rows.signature, parts, draws, seed)
    with progress() as shown:
        found = compare(evaluation, signals, shown)
    tables = section(found, intervals=format is not Format.TABLE)
    show_section(tables, format, output, record(found))


# The same under a name of its own, as the other measurements have one.
app.command("run")(evaluate)
_PANELS = {
    "Judge": ["run", *(one.__name__ for one in report_cli.COMMANDS)],
    "Release": [one.__name__ for one in gate_cli.COMMANDS],
    "Study": [one.__name__ for one in study_cli.COMMANDS],
}
for module in (report_cli, gate_cli, study_cli):
    for command in module.COMMANDS:
        app.command()(command)
