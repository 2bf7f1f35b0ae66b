"""How a group of commands shows its help: by whom each is for, in the order they were added."""

from __future__ import annotations

from typing import Any

import typer

SETTINGS = {"help_option_names": ["-h", "--help"]}
"""Of every group of commands, which hands them on to its own."""

_WIDTH = 14


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
