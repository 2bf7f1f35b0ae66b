"""``framescope train``: options, and one call each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from framescope.classifier.errors import TrainingError, how_to_install
from framescope.training import Track
from framescope.training.commands.asked import RowsAsked
from framescope.training.options import CorporaFolder

if TYPE_CHECKING:
    from framescope.training.recipes import Recipe

app = typer.Typer(
    help="Train a model on labelled corpora and write its bundle (extra: training).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write the bundle.")
]
Corpora = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Train on this corpus only; may be repeated."),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Train on your own labelled file (exchange format) and nothing else; repeatable.",
    ),
]
Add = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Your own labelled file (exchange format), beside the recipe's corpora; repeatable.",
    ),
]
Share = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CORPUS=SHARE",
        help="Learn from this share of a corpus' training articles, 0 to 1; may be repeated.",
    ),
]
Learned = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Learn this signal only; may be repeated.")
]
# What each is made of, `train recipe` says: files aren't read for a help that nobody asks for.
_RECIPES = "A recipe that ships (default, house, desk), or a TOML file of your own."
OfRecipe = Annotated[str, typer.Option(metavar="NAME|FILE", help=_RECIPES)]
Seed = Annotated[int | None, typer.Option(help="Seed of the training, in place of the recipe's.")]
SplitSeed = Annotated[int | None, typer.Option(help="Seed of the split, in place of the recipe's.")]
AllowChanged = Annotated[
    bool, typer.Option("--allow-changed", help="Take corpora other than those the cards pin.")
]
Tracks = Annotated[
    list[Track] | None,
    typer.Option(
        help="Write curves for TensorBoard or MLflow too (extra: tracking); may be repeated."
    ),
]
Gone = Annotated[Path | None, typer.Option(hidden=True)]


@app.command()
def baseline(
    output: Output,
    corpora: CorporaFolder = None,
    data: Files = None,
    add: Add = None,
    recipe: OfRecipe = "default",
    corpus: Corpora = None,
    share: Share = None,
    signal: Learned = None,
    seed: Seed = None,
    split_seed: SplitSeed = None,
    allow_changed: AllowChanged = False,
    track: Tracks = None,
) -> None:
    """Fit TF-IDF and a logistic regression a signal, tuned by grouped cross-validation."""
    from framescope.training.recipes import read_recipe

    _check(output, track)
    chosen = _with_seeds(read_recipe(recipe), seed, split_seed)
    asked = RowsAsked(corpora, data, add, corpus, share, signal, allow_changed)
    rows = asked.load(chosen, _tell)
    from framescope.training.runs import TrainingRun, make_baseline

    with TrainingRun.begin(
        output, "baseline", chosen, rows, options=asked.record, added=add or (), track=track or ()
    ) as run:
        name = asked.name("baseline", chosen)
        make_baseline(rows, output, chosen.seed, _told(run.log), chosen.baseline, run, name)
    _done(output)


@app.command()
def transformer(
    output: Output,
    corpora: CorporaFolder = None,
    data: Files = None,
    add: Add = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE", help=_RECIPES + " Default unless given; desk with --from."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Go on from this bundle: transformer, NAME or FOLDER."
        ),
    ] = None,
    corpus: Corpora = None,
    share: Share = None,
    signal: Learned = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Local model folder; all-MiniLM-L6-v2 unless given."),
    ] = None,
    settings: Gone = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs, in place of the recipe's.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak learning rate, in place of the recipe's.")
    ] = None,
    seed: Seed = None,
    split_seed: SplitSeed = None,
    allow_changed: AllowChanged = False,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Model folder of a stronger encoder, which labels text without labels."),
    ] = None,
    teacher_settings: Gone = None,
    text: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Articles for the teacher to label, else those beside the corpora; repeatable.",
        ),
    ] = None,
    taught_sentences: Annotated[
        int | None,
        typer.Option(min=1, help="How many sentences the teacher labels at most; else 200,000."),
    ] = None,
    lessons: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the teacher and what it says are kept, for several runs to share; "
            "OUTPUT.teacher unless given.",
        ),
    ] = None,
    track: Tracks = None,
) -> None:
    """Fine-tune one encoder for every signal; with --teacher, on what another says of text besides.

    With --from it goes on from a bundle, and learns what that one says beside the labels.

    Interrupted, it resumes from its checkpoint when the same command is typed again.
    """
    from framescope.training.recipes import read_recipe

    _refuse_gone({"--settings": settings, "--teacher-settings": teacher_settings})
    _check(output, track)
    named = recipe or ("default" if start is None else "desk")
    chosen = _with_seeds(read_recipe(named), seed, split_seed)
    chosen = chosen.changed(encoder=encoder, epochs=epochs)
    if learning_rate is not None:
        if not 0 <= learning_rate < float("inf"):
            raise TrainingError(
                f"--learning-rate is {learning_rate}; it must be a number, not negative"
            )
        chosen = replace(chosen, transformer={**chosen.transformer, "learning_rate": learning_rate})
    chosen = _with_teacher(chosen, teacher, text, taught_sentences, lessons)
    from framescope.training.transformer import Start, Teacher, default_encoder, describe_encoder

    if start is not None and chosen.teacher is not None:
        raise TrainingError("--from and --teacher are two ways to be taught; give one of them")
    folder = chosen.encoder or default_encoder()
    begun = None if start is None else Start.read(start)
    if begun is not None:
        begun.check_encoder(folder)
    described = describe_encoder(folder)
    asked = RowsAsked(corpora, data, add, corpus, share, signal, allow_changed)
    rows = asked.load(chosen, _tell)
    from framescope.training.corpora import given_folder
    from framescope.training.runs import (
        Teaching,
        TrainingRun,
        make_transformer,
        retrain_transformer,
    )

    root = given_folder(corpora) if chosen.needs_folder else None
    teaching = None
    if chosen.teacher is not None:
        kept = lessons or output.with_name(output.name + ".teacher")
        taught_by = Teacher(chosen.teacher.encoder, chosen.teaching, kept)
        teaching = Teaching(taught_by, chosen.teacher.texts, chosen.teacher.sentences)
    with (
        TrainingRun.begin(
            output,
            "transformer",
            chosen,
            rows,
            options=asked.record | ({} if begun is None else {"from": begun.identity}),
            added=add or (),
            encoder=described,
            track=track or (),
        ) as run,
        _progress() as progress,
    ):
        if run.resumed:
            _tell(f"going on with the run in {run.folder}")
        name = asked.name("transformer", chosen)
        told = _told(run.log)
        if begun is not None:
            retrain_transformer(
                rows, output, begun, folder, chosen.settings, told, progress, run, name
            )
        else:
            make_transformer(
                rows, output, folder, chosen.settings, told, progress, root, teaching, run, name
            )
    _done(output)


@app.command("recipe")
def show(
    recipe: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="One that ships, or a TOML file.")
    ] = "default",
) -> None:
    """Check a recipe, and show all it says, with what it extends and every default."""
    from framescope.training.recipes import read_recipe

    _check_extra()
    typer.echo(read_recipe(recipe).to_toml(), nl=False)


def _with_seeds(recipe: Recipe, seed: int | None, split_seed: int | None) -> Recipe:
    """Put seeds that were typed in place of the recipe's.

    Raises `TrainingError` for one that no library takes.
    """
    for name, value in (("--seed", seed), ("--split-seed", split_seed)):
        if value is not None and not 0 <= value < 2**32:
            raise TrainingError(f"{name} is {value}; it must be from 0 to {2**32 - 1}")
    return recipe.changed(seed=seed, split_seed=split_seed)


def _with_teacher(
    recipe: Recipe,
    folder: Path | None,
    texts: list[Path] | None,
    sentences: int | None,
    lessons: Path | None,
) -> Recipe:
    """Put what was typed of a teacher in place of the recipe's.

    Raises `TrainingError` when there is none.
    """
    named = {"--text": texts, "--taught-sentences": sentences, "--lessons": lessons}
    if folder is None and recipe.teacher is None:
        for name, value in named.items():
            if value:
                raise TrainingError(f"{name} is about a teacher; give one with --teacher FOLDER")
        return recipe
    from framescope.training.recipes import TeacherRecipe

    one = recipe.teacher
    if folder is not None:
        one = replace(one, encoder=folder) if one is not None else TeacherRecipe(folder)
    assert one is not None
    if texts:
        one = replace(one, texts=tuple(texts))
    if sentences is not None:
        one = replace(one, sentences=sentences)
    return replace(recipe, teacher=one)


def _refuse_gone(options: dict[str, Path | None]) -> None:
    """Say where the values of an option stand now that is no more.

    Raises `TrainingError` when one is given.
    """
    tables = {"--settings": "[transformer]", "--teacher-settings": "[teacher.settings]"}
    for name, value in options.items():
        if value is not None:
            raise TrainingError(
                f"{name} is gone: put its values into a recipe, under {tables[name]}, and give "
                "that with --recipe FILE.toml (docs/training.md)"
            )


def _check_extra() -> None:
    """See that the extra is installed.

    Raises `TrainingError` when it isn't.
    """
    needed = ("torch", "transformers", "datasets", "tomli_w")
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"training needs {', '.join(missing)}; type: {how_to_install('training')}"
        )


def _check(output: Path, track: list[Track] | None) -> None:
    """Find out before any work that a run can't be, as far as that can be seen."""
    _check_extra()
    from framescope.classifier.bundles import check_writable
    from framescope.training.runs import check_run_folder, need_tracker

    check_writable(output)
    check_run_folder(output)
    for one in track or ():
        need_tracker(one)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("fine-tuning", total=None)

        def show(done: int, total: int, line: str) -> None:
            bar.update(task, completed=done, total=total, description=line)
            if not console.is_terminal and (done % 100 == 0 or done == total):
                _tell(f"{line}: {done} of {total}")

        yield show


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _told(log: Callable[[str], None]) -> Callable[[str], None]:
    """Tell the user, and the run's log."""

    def tell(line: str) -> None:
        _tell(line)
        log(line)

    return tell


def _done(output: Path) -> None:
    typer.echo(f"wrote {output}; score with it: framescope score INPUT --model {output}")
