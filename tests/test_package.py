"""The wheel: one top-level package, everything that scoring needs, and nobody else's names."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """
import batch, eval, training
import framescope, framescope.eval.commands, framescope.training
(report,) = framescope.score("The ferry was late. Observers say that it is a disgrace.", "baseline")
print(len(report.sentences), batch.MINE, eval.MINE, training.MINE)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    files = subprocess.run(
        ["git", "ls-files", "framescope", "classifier", "training", "eval", "setup.py",
         "pyproject.toml", "README.md", "LICENSE", "NOTICE"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    for file in files:
        target = sources / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(ROOT / file)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, folder, sources], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_has_one_package_and_its_data(wheel) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"framescope"}
    packages = {name.split("/")[1] for name in names if name.count("/") > 1}
    assert {"classifier", "training", "eval"} <= packages
    data = ("py.typed", "classifier/taxonomy.tsv", "classifier/bundles/baseline/manifest.json",
            "classifier/bundles/transformer/encoder.onnx", "classifier/samples/harbour.txt",
            "training/data/outlets.toml", "training/recipes/default.toml")  # fmt: skip
    assert {f"framescope/{name}" for name in data} - set(names) == set()
    assert any(name.startswith("framescope/eval/suite/cases/") for name in names)


@pytest.mark.slow
def test_the_installed_wheel_works_beside_modules_of_the_same_names(wheel, tmp_path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    for name in ("batch.py", "eval.py", "training/__init__.py", "classifier.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"MINE = {name.split('.')[0].split('/')[0]!r}\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(site)}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "2 batch eval training\n"), done.stderr
