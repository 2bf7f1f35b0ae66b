"""The command `framescope train`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from framescope.classifier import output as outputs
from framescope.classifier.errors import TrainingError, how_to_install
from framescope.training import Track
from framescope.training.commands import File, Files, Text, Texts
from framescope.training.options import CorporaFolder, refuse_options
from typer import Argument, Option

if TYPE_CHECKING:
    from framescope.training.data import Data
    from framescope.training.recipes import Recipe

app = typer.Typer(rich_markup_mode=None)

_RECIPES = (
    "A recipe that ships (default, house, finetune, renewed, multilingual, multilingual-renewed), "
    "or a TOML file of your own."
)
_RECIPE = f"{_RECIPES} Default unless given; finetune with --from."
_ONLY = "Train on your own labelled file (exchange format) and nothing else; repeatable."
_ADD = "Learn from your own labelled file (exchange format); repeatable."
_SHARE = "Learn from this share of a corpus' training articles, 0 to 1; repeatable."
_SEED = "Seed of the training, in place of the recipe's."
_CHANGED = "Use corpora whose files differ from those pinned."
_BUNDLE = "The bundle: transformer, baseline, NAME or FOLDER."
_CONTINUE = "Continue the training of this bundle: transformer, NAME or FOLDER."
_ENCODER = "Local model folder, or multilingual-e5-small; all-MiniLM-L6-v2 unless given."
_TEACHER = "Model folder of a stronger encoder, which labels text without labels."
_DEVICE = "cpu, cuda, cuda:1, mps; a CUDA GPU if there is one."
_TRACKS = "Write curves for TensorBoard or MLflow too (extra: tracking); repeatable."
_OUTPUT = Option("--output", "-o", metavar="FOLDER", help="Where to write the bundle.")
Output = Annotated[Path, _OUTPUT]
Corpora = Annotated[Texts, Option(metavar="NAME", help="Train only on this corpus. Repeatable.")]
Only = Annotated[Files, Option(metavar="FILE", help=_ONLY)]
Add = Annotated[Files, Option(metavar="FILE", help=_ADD)]
Share = Annotated[Texts, Option(metavar="CORPUS=SHARE", help=_SHARE)]
Signals = Annotated[Texts, Option(metavar="NAME", help="Learn only this signal. Repeatable.")]
From = Annotated[str, Option("--from", metavar="MODEL", help=_BUNDLE)]
Seed = Annotated[int | None, Option(min=0, max=2**32 - 1, help=_SEED)]
AllowChanged = Annotated[bool, Option("--allow-changed", help=_CHANGED)]
Tracks = Annotated[list[Track] | None, Option(help=_TRACKS)]


@app.callback(invoke_without_command=True)
def heads(
    context: typer.Context,
    add: Add = None,
    output: Annotated[Path | None, _OUTPUT] = None,
    start: From = "transformer",
    signal: Signals = None,
) -> None:
    """Fit heads on a bundle for the signals of your own labels, in seconds.

    A head is a logistic regression on the bundle's scores, its sentence vectors and word n-grams.
    All other signals stay as they are. The subcommands train a whole model (extra: training).
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    if not add or output is None:
        missing = "--output FOLDER" if add else "--add FILE"
        raise typer.BadParameter(f"give {missing}, or train a whole baseline or transformer")
    from framescope.training.heads import add_heads

    add_heads(start, add, output, signal or (), _echo)
    _done(output)


@app.command()
def baseline(
    output: Output,
    corpora: CorporaFolder = None,
    data: Only = None,
    recipe: Annotated[str, Option(metavar="NAME|FILE", help=_RECIPES)] = "default",
    corpus: Corpora = None,
    share: Share = None,
    signal: Signals = None,
    seed: Seed = None,
    allow_changed: AllowChanged = False,
    track: Tracks = None,
) -> None:
    """Fit TF-IDF and a logistic regression per signal, tuned by grouped cross-validation."""
    _check(output, track or ())
    from framescope.training.recipes import read_recipe
    from framescope.training.runs import TrainingRun, train_baseline

    chosen = read_recipe(recipe).changed(seed=seed)
    asked = _RowsAsked(corpora, data, None, corpus, share, signal, allow_changed)
    rows = asked.load(chosen)
    more: dict[str, Any] = {"options": asked.record, "track": track or ()}
    with TrainingRun.begin(output, "baseline", chosen, rows, **more) as run:
        keep: dict[str, Any] = {"tell": run.tell, "name": asked.name("baseline", chosen)}
        train_baseline(rows, output, chosen.baseline, chosen.seed, run=run, **keep)
    _done(output)


@app.command()
def transformer(
    output: Output,
    corpora: CorporaFolder = None,
    data: Only = None,
    add: Add = None,
    recipe: Annotated[Text, Option(metavar="NAME|FILE", help=_RECIPE)] = None,
    start: Annotated[Text, Option("--from", metavar="MODEL", help=_CONTINUE)] = None,
    corpus: Corpora = None,
    share: Share = None,
    signal: Signals = None,
    encoder: Annotated[File, Option(metavar="FOLDER", help=_ENCODER)] = None,
    seed: Seed = None,
    allow_changed: AllowChanged = False,
    teacher: Annotated[File, Option(metavar="FOLDER", help=_TEACHER)] = None,
    device: Annotated[Text, Option(metavar="NAME", help=_DEVICE)] = None,
    track: Tracks = None,
) -> None:
    """Fine-tune one encoder for every signal, or with --from a bundle.

    With --teacher it also learns a stronger encoder's outputs for text without labels; with --from
    the bundle's own outputs. Epochs and all other settings stand in the recipe.

    An interrupted training resumes from its checkpoint when the same command is typed again.
    """
    _check(output, track or ())
    from framescope.training.recipes import TeacherRecipe, read_recipe

    named = recipe or ("finetune" if start is not None else _usual_recipe(corpora, add))
    chosen = read_recipe(named).changed(seed=seed, encoder=encoder)
    if teacher is not None:
        changed = (chosen.teacher or TeacherRecipe()).changed(encoder=teacher)
        chosen = chosen.changed(teacher=changed)
    if start is not None and chosen.teacher is not None:
        raise TrainingError("--from and a teacher exclude each other; leave one of them out")
    from framescope.training import transformer as encoders
    from framescope.training.corpora import given_folder
    from framescope.training.heads import compare_with_heads
    from framescope.training.runs import TrainingRun, continue_training, train_transformer

    begun = None if start is None else encoders.StartingBundle.read(start)
    folder = encoders.find_encoder(chosen.encoder, "" if begun is None else begun.encoder)
    computes_on = encoders.choose_device(device)
    if begun is not None:
        begun.check_encoder(folder)
    described = encoders.describe_encoder(folder)
    if encoders.is_base_size(folder):
        chosen = chosen.for_base_size()
    asked = _RowsAsked(corpora, data, add, corpus, share, signal, allow_changed)
    rows = asked.load(chosen)
    options = asked.record | ({} if begun is None else {"from": begun.identity})
    more: dict[str, Any] = {"options": options, "added": add or (), "track": track or ()}
    with (
        TrainingRun.begin(output, "transformer", chosen, rows, encoder=described, **more) as run,
        _progress() as progress,
    ):
        if run.resumed:
            _echo(f"resuming the run in {run.folder}")
        keep: dict[str, Any] = {"tell": run.tell, "progress": progress, "run": run}
        keep |= {"name": asked.name("transformer", chosen), "device": computes_on}
        keep["root"] = given_folder(corpora) if chosen.needs_folder else None
        if begun is None:
            if (asks := chosen.teacher) is not None and asks.encoder is not None:
                kept = asks.folder or output.with_name(output.name + ".teacher")
                asked_of = chosen.teaching, kept, asks.texts, asks.sentences
                keep["teacher"] = encoders.Teacher(asks.encoder, *asked_of, computes_on)
            train_transformer(rows, output, folder, chosen.settings, **keep)
        else:
            continue_training(rows, output, begun, folder, chosen.settings, **keep)
        if begun is not None and add:
            try:
                compare_with_heads(begun.folder, output, rows, run.tell)
            except TrainingError as error:  # the bundle is written all the same
                run.tell(f"not compared with heads: {error}")
    _done(output)


@app.command("recipe")
def show(
    recipe: Annotated[
        str, Argument(metavar="NAME|FILE", help="One that ships, or a TOML file.")
    ] = "default",
) -> None:
    """Check a recipe, and show all it says, with what it extends and every default."""
    _check_extra()
    from framescope.training.recipes import read_recipe

    typer.echo(read_recipe(recipe).to_toml(), nl=False)


def _usual_recipe(corpora: Path | None, add: list[Path] | None) -> str:
    from framescope.training.corpora import given_folder

    if not add or given_folder(corpora) is not None:
        return "default"
    _echo("no folder of public corpora (--corpora DIR): learning from the house corpus and --add")
    return "house"


class _RowsAsked(NamedTuple):
    """The rows to learn from, by the options of their names."""

    corpora: Path | None
    data: list[Path] | None
    add: list[Path] | None
    corpus: list[str] | None
    share: list[str] | None
    signal: list[str] | None
    allow_changed: bool

    @property
    def shares(self) -> dict[str, float]:
        """The values of --share, which are CORPUS=SHARE."""
        found: dict[str, float] = {}
        for given in self.share or ():
            corpus, _, share = given.partition("=")
            try:
                found[corpus] = float(share)
            except ValueError:
                found[corpus] = -1.0
            if not corpus or not 0 <= found[corpus] <= 1:
                wanted = "write CORPUS=SHARE, with a share from 0 to 1"
                raise TrainingError(f"--share {given}: {wanted}")
        return found

    @property
    def record(self) -> dict[str, Any]:
        """The options that decide about the run, for its record."""
        given: dict[str, Any] = {"data": self.data, "add": self.add}
        files = {key: of and [str(path.absolute()) for path in of] for key, of in given.items()}
        return {"corpus": self.corpus, "share": self.shares, "signal": self.signal, **files}

    def name(self, kind: str, recipe: Recipe) -> str:
        """Name a bundle by its data, so that training it again gives the same bytes."""
        from framescope.training.recipes import plain_name

        own = (*(self.data or ()), *(self.add or ()))
        files = "-".join(plain_name(path.stem) for path in own[:3])
        of_recipe = "" if self.data or recipe.name == "default" else recipe.name
        return "-".join(filter(None, (kind, of_recipe, files)))

    def load(self, recipe: Recipe) -> Data:
        """Read the rows, and split them."""
        from framescope.training.corpora import ADDED, find_corpus, house_folder
        from framescope.training.corpora.articles import State, root_folder
        from framescope.training.data import Added, load_data

        if self.data and self.add:
            what = "--data trains on its files alone, --add on the recipe's corpora too; give one"
            raise TrainingError(what)
        Added.read(self.data or self.add or ())  # what is wrong with them is said first
        if self.data:
            if self.corpus:
                raise TrainingError("--data trains on these files alone; leave out --corpus")
            _echo(f"reading {', '.join(map(str, self.data))}")
            seed, of = recipe.split_seed, recipe.corpora
            return load_data(None, [ADDED], seed, corpora=of, signals=self.signal, added=self.data)
        root = root_folder(self.corpora) if recipe.needs_folder else None
        _echo(f"reading corpora in {root or house_folder()}")
        data = load_data(
            root, self.corpus, recipe.split_seed, corpora=recipe.corpora, shares=self.shares,
            signals=self.signal, allow_changed=self.allow_changed, added=self.add or (),
        )  # fmt: skip
        for corpus in map(find_corpus, data.corpora):
            if root is not None and corpus.state(root) is State.PARTIAL:
                lacks = "; ".join(corpus.lacks(root))
                _echo(f"{corpus.card.name}: left out, as not here: {lacks}")
        return data


def _check_extra() -> None:
    needed = ("torch", "transformers", "datasets", "tomli_w")
    if missing := ", ".join(name for name in needed if find_spec(name) is None):
        raise TrainingError(f"training needs {missing}; type: {how_to_install('training')}")


def _check(output: Path, track: Sequence[Track]) -> None:
    """Find out before any work that a run isn't possible, as far as that can be seen."""
    _check_extra()
    from framescope.classifier.bundles import check_writable
    from framescope.training.runs import check_run_folder, need_tracker

    check_writable(output)
    check_run_folder(output)
    for one in track:
        need_tracker(one)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    with outputs.progress() as update:

        def show(done: int, total: int, line: str) -> None:
            shown = f"{line}: {done} of {total}"
            update(completed=done, total=total, description=shown)
            if not sys.stderr.isatty() and (done % 100 == 0 or done == total):
                _echo(shown)

        yield show


def _echo(line: str) -> None:
    typer.echo(line, err=True)


def _done(output: Path) -> None:
    typer.echo(f"wrote {output}; score with it: framescope score INPUT --model {output}")
