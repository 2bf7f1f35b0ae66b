"""What several commands share: options, formats, and how help is shown."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from framescope.classifier.errors import FramescopeError
from typer import Option

ReportFormat = Literal["terminal", "json", "jsonl", "html", "csv"]
CardFormat = Literal["terminal", "json"]
SectionFormat = Literal["terminal", "json", "markdown"]
AnswerFormat = Literal["terminal", "csv", "json", "jsonl", "parquet"]
As = partial(Option, "--format", "-f")
To = partial(Option, "--output", "-o")
_Model = partial(Option, "--model", "-m", metavar="MODEL")
AsCard = Annotated[CardFormat, As(help="Format of the output.")]
AsTables = Annotated[Literal["parquet", "jsonl"], As(help="Format of the tables.")]
AllowSeen = Annotated[
    bool, Option("--allow-seen", help="Accept articles that a bundle has, or may have, seen.")
]
Own = Annotated[Path | None, Option(metavar="FILE", help="File of your own outlets (JSON Lines).")]
ModelName = Annotated[
    str,
    _Model(
        help="baseline, transformer, the name of a promoted bundle, a bundle's folder, or hf://."
    ),
]
Scoring = Annotated[
    str | None,
    _Model(
        help="Score with this alone: baseline, transformer, multilingual, a promoted bundle, a "
        "folder, or hf://. Default: transformer, and multilingual beyond English."
    ),
]
Output = Annotated[Path | None, To(metavar="FILE", help="Output file; - is standard output.")]
OnlySignals = Annotated[list[str] | None, Option(help="Report only this signal. Repeatable.")]
Experimental = Annotated[
    bool, Option("--experimental", help="Flag signals too that are seldom right in plain news.")
]
Include = Annotated[
    list[str] | None,
    Option(metavar="PATTERN", help="Read only these files of a folder. Repeatable."),
]
Exclude = Annotated[
    list[str] | None, Option(metavar="PATTERN", help="Skip these files of a folder. Repeatable.")
]
FollowLinks = Annotated[
    bool, Option("--follow-links", help="Follow links that lead out of a folder.")
]
Private = Annotated[bool, Option("--allow-private", help="Also fetch addresses on this network.")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print only errors.")]
OverReport = Annotated[bool, Option("--overwrite", help="Overwrite a file that is not a report.")]
OverFile = Annotated[bool, Option("--overwrite", help="Overwrite an existing file.")]
Columns = Annotated[
    list[str] | None,
    Option(
        "--column",
        metavar="FIELD=NAME",
        help="Column of a table that holds a field (text, id, title, outlet, url, date, author, "
        "lang), if the guess is wrong; repeatable.",
    ),
]


def parse_columns(given: Iterable[str] | None, fields: Iterable[str] = ()) -> dict[str, str]:
    """Return the column's name by field, from values of ``--column``."""
    if not given:
        return {}
    from framescope.classifier.inputs.fields import FIELDS

    known, found = tuple(fields or FIELDS), dict[str, str]()
    for value in given:
        field, _, name = value.partition("=")
        if field not in known or not name:
            expected = f"write FIELD=NAME, with one of the fields {', '.join(known)}"
            raise FramescopeError(f"--column {value}: {expected}, as in --column {known[0]}=body")
        if field in found:
            raise FramescopeError(f"--column {value}: {field} is given twice; give it once")
        found[field] = name
    return found


SETTINGS = {"help_option_names": ["-h", "--help"]}  # of every group, which hands them on
_WIDTH = 14  # of a command's name
_TAKEN = {"path": "PATH", "int": "N", "float": "X"}


def describe_options(command: Any) -> None:
    """Name what options take: "N", "a|b"; typer writes "<int range>", "<list[Path]>"."""
    for parameter in command.params:
        described = getattr(parameter, "type_descriptor", None)
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None  # its name says it
        elif parameter.metavar is None and not parameter.is_flag and described is not None:
            choices = getattr(described, "choices", None)
            if choices:
                parameter.metavar = "|".join(str(getattr(one, "value", one)) for one in choices)
            else:
                label = parameter.display_type(None).strip("<>").split()[0]
                parameter.metavar = _TAKEN.get(label.lower(), str(parameter.name).upper())
    for inner in getattr(command, "commands", {}).values():
        describe_options(inner)


class Grouped(typer.core.TyperGroup):
    """Lists commands under the titles that they were added with (``rich_help_panel``)."""

    def titled(self) -> Iterator[tuple[str, str, str]]:
        """Yield the title, name and help of each command."""
        for name, command in self.commands.items():
            if not command.hidden:
                title = getattr(command, "rich_help_panel", None)
                title = title if isinstance(title, str) else "Commands"
                yield title, name, command.get_short_help_str(90)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, title by title."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for title, name, said in self.titled():
            panels.setdefault(title, []).append((name, said))
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_WIDTH)


class Several(typer.core.TyperCommand):
    """A command whose repeatable options take several words: ``--models a b`` is two models."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command line."""
        several = {name for one in self.params if getattr(one, "multiple", False)
                   for name in one.opts}  # fmt: skip
        return super().parse_args(ctx, list(_repeated(args, several)))


def _repeated(words: Sequence[str], several: set[str]) -> Iterator[str]:
    """Put an option before each of the words that follow it, up to the next option."""
    option, given = "", 0
    for word in words:
        if word.startswith("-"):
            option, given = word if word in several else "", 0
        elif option:
            if given:
                yield option
            given += 1
        yield word
