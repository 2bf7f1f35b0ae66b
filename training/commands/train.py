"""``framescope train``: options, and one call each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from classifier.errors import CorpusError, TrainingError, how_to_install
from training import DEFAULT_SEED, MIXTURES, Recipe
from training.options import CorporaFolder

if TYPE_CHECKING:
    from training.data import Data

app = typer.Typer(
    help="Train a model on labelled corpora and write its bundle (extra: training).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OWN = "exchange"
"""The corpus of a user's own files."""

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
OfRecipe = Annotated[
    Recipe,
    typer.Option(help="; ".join(f"{name}: {one.meaning}" for name, one in MIXTURES.items()) + "."),
]
Seed = Annotated[int, typer.Option(help="Seed of the training; the split has its own.")]
SplitSeed = Annotated[int, typer.Option(help="Seed of the split.")]
AllowChanged = Annotated[
    bool, typer.Option("--allow-changed", help="Take corpora other than those the cards pin.")
]


@app.command()
def baseline(
    output: Output,
    corpora: CorporaFolder = None,
    data: Files = None,
    recipe: OfRecipe = Recipe.DEFAULT,
    corpus: Corpora = None,
    share: Share = None,
    signal: Learned = None,
    seed: Seed = DEFAULT_SEED,
    split_seed: SplitSeed = DEFAULT_SEED,
    allow_changed: AllowChanged = False,
) -> None:
    """Fit TF-IDF and a logistic regression a signal, tuned by grouped cross-validation."""
    rows = _load(corpora, data, recipe, corpus, share, signal, split_seed, allow_changed, output)
    from training.making import make_baseline

    make_baseline(rows, output, seed, _tell)
    _done(output)


@app.command()
def transformer(
    output: Output,
    corpora: CorporaFolder = None,
    data: Files = None,
    recipe: OfRecipe = Recipe.DEFAULT,
    corpus: Corpora = None,
    share: Share = None,
    signal: Learned = None,
    encoder: Annotated[
        Path | None, typer.Option(help="Local model folder; else all-MiniLM-L6-v2.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="JSON file of settings that differ from the defaults.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the training; the split has its own.")
    ] = None,
    split_seed: SplitSeed = DEFAULT_SEED,
    allow_changed: AllowChanged = False,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Model folder of a stronger encoder, which labels text without labels."),
    ] = None,
    teacher_settings: Annotated[
        Path | None, typer.Option(help="JSON file of the teacher's settings.")
    ] = None,
    text: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Articles for the teacher to label, else those beside the corpora; repeatable.",
        ),
    ] = None,
    taught_sentences: Annotated[
        int, typer.Option(min=1, help="How many sentences the teacher labels at most.")
    ] = 200_000,
    lessons: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the teacher and what it says are kept, for several runs to share; "
            "OUTPUT.teacher unless given.",
        ),
    ] = None,
) -> None:
    """Fine-tune one encoder for every signal; with --teacher, on what another says of text besides.

    Interrupted, it resumes from its checkpoint when the same command is typed again.
    """
    from training.transformer import TEACHING, Teacher, read_settings

    for name, value in (
        ("--teacher-settings", teacher_settings),
        ("--text", text),
        ("--lessons", lessons),
    ):
        if value and teacher is None:
            raise TrainingError(f"{name} is about a teacher; give one with --teacher FOLDER")
    given = {"epochs": epochs, "learning_rate": learning_rate, "seed": seed}
    chosen = read_settings(
        settings,
        {k: v for k, v in given.items() if v is not None},
        {"epochs": MIXTURES[recipe].epochs},
    )
    rows = _load(corpora, data, recipe, corpus, share, signal, split_seed, allow_changed, output)
    from training.corpora import given_folder
    from training.making import Teaching, make_transformer
    from training.transformer import default_encoder as default_folder

    root = None if MIXTURES[recipe].shipped_only else given_folder(corpora)
    with _progress() as progress:
        teaching = None
        if teacher is not None:
            kept = lessons or output.with_name(output.name + ".teacher")
            teaching = Teaching(
                Teacher(teacher, read_settings(teacher_settings, {}, TEACHING), kept),
                text or (),
                taught_sentences,
            )
        make_transformer(
            rows, output, encoder or default_folder(), chosen, _tell, progress, root, teaching
        )
    _done(output)


def _load(
    corpora: Path | None,
    files: list[Path] | None,
    recipe: Recipe,
    only: list[str] | None,
    share: list[str] | None,
    signal: list[str] | None,
    seed: int,
    allow_changed: bool,
    output: Path,
) -> Data:
    missing = [name for name in ("torch", "transformers", "datasets") if find_spec(name) is None]
    if missing:
        raise TrainingError(
            f"training needs {', '.join(missing)}; type: {how_to_install('training')}"
        )
    from classifier.bundle import check_writable
    from training.corpora import State, house_folder, root_folder
    from training.corpora import find_corpus as find
    from training.data import load_data

    check_writable(output)
    if files:
        return _of_files(files, only, signal, seed)
    root = None if MIXTURES[recipe].shipped_only else root_folder(corpora)
    _tell(f"reading corpora in {root or house_folder()}")
    data = load_data(
        root,
        only,
        seed,
        recipe=recipe,
        shares=dict(map(_share, share or ())),
        signals=signal,
        allow_changed=allow_changed,
    )
    for corpus in map(find, data.corpora):
        if root is not None and corpus.state(root) is State.PARTIAL:
            _tell(f"{corpus.card.name}: left out, as not here: {'; '.join(corpus.lacks(root))}")
    return data


def _of_files(
    files: list[Path], only: list[str] | None, signal: list[str] | None, seed: int
) -> Data:
    """Read a user's own files, and nothing else.

    Raises `TrainingError` when one isn't there.
    """
    from training.data import load_data

    if only and only != [OWN]:
        raise TrainingError("--data trains on these files alone; leave out --corpus")
    with TemporaryDirectory() as folder:
        own = Path(folder) / OWN
        own.mkdir()
        for number, path in enumerate(files):
            if not path.is_file():
                raise TrainingError(
                    f"{path}: no such file; give --data a file of labelled articles"
                )
            (own / f"{number}-{path.stem}.jsonl").symlink_to(path.absolute())
        _tell(f"reading {', '.join(map(str, files))}")
        try:
            return load_data(Path(folder), [OWN], seed, signals=signal)
        except CorpusError as error:
            said = str(error)
            for number, path in enumerate(files):  # as the user calls them
                said = said.replace(str(own / f"{number}-{path.stem}.jsonl"), str(path))
            raise CorpusError(said) from None


def _share(given: str) -> tuple[str, float]:
    """Read CORPUS=SHARE.

    Raises `TrainingError` when it is something else.
    """
    corpus, equals, share = given.partition("=")
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not corpus or not equals or not 0 <= number <= 1:
        raise TrainingError(f"--share {given}: write CORPUS=SHARE, with a share from 0 to 1")
    return corpus, number


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


def _done(output: Path) -> None:
    typer.echo(f"wrote {output}; score with it: framescope score INPUT --model {output}")
