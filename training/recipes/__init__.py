"""How a bundle is made, in one small TOML file: defaults are as shipped."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from framescope.classifier.errors import FramescopeError, TrainingError
from framescope.classifier.taxonomy import in_order
from framescope.classifier.validation import Checked, explain
from framescope.training import DEFAULT_SEED
from framescope.training.corpora import find_corpus
from pydantic import Field, PlainSerializer, ValidationError

SHIPPED_RECIPES = (
    "default",
    "finetune",
    "house",
    "multilingual",
    "multilingual-renewed",
    "renewed",
)
_RENAMED = {"desk": "finetune"}

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Weights = dict[str, Weight]
MULTILINGUAL = "multilingual-e5-small"  # an encoder that isn't a folder, but made of packages
File = Annotated[
    Path,
    Field(strict=False),
    PlainSerializer(lambda path: str(path) if str(path) == MULTILINGUAL else str(path.absolute())),
]
Mix = Literal["words", "characters", "words over characters", "both"]

#: How a base-size teacher is fine-tuned, where that differs from a student.
TEACHING: dict[str, Any] = {
    "epochs": 1,
    "learning_rate": 5e-5,
    "head_learning_rate": 1e-3,
    "freeze_embeddings": False,
}
#: Of an encoder of base size: at a small one's rates mpnet learns nothing, and no error says so.
BASE_SIZE = {"learning_rate": 3e-5, "head_learning_rate": 1e-3}


class Table(Checked):
    """Base of a recipe and its tables."""

    def changed(self, **values: Any) -> Self:
        """Return a copy with other values; None leaves a value as it is."""
        return self.model_copy(update={k: v for k, v in values.items() if v is not None})


class TransformerTable(Table):
    """The table ``[transformer]`` of a recipe; docs/training.md explains each setting."""

    learning_rate: Weight = 1e-4
    head_learning_rate: Weight = 2e-3
    warmup: Share = 0.06
    weight_decay: Weight = 0.01
    batch_tokens: Count = 1024
    max_tokens: Annotated[int, Field(ge=8)] = 192
    context: bool = True
    freeze_embeddings: bool = True
    dropout: Share = 0.0
    tag_weight: Weight = 1.0
    citation_weight: Weight = 3.0
    taught_weight: Weight = 1.0
    taught_passes: Weight = 1.0
    patience: Annotated[int, Field(ge=0)] = 0
    start_share: Share = 0.0


class TransformerSettings(TransformerTable):
    """How a transformer is fine-tuned; each corpus and signal counts 1 unless it is named."""

    epochs: Annotated[int, Field(ge=0)] = 3
    shares: Weights = Field(default_factory=dict)
    weights: Weights = Field(default_factory=dict)
    seed: Seed = DEFAULT_SEED


class BaselineSettings(Table):
    """How the baseline is fitted: the grid, simpler first, its folds and its vocabularies."""

    mixes: list[Mix] = Field(
        default=["words", "characters", "words over characters", "both"], min_length=1
    )
    # 30 and 100 were no better than 10.
    strengths: list[Annotated[float, Field(gt=0)]] = Field(
        default=[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0], min_length=1
    )
    folds: Annotated[int, Field(ge=2)] = 3
    least: Count = 3
    most_words: Count = 36_000
    most_characters: Count = 24_000


class TeacherRecipe(Table):
    """A stronger encoder that labels articles for a transformer."""

    encoder: File | None = None
    texts: list[File] = Field(default_factory=list)  # else the articles beside the corpora
    sentences: Count = 200_000
    folder: File | None = None  # of weights and outputs, for several trainings
    settings: TransformerSettings = TransformerSettings()  # else `TEACHING` and the recipe's


class Recipe(Table):
    """How a bundle is made: corpora, which are split together, and settings of both models."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,60}$")] = "mine"
    corpora: list[str] = Field(default_factory=list, min_length=1)
    meaning: str = ""
    encoder: File | None = None
    epochs: Count = 3
    seed: Seed = DEFAULT_SEED
    split_seed: Seed = DEFAULT_SEED
    shares: Weights = Field(default_factory=dict)
    weights: Weights = Field(default_factory=dict)
    transformer: TransformerTable = TransformerTable()
    baseline: BaselineSettings = BaselineSettings()
    teacher: TeacherRecipe | None = None

    @property
    def needs_folder(self) -> bool:
        """Whether it takes corpora that don't ship."""
        return not all(find_corpus(name).shipped for name in self.corpora)

    @property
    def settings(self) -> TransformerSettings:
        """How the transformer is fine-tuned."""
        top = {name: getattr(self, name) for name in ("epochs", "seed", "shares", "weights")}
        return TransformerSettings(**self.transformer.model_dump(), **top)

    @property
    def teaching(self) -> TransformerSettings:
        """How its teacher is fine-tuned: on the same shares and weights."""
        mixed = {"shares": self.shares, "weights": self.weights}
        own = {} if self.teacher is None else self.teacher.settings.model_dump(exclude_unset=True)
        return TransformerSettings(**{**mixed, **TEACHING, **own})

    def for_base_size(self) -> Self:
        """Return it with the rates of `BASE_SIZE`, where it doesn't set its own."""
        own = self.transformer.model_fields_set
        rates = {name: rate for name, rate in BASE_SIZE.items() if name not in own}
        return self.changed(transformer=self.transformer.changed(**rates))

    def to_record(self) -> dict[str, Any]:
        """Return everything it says, defaults included, as `read_recipe` reads it."""
        record = self.model_dump(mode="json", exclude_none=True)
        if self.teacher is not None:
            record["teacher"]["settings"] = self.teaching.model_dump()
        return record

    def to_toml(self) -> str:
        """Return `to_record` as TOML."""
        import tomli_w

        return tomli_w.dumps(self.to_record())


class _RecipeFile(Recipe):
    extends: Annotated[str, Field(min_length=1)] | None = None


def read_recipe(given: str) -> Recipe:
    """Read a recipe that ships, by its name, or a TOML file; `TrainingError` says what is wrong."""
    record, what = _read(given, None, ()), ""
    record.setdefault("name", plain_name(Path(given).name.removesuffix(".toml")))
    if "corpora" not in record:
        what = 'names no corpora; add: corpora = ["house"], or: extends = "default"'
    elif "encoder" not in record.get("teacher", {"encoder": ""}):
        what = '[teacher] names no encoder; add: encoder = "FOLDER", or remove [teacher]'
    if what:
        raise TrainingError(f"{given}: {what}")
    return Recipe(**record)


def plain_name(text: str) -> str:
    """Turn any file's name into the name of a recipe."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "mine"


def _read(given: str, home: Path | None, before: Sequence[str]) -> dict[str, Any]:
    """Read a file and what it extends; `before` are the files that extend it."""
    name, folder, text = _find(given, home, before[-1] if before else None)
    if name in before:
        raise TrainingError(f"{name}: extends itself; remove one line: extends = ...")
    try:
        record = tomllib.loads(text)
        _RecipeFile.model_validate(record)
        _check_names(record)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"{name}: not TOML ({reason}); see docs/training.md") from None
    except ValidationError as error:
        path = [part for part in error.errors()[0]["loc"] if isinstance(part, str)]
        place = _line_of(text, path[-1])
        raise TrainingError(f"{name}{place}: {explain(error, _RecipeFile)}") from None
    except FramescopeError as error:  # of a corpus, or of a signal
        found = re.search(r"'([^']*)'", str(error))
        raise TrainingError(f"{name}{_line_of(text, found[1] if found else '')}: {error}") from None
    record = _resolved(record, folder or Path())
    if "extends" not in record:
        return record
    below = _read(record.pop("extends"), folder, (*before, name))
    own = ("name", "meaning")  # which describe the other recipe
    return _merged({key: value for key, value in below.items() if key not in own}, record)


def _find(given: str, home: Path | None, by: str | None) -> tuple[str, Path | None, str]:
    """Return a recipe's name in messages, its folder (None: it ships) and its text."""
    if given in SHIPPED_RECIPES:
        text = files("framescope.training.recipes").joinpath(f"{given}.toml").read_text("utf-8")
        return given, None, text
    path = (home or Path()) / Path(given).expanduser()
    names = ", ".join(SHIPPED_RECIPES)
    try:
        return str(path), path.parent, path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        reason = f"{path}: not UTF-8; save it as UTF-8"
    except (FileNotFoundError, ValueError):  # of a path with a null character
        close = get_close_matches(given, SHIPPED_RECIPES, 1)
        hint = f"did you mean {close[0]}? " if close else ""
        if given in _RENAMED:
            reason = f"the recipe '{given}' is named '{_RENAMED[given]}' now; give that name"
        elif path.suffix or "/" in given:
            reason = f"{path}: no such file; give a TOML file, or one of {names}"
        else:
            reason = f"no recipe '{given}'; {hint}give {names}, or the path of a TOML file"
    except OSError as error:
        reason = f"{path}: can't be read ({error.strerror or error}); give a TOML file"
    raise TrainingError(f"{by}: extends = {json.dumps(given)}: {reason}" if by else reason)


def _check_names(record: Mapping[str, Any]) -> None:
    """Raise the error of a corpus or signal that isn't known."""
    for table in (record, record.get("teacher", {}).get("settings", {})):
        for corpus in (*table.get("corpora", ()), *table.get("shares", ())):
            find_corpus(corpus)
        in_order(table.get("weights", ()))


def _line_of(text: str, key: str) -> str:
    """Return ", line N" where a key is assigned or heads a table in one line only, else ""."""
    wanted = re.compile(rf"\s*(\[\s*([\w.-]+\.)?{re.escape(key)}\s*\]|[\"']?{re.escape(key)}\W*=)")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if wanted.match(line)]
    return f", line {lines[0]}" if len(lines) == 1 else ""


def _resolved(record: Mapping[str, Any], home: Path) -> dict[str, Any]:
    found = dict(record)
    for key in {"encoder", "folder"} & found.keys():
        if found[key] != MULTILINGUAL:
            found[key] = home / Path(found[key]).expanduser()
    if "texts" in found:
        found["texts"] = [home / Path(one).expanduser() for one in found["texts"]]
    if "teacher" in found:
        found["teacher"] = _resolved(found["teacher"], home)
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Put one recipe on another: tables key by key, everything else in place of what was."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
