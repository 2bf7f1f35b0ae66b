"""What a run is computed with: the code, the machine, the libraries."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.runtime import instructions

_CLONE = Path(__file__).resolve().parents[2]


def code() -> dict[str, Any]:
    """Say which code runs.

    Returns
    -------
    dict
        ``version``; in a clone ``commit`` too, and in ``changed`` whether files that are tracked
        differ from it.
    """
    found: dict[str, Any] = {"version": __version__}
    git = shutil.which("git")
    if git is None or not (_CLONE / ".git").exists():
        return found
    commit = _asked(git, "rev-parse", "HEAD")
    changed = _asked(git, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changed is None:
        return found
    return {**found, "commit": commit.strip(), "changed": bool(changed.strip())}


def _asked(git: str, *words: str) -> str | None:
    line = [git, "-C", str(_CLONE), *words]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):  # a clone of somebody else, or a damaged one
        return None
    return done.stdout


def environment() -> dict[str, Any]:
    """Say which machine it is, and the version of every library that training needs."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": _processor(),
        "instructions": instructions(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "gpu": _gpu(),
        "libraries": _libraries(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _gpu() -> str | None:
    torch = sys.modules.get("torch")  # who doesn't use it has none
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())


def _libraries() -> dict[str, str]:
    found = {}
    for line in requires("framescope") or ():
        if "extra ==" in line and not re.search(r"extra == .training.", line):
            continue
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # of an extra that isn't installed
            continue
    return dict(sorted(found.items()))


def peak_memory() -> int | None:
    """Give the most memory that this process has held, in bytes; None where nobody says."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        status = ""
    # Not that of `resource`, which counts what the process was copied from.
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None
