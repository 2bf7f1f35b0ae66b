"""How commands show their help, and what their options were called before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer

SETTINGS = {"help_option_names": ["-h", "--help"]}
"""Of every group of commands, which hands them on to its own."""

_WIDTH = 14  # of a command's name in the help


_TAKEN = {"path": "PATH", "int": "N", "float": "X"}


def _say_what_they_take(command: Any) -> None:
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
        _say_what_they_take(inner)


class Grouped(typer.core.TyperGroup):
    """Lists commands under the titles that they were added with (``rich_help_panel``)."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, its options with what they take in words and not as types."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _say_what_they_take(found)
        return found

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


# What options were called in version 0.2, by the command: they work until the next.
_OLD_OPTIONS = {
    "train": {"--only": "--corpus"},
    "corpora": {"--corpus": "--house"},
    "eval gate": {"--corpus": "--house"},
}
_OLD_FORMATS = frozenset({"table", "text"})
_OLD_COMMANDS: dict[tuple[str, ...], list[str]] = {
    ("corpora", name): ["labels", name] for name in ("check", "agreement")
}


def renewed(words: Sequence[str]) -> list[str]:
    """Put today's spelling of options in the place of the last version's, with a word on it."""
    found = list(words)
    if (new := _OLD_COMMANDS.get((*found[:2],))) is not None:
        _tell_of(" ".join(found[:2]), " ".join(new))
        found[:2] = new
    old = {name: new for size in (1, 2) for name, new in
           _OLD_OPTIONS.get(" ".join(found[:size]), {}).items()}  # fmt: skip
    for at, word in enumerate(found):
        name, equals, value = word.partition("=")
        if name in old:
            found[at] = old[name] + equals + value
            _tell_of(name, old[name])
        elif name in ("--format", "-f"):
            place, given = (at, value) if equals else (at + 1, "".join(found[at + 1 : at + 2]))
            if given in _OLD_FORMATS:
                found[place] = f"{name}=terminal" if equals else "terminal"
                _tell_of(f"{name} {given}", f"{name} terminal")
    return found


def _tell_of(old: str, new: str) -> None:
    typer.echo(f"framescope: {old} is {new} now; the old spelling goes with 0.4", err=True)
