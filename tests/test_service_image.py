"""The image: linted, made of what the package is made of, and built where something builds."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
BUILDER = next(filter(None, map(shutil.which, ("docker", "podman", "buildah"))), None)
HADOLINT = shutil.which("hadolint") or shutil.which(
    "hadolint", path=str(Path(sys.executable).parent)
)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted():
    ended = subprocess.run(
        [str(HADOLINT), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_package_is_copied_and_not_ignored():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        name.removesuffix("*")
        for name in project["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    wanted |= {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == wanted
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted


def test_the_parts_of_the_page_go_into_the_wheel():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    taken = project["tool"]["setuptools"]["package-data"].get("service", [])
    parts = {path for path in (ROOT / "service").iterdir() if path.is_file()}
    left = {path.name for path in parts if path.suffix != ".py"}
    left -= {path.name for pattern in taken for path in (ROOT / "service").glob(pattern)}
    assert left == set()


def test_it_runs_as_nobody_in_particular_and_asks_what_needs_no_token():
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d*", last, re.MULTILINE)
    assert "/health" in last
    assert '"serve", "--host", "0.0.0.0"' in last
    assert "TOKEN" not in DOCKERFILE


@pytest.mark.slow
@pytest.mark.skipif(BUILDER is None, reason="nothing here builds images")
def test_the_image_builds():
    name = str(BUILDER)
    ended = subprocess.run(
        [name, "build", "-t", "framescope-test", "."], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    if not name.endswith("buildah"):
        run = [name, "run", "--rm", "--read-only", "--cap-drop", "ALL", "framescope-test"]
        said = subprocess.run([*run, "framescope", "signals"], capture_output=True, check=False)
        assert said.returncode == 0
