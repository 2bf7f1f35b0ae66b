"""How commands show their help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

SETTINGS = {"help_option_names": ["-h", "--help"]}
"""Of every group of commands, which hands them on to its own."""

_WIDTH = 14  # of a command's name in the help


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

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands in the order they were added."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, title by title."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            if not command.hidden:
                title = getattr(command, "rich_help_panel", None)
                title = title if isinstance(title, str) else "Commands"
                panels.setdefault(title, []).append((name, command.get_short_help_str(90)))
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_WIDTH)


class Several(typer.core.TyperCommand):
    """A command without arguments, whose repeatable options take several words each.

    ``--models a b --output c`` is read as ``--models a --models b --output c``.
    """

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
