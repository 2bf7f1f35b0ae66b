"""What a run is computed with: the code, the machine, the libraries."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.runtime import instructions

_CLONE = Path(__file__).resolve().parents[2]


def code() -> dict[str, Any]:
    """Return the version, and in a clone the commit and whether tracked files differ from it."""

    def ask(*words: str) -> str:
        line = ["git", "-C", str(_CLONE), *words]
        done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.strip()

    found: dict[str, Any] = {"version": __version__}
    if (_CLONE / ".git").exists():
        with suppress(OSError, subprocess.SubprocessError):  # no git, or another user's clone
            changed = bool(ask("status", "--porcelain", "--untracked-files=no"))
            found |= {"commit": ask("rev-parse", "HEAD"), "changed": changed}
    return found


def environment() -> dict[str, Any]:
    """Return the machine, and the version of every library that training needs."""
    torch = sys.modules.get("torch")  # a run that doesn't import it uses no GPU
    affinity = getattr(os, "sched_getaffinity", None)
    libraries = {}
    for line in requires("framescope") or ():
        if "extra ==" not in line or re.search(r"extra == .training.", line):
            name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
            with suppress(PackageNotFoundError):
                libraries[name] = version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _found(r"^model name\s*: (.*)", "/proc/cpuinfo") or platform.processor(),
        "instructions": instructions(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "libraries": dict(sorted(libraries.items())),
    }


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None where it isn't known.

    `resource` would count the memory of the process that this one was forked from.
    """
    found = _found(r"^VmHWM:\s*(\d+) kB", "/proc/self/status")
    return int(found) * 1024 if found else None


def _found(pattern: str, path: str) -> str | None:
    with suppress(OSError):
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else None
    return None
