"""Which rows a training is asked to learn from, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import CorpusError, TrainingError

if TYPE_CHECKING:
    from framescope.training.data import Data
    from framescope.training.recipes import Recipe

OWN = "exchange"
"""The corpus of a user's own files."""

_NAMED = 3  # of a user's files, in a bundle's name


class RowsAsked:
    """What was typed of the rows: which are learned from, and where they lie."""

    def __init__(
        self,
        corpora: Path | None,
        files: list[Path] | None,
        added: list[Path] | None,
        only: list[str] | None,
        share: list[str] | None,
        signals: list[str] | None,
        allow_changed: bool,
    ) -> None:
        if files and added:
            raise TrainingError(
                "--data trains on its files alone, --add on the recipe's corpora too; give one"
            )
        self.corpora, self.files, self.added, self.only = corpora, files, added, only
        self.shares = dict(map(_share, share or ()))
        self.signals, self.allow_changed = signals, allow_changed

    @property
    def record(self) -> dict[str, Any]:
        """Give what decides about the run, for its record."""
        return {
            "corpus": self.only,
            "share": self.shares,
            "signal": self.signals,
            "data": self.files and [str(path.absolute()) for path in self.files],
            "add": self.added and [str(path.absolute()) for path in self.added],
        }

    def name(self, kind: str, recipe: Recipe) -> str:
        """Name a bundle by what it is made from, so that making it again gives the same bytes."""
        from framescope.training.recipes import plain_name

        own = (*(self.files or ()), *(self.added or ()))
        files = "-".join(plain_name(path.stem) for path in own[:_NAMED])
        of_recipe = "" if self.files or recipe.name == "default" else recipe.name
        return "-".join(part for part in (kind, of_recipe, files) if part)

    def load(self, recipe: Recipe, tell: Callable[[str], None]) -> Data:
        """Read the rows, and split them."""
        from framescope.training.corpora import State, house_folder, root_folder
        from framescope.training.corpora import find_corpus as find
        from framescope.training.data import Added, load_data

        Added.read(self.added or ())  # what is wrong with them is said first
        if self.files:
            return _of_files(self.files, self.only, self.signals, recipe.split_seed, tell)
        root = root_folder(self.corpora) if recipe.needs_folder else None
        tell(f"reading corpora in {root or house_folder()}")
        data = load_data(
            root,
            self.only,
            recipe.split_seed,
            corpora=recipe.corpora,
            shares=self.shares,
            signals=self.signals,
            allow_changed=self.allow_changed,
            added=self.added or (),
        )
        for corpus in map(find, data.corpora):
            if root is not None and corpus.state(root) is State.PARTIAL:
                lacks = "; ".join(corpus.lacks(root))
                tell(f"{corpus.card.name}: left out, as not here: {lacks}")
        return data


def _of_files(
    files: list[Path],
    only: list[str] | None,
    signal: list[str] | None,
    seed: int,
    tell: Callable[[str], None],
) -> Data:
    """Read a user's own files, and nothing else.

    Raises `TrainingError` when one isn't there.
    """
    from framescope.training.data import load_data

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
        tell(f"reading {', '.join(map(str, files))}")
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
