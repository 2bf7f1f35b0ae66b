"""What a run is computed with: the code, the machine, the libraries."""

from __future__ import annotations

import os
import platform
import re
import shutil
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
    found: dict[str, Any] = {"version": __version__}
    git = shutil.which("git")
    if git is None or not (_CLONE / ".git").exists():
        return found

    def ask(*words: str) -> str:
        line = [git, "-C", str(_CLONE), *words]
        done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.strip()

    with suppress(OSError, subprocess.SubprocessError):  # another user's clone, or a damaged one
        changed = bool(ask("status", "--porcelain", "--untracked-files=no"))
        found |= {"commit": ask("rev-parse", "HEAD"), "changed": changed}
    return found


def environment() -> dict[str, Any]:
    """Return the machine, and the version of every library that training needs."""
    torch = sys.modules.get("torch")  # a run that doesn't import it uses no GPU
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "instructions": instructions(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "libraries": _libraries(),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor()


def _libraries() -> dict[str, str]:
    found = {}
    for line in requires("framescope") or ():
        if "extra ==" not in line or re.search(r"extra == .training.", line):
            name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
            with suppress(PackageNotFoundError):
                found[name] = version(name)
    return dict(sorted(found.items()))


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None where it isn't known.

    `resource` would count the memory of the process that this one was forked from.
    """
    found = re.search(r"^VmHWM:\s*(\d+) kB", _text("/proc/self/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
