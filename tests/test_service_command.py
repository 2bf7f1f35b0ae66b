"""The service as a command of its own: hostile requests, a read-only home, its image."""

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")

from serving import TEXT, page, running

ROOT = Path(__file__).parent.parent
HADOLINT = shutil.which("hadolint") or shutil.which(
    "hadolint", path=str(Path(sys.executable).parent)
)


def ask(address: str, path: str, body: object = None, **headers: str) -> int:
    """Ask for a path, and return the status."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address + path, data, headers={"Content-Type": "application/json", **headers})
    try:
        with urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def served(small_bundle):
    with running("--model", small_bundle, "--max-bytes", 100_000, "--max-seconds", 20) as found:
        yield found[1]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_no_request_whatever_ends_in_a_defect(served, tmp_path):
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{served}/openapi.json",
         "--checks", f"{checks},response_schema_conformance", "--max-examples", "40",
         "--seed", "1", "--no-color", "--generation-database", "none"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=160,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert ask(served, "/ready") == 200


@pytest.mark.slow
def test_it_writes_nothing_and_needs_no_home(small_bundle, tmp_path):
    """A container is read-only: nothing may be cached in a home, or beside the packages."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o500)
    places = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = {**dict.fromkeys(places, str(home)), "PYTHONDONTWRITEBYTECODE": "1"}
    with running("--model", small_bundle, environment=environment) as (process, address):
        for posted in ({"text": TEXT}, {"html": page()}):
            assert ask(address, "/score", posted) == 200
            assert ask(address, "/score", posted, Accept="text/html") == 200
        assert ask(address, "/sources/rt.com") == 200
        kept = [str(one.readlink()) for one in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert [name for name in kept if name.startswith(str(home))] == []
    assert list(home.iterdir()) == []


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_the_dockerfile_is_linted():
    command = [str(HADOLINT), str(ROOT / "Dockerfile")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_part_of_the_package_is_copied_and_it_does_not_run_as_root():
    wanted = {"framescope", "classifier", "training", "eval", "pyproject.toml", "setup.py",
              "README.md", "LICENSE", "NOTICE"}  # fmt: skip
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {source for line in copies for source in line.split()[:-1]} == wanted
    assert {line[1:] for line in ignored if line.startswith("!")} == wanted
    last = dockerfile.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d*", last, re.MULTILINE)
    assert "/health" in last
    assert "TOKEN" not in dockerfile
