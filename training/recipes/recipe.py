"""A recipe: all that a bundle follows from, but the texts and the code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.training import DEFAULT_SEED

if TYPE_CHECKING:
    from framescope.training.transformer import Settings


@dataclass(frozen=True)
class TeacherRecipe:
    """Who teaches a transformer besides the labels.

    Attributes
    ----------
    encoder : pathlib.Path
        A local model folder.
    texts : sequence of pathlib.Path
        Articles that it labels; none: those beside the corpora.
    sentences : int
        How many it labels at most.
    settings : mapping
        Of its fine-tuning, where they differ from `training.transformer.TEACHING`.
    """

    encoder: Path
    texts: Sequence[Path] = ()
    sentences: int = 200_000
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How a bundle is made.

    Attributes
    ----------
    name : str
        Of what is made by it: letters, digits, dots, hyphens, underscores.
    corpora : sequence of str
        Those that are split together, and learned from unless an option says otherwise.
    meaning : str
        One line.
    encoder : pathlib.Path or None
        A local model folder; None: all-MiniLM-L6-v2.
    epochs : int or None
        Of the transformer; None: as in its settings.
    seed : int
        Of the training.
    split_seed : int
    shares : mapping of str to float
        How much of each corpus an epoch of the transformer holds.
    weights : mapping of str to float
        Of each signal in the transformer's loss.
    transformer : mapping
        The transformer's other settings, where they differ from the defaults.
    baseline : mapping
        The same of the baseline.
    teacher : TeacherRecipe or None
    """

    name: str
    corpora: Sequence[str]
    meaning: str = ""
    encoder: Path | None = None
    epochs: int | None = None
    seed: int = DEFAULT_SEED
    split_seed: int = DEFAULT_SEED
    shares: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    transformer: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    teacher: TeacherRecipe | None = None

    @property
    def needs_folder(self) -> bool:
        """Whether it takes corpora that don't ship."""
        from framescope.training.corpora import SHIPPED

        return not set(self.corpora) <= set(SHIPPED)

    @property
    def settings(self) -> Settings:
        """How the transformer is fine-tuned."""
        from framescope.training.transformer import Settings

        mixed = {"shares": dict(self.shares), "weights": dict(self.weights)}
        epochs = {} if self.epochs is None else {"epochs": self.epochs}
        return Settings(**{**mixed, **self.transformer, **epochs, "seed": self.seed})

    @property
    def teaching(self) -> Settings:
        """How its teacher is fine-tuned: on the same mixture."""
        from framescope.training.transformer import TEACHING, Settings

        mixed = {"shares": dict(self.shares), "weights": dict(self.weights)}
        own = {} if self.teacher is None else self.teacher.settings
        return Settings(**{**mixed, **TEACHING, **own})

    def changed(self, **options: Any) -> Recipe:
        """Put options in place of what it says; those that are None leave it as it is."""
        given = {name: value for name, value in options.items() if value is not None}
        return replace(self, **given)

    def to_record(self) -> dict[str, Any]:
        """Give all it says, and every default, as `training.recipes.read_recipe` reads it."""
        settings = asdict(self.settings)
        record: dict[str, Any] = {
            "name": self.name,
            "meaning": self.meaning,
            "corpora": list(self.corpora),
            "encoder": None if self.encoder is None else str(self.encoder.absolute()),
            "epochs": settings.pop("epochs"),
            "seed": settings.pop("seed"),
            "split_seed": self.split_seed,
            "shares": settings.pop("shares"),
            "weights": settings.pop("weights"),
            "transformer": settings,
            "baseline": dict(self.baseline),
        }
        if self.teacher is not None:
            record["teacher"] = {
                "encoder": str(self.teacher.encoder.absolute()),
                "texts": [str(path.absolute()) for path in self.teacher.texts],
                "sentences": self.teacher.sentences,
                "settings": asdict(self.teaching),
            }
        return {key: value for key, value in _said(record).items() if value not in ("", {})}

    def to_toml(self) -> str:
        """Write `to_record` as TOML."""
        import tomli_w

        return tomli_w.dumps(self.to_record())


def plain_name(text: str) -> str:
    """Make a name of whatever a file is called."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "mine"


def _said(record: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what isn't said, for which TOML has no word."""
    return {
        key: _said(value) if isinstance(value, Mapping) else value
        for key, value in record.items()
        if value is not None
    }
