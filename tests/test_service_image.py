"""The image of the service: linted, and made of everything that the package is made of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
HADOLINT = shutil.which("hadolint") or shutil.which(
    "hadolint", path=str(Path(sys.executable).parent)
)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted():
    ended = subprocess.run(
        [str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_part_of_the_package_is_copied_and_not_ignored():
    wanted = {"framescope", "classifier", "training", "eval", "pyproject.toml", "setup.py",
              "README.md", "LICENSE", "NOTICE"}  # fmt: skip
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == wanted
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted


def test_it_does_not_run_as_root_and_its_health_check_needs_no_token():
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d*", last, re.MULTILINE)
    assert "/health" in last
    assert '"serve", "--host", "0.0.0.0"' in last
    assert "TOKEN" not in DOCKERFILE
