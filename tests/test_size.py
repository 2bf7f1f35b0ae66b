"""The project stays small: lines, commands and options, counted in one way."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from pages_of_docs import PAGES, ROOT

from framescope import cli

# Nobody can carry more: what is added takes the place of something else.
MOST = {
    "installed lines": 42_000,
    "installed lines and tools": 45_000,
    "test lines": 24_000,
    "docs lines": 3_200,
    "commands": 38,
    "options": 280,
}


def lines(*folders: str) -> int:
    try:
        listed = subprocess.run(
            ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    paths = [ROOT / name for name in listed.stdout.splitlines() if name.endswith(".py")]
    return sum(path.read_bytes().count(b"\n") for path in paths if path.is_file())


def leaves(command: Any) -> Iterator[int]:
    """The number of options of each command that can be called, without ``--help``."""
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not names or command.invoke_without_command:
        yield sum(one.param_type_name == "option" and one.name != "help" for one in command.params)
    for name in names:
        yield from leaves(command.get_command(None, name))


@pytest.fixture(scope="module")
def counts() -> dict[str, int]:
    installed = lines("framescope", "classifier", "training", "eval")
    options = list(leaves(typer.main.get_command(cli.app)))
    found = {
        "installed lines": installed,
        "installed lines and tools": installed + lines("tools"),
        "test lines": lines("tests"),
        "docs lines": sum(page.read_bytes().count(b"\n") for page in PAGES),
        "commands": len(options),
        "options": sum(options),
    }
    print(*(f"{what}: {number:,} of {MOST[what]:,}" for what, number in found.items()), sep="\n")
    return found


@pytest.mark.parametrize("what", MOST)
def test_it_stays_small(counts, what):
    assert counts[what] <= MOST[what]
