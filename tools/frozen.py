"""Compare what two versions of framescope say of the same articles.

    python tools/frozen.py COMMIT [--articles N] [--models NAME ...]

checks COMMIT out beside the working tree, scores the house corpus and N real articles with both
versions and both bundles, runs a batch over them, and compares: scores within 1e-6, everything
else exactly. What the old version says is kept in --cache.
"""

import argparse
import gzip
import json
import math
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUN_FIELDS = {"created", "version", "model_path", "framescope", "modified"}
RENAMED: dict[str, str] = {}  # keys of the old version, as the new one calls them
REWORDED = {  # phrases of the old version, as the new one has them
    "on a source that was not found": "on an unresolved source",
    "on sources that were not found": "on unresolved sources",
    "assertion on nobody": "assertion without a source",
    "assertions on nobody": "assertions without a source",
}
CODE = "import sys; from framescope.__main__ import main; sys.argv[0] = 'framescope'; main()"


def check_out(commit: str, folder: Path) -> None:
    """Check a commit out, with the metadata that its commands are found by."""
    if not folder.exists():
        subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True)
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    points = project.get("entry-points", {}).get("framescope.commands", {})
    metadata = folder / "framescope-0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: framescope\nVersion: 0\n")
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("[framescope.commands]\n" + "".join(lines))


def inputs(folder: Path, shared: Path, number: int) -> list[Path]:
    """Write what is scored: the house corpus, and real articles of three collections."""
    folder.mkdir(parents=True, exist_ok=True)
    real = folder / f"real-{number}.jsonl"
    with real.open("w", encoding="utf-8") as file:
        for name, share in (("allsides", 0.6), ("tehran_times", 0.3), ("other_languages", 0.1)):
            with gzip.open(shared / f"articles/{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            wanted = max(1, round(number * share))
            for row in rows[:: len(rows) // wanted][:wanted]:
                text = next((row[k] for k in ("text", "content_original") if row.get(k)), "")
                known = {
                    "id": f"{name}-{row.get('id', row.get('ID'))}",
                    "text": text,
                    **{key: row[key] for key in ("title", "url", "date") if row.get(key)},
                }
                outlet = row.get("outlet") or row.get("source")
                if isinstance(outlet, str) and outlet:
                    known["outlet"] = outlet
                file.write(json.dumps(known, ensure_ascii=False) + "\n")
    house = folder / "house.jsonl"
    with house.open("w", encoding="utf-8") as file:
        for path in sorted((ROOT / "corpus/articles").glob("*.jsonl")):
            file.write(path.read_text("utf-8"))
    pages = sorted((shared / "inputs/pages").glob("*.html"))
    return [house, real, *pages, shared / "inputs/republished-page.txt"]


def run(version: Path, arguments: list[str | Path]) -> None:
    """Run a version's command line."""
    path = version / "typing" if (version / "typing").is_dir() else version
    environment = os.environ | {"PYTHONPATH": str(path), "OMP_NUM_THREADS": "2"}
    # A score depends in its last digits on what is scored beside it: the same in both versions.
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE, *map(str, arguments)],
        env=environment,
        cwd=version.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{version}: framescope {' '.join(map(str, arguments))}:\n{done.stderr[-3000:]}")


def outputs(version: Path, folder: Path, given: list[Path], models: list[str]) -> None:
    """Write what a version says of the inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in models:
        for form in ("json", "jsonl"):
            if not (target := folder / f"{model}.{form}").exists():
                run(version, ["score", *given, "--model", model, "--output", target, "--quiet"])
        if not (done := folder / f"{model}.tables.jsonl").exists():
            batch = folder / f"{model}-run"
            where = ["--output", batch, "--model", model, "--workers", "2", "--quiet"]
            run(version, ["batch", *given[:2], *where])
            done.write_text("".join(tables(batch)), encoding="utf-8")


def tables(run_folder: Path) -> Iterator[str]:
    """Read a run's tables, a line of JSON a row."""
    import pyarrow.parquet as pq

    for path in sorted(run_folder.rglob("*.parquet"), key=lambda one: str(one)):
        kind = path.parent.name if path.stem[0].isdigit() or "part" in path.stem else path.stem
        for row in pq.read_table(path).to_pylist():
            yield json.dumps([kind, row], ensure_ascii=False, default=str) + "\n"


def difference(old: Any, new: Any, path: str = "") -> str | None:
    """Tell where two values differ first; None when they don't."""
    if isinstance(old, dict) and isinstance(new, dict):
        old = {RENAMED.get(key, key): value for key, value in old.items()}
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in RUN_FIELDS:
                if key not in old or key not in new:
                    return f"{path}.{key}: only {'before' if key in old else 'after'}"
                if found := difference(old[key], new[key], f"{path}.{key}"):
                    return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{path}: {len(old)} before, {len(new)} after"
        pairs = enumerate(zip(old, new, strict=True))
        return next((d for i, (a, b) in pairs if (d := difference(a, b, f"{path}[{i}]"))), None)
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    if numbers and not isinstance(old, bool):
        same = math.isclose(old, new, rel_tol=0, abs_tol=1.0000001e-6)
        return None if same else f"{path}: {old} before, {new} after"
    if isinstance(old, str):
        for phrase, now in REWORDED.items():
            old = old.replace(phrase, now)
    return None if old == new else f"{path}: {old!r:.200} before, {new!r:.200} after"


def main() -> None:
    """Compare, and exit with 1 where the versions differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--models", nargs="+", default=["baseline", "transformer"])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--cache", type=Path, default=ROOT / "runs/frozen")
    asked = parser.parse_args()
    old = ROOT.parent / f"frozen-{asked.commit[:7]}"
    check_out(asked.commit, old)
    given = inputs(asked.cache, asked.shared, asked.articles)
    before = asked.cache / f"before-{asked.articles}"
    after = asked.cache / "after"
    outputs(old, before, given, asked.models)
    subprocess.run(["rm", "-rf", after], check=True)
    outputs(ROOT, after, given, asked.models)
    failed = False
    for model in asked.models:
        for name in (f"{model}.json", f"{model}.jsonl", f"{model}.tables.jsonl"):
            with (before / name).open() as one, (after / name).open() as other:
                if name.endswith(".json"):
                    pairs = [(json.load(one), json.load(other))]
                else:
                    lines = [[json.loads(line) for line in file] for file in (one, other)]
                    pairs = [(lines[0], lines[1])]
                found = difference(*pairs[0])
            print(f"{name}: {found or 'the same'}")
            failed |= found is not None
    sys.exit(failed)


if __name__ == "__main__":
    main()
