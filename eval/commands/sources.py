"""The commands below `framescope eval` that judge citations, placeholders and source records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.commands.parts import Part
from training.options import CorporaFolder

Articles = Annotated[
    Path,
    typer.Option("--articles", metavar="DIR", help="The folder that holds allsides.jsonl.gz."),
]


def citations(
    corpora: CorporaFolder = None,
    part: Annotated[
        Part, typer.Option("--part", help="Judge by this part of PolNeAR.")
    ] = Part.VALIDATION,
) -> None:
    """How well the rules find who is cited, against PolNeAR's marks."""
    from classifier.sources import load_registry as load
    from eval.studies import citations_to_markdown as to_markdown
    from eval.studies import measure_citations as measure
    from training.corpora import root_folder

    typer.echo(to_markdown(measure(root_folder(corpora), part, load())), nl=False)


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
    """What becomes of a model's scores when outlets are swapped for others.

    BUNDLE is a bundle's folder, or `baseline` or `transformer`.
    """
    from eval.studies import measure_placeholders as run
    from training.corpora import root_folder

    for line in run(bundles or ["baseline", "transformer"], root_folder(corpora), cases):
        typer.echo(line)


def sourcing(
    articles: Articles,
    most: Annotated[
        int, typer.Option("--most", min=1, help="Articles of an outlet.", metavar="N")
    ] = 25,
) -> None:
    """How articles source what they state, beside their outlet's assessments."""
    from classifier.sources import load_registry as load
    from eval.studies import measure_sourcing as run

    typer.echo(run(articles, load(), most=most), nl=False)


def unresolved(
    articles: Annotated[
        Path,
        typer.Option("--articles", metavar="FILE", help="JSON Lines with text, or their folder."),
    ],
    shown: Annotated[
        int, typer.Option("--shown", min=0, metavar="N", help="Names of each list.")
    ] = 60,
) -> None:
    """Which outlets that articles cite are not in the registry."""
    from classifier.sources import load_registry as load
    from eval.rows import read_articles as read
    from eval.studies import measure_unresolved as measure
    from eval.studies import tally_unresolved as tally
    from eval.studies import unresolved_to_text as to_text

    registry = load()
    result = measure([tally(article, registry) for article in read(articles)])
    typer.echo(to_text(result, registry, shown), nl=False)


COMMANDS = (citations, placeholders, sourcing, unresolved)
