"""A bundle written again with what was fitted anew: the manifest, its card, and what goes along.

Limits of the training domain and thresholds of other corpora move with the chances, and what is
told of articles reads the chances that it was fitted on.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import SHIPPED, __version__
from framescope.classifier.bundles import CARD, Bundle, write
from framescope.classifier.errors import BundleError
from framescope.classifier.models import DOMAIN, HEADS, Heads, TrainingDomain
from framescope.eval.calibration.refits import Recalibration
from framescope.eval.report import markdown_table
from framescope.training.calibration import Line, moved


def check_source(bundle: Bundle, output: Path) -> None:
    """Refuse to write over what is read, or over what ships; before the work.

    Raises
    ------
    BundleError
    """
    same = output.resolve() == bundle.path.resolve()
    if same or SHIPPED.resolve() in (output.resolve(), *output.resolve().parents):
        raise BundleError(f"{output}: is what is calibrated, or ships; choose another --output")


def write_recalibrated(done: Recalibration, output: Path) -> None:
    """Write the bundle with what was fitted again; raises `BundleError` where it can't be."""
    old = done.bundle.manifest
    lines = {one.signal: one.line for one in done.fits}
    # How often int8 decided as float32 does was counted at the former thresholds.
    stale = ("format", "files", "int8_agreement")
    manifest = {key: value for key, value in old.items() if key not in stale}
    manifest |= {
        "name": f"{output.absolute().name}-{__version__}",
        "calibration": old["calibration"] | {s: list(after) for s, (_, after) in lines.items()},
        "thresholds": old["thresholds"] | {one.signal: one.threshold[1] for one in done.fits},
        "calibrated": [*old.get("calibrated", ()), done.record()],
    }
    if "thresholds_elsewhere" in old:
        manifest["thresholds_elsewhere"] = {
            corpus: {s: _moved(value, lines.get(s)) for s, value in own.items()}
            for corpus, own in old["thresholds_elsewhere"].items()
        }
    card = _card((done.bundle.path / CARD).read_text("utf-8"), done, manifest)

    def save(folder: Path) -> None:
        for name in old["files"]:
            shutil.copyfile(done.bundle.path / name, folder / name)
        _move_domain(folder, done.bundle, lines)
        _keep_articles(folder, old["calibration"], lines)

    write(output, manifest, card, save)


def _moved(value: float, line: tuple[Line, Line] | None) -> float:
    if line is None:
        return value
    return float(f"{float(moved(np.array(value, np.float32), *line)):.6g}")


def _move_domain(folder: Path, bundle: Bundle, lines: Mapping[str, tuple[Line, Line]]) -> None:
    """Give the limits of what is sure far from the training data the chances of the new lines."""
    domain = bundle.domain
    if domain is None or DOMAIN not in bundle.manifest["files"]:
        return
    yes, no = domain.yes.copy(), domain.no.copy()
    for signal, line in lines.items():
        at = bundle.signals.index(signal)
        yes[at], no[at] = moved(yes[at], *line), moved(no[at], *line)
    TrainingDomain(
        domain.mean, domain.axes, domain.centres, domain.held_out, yes, no
    ).save(folder)  # fmt: skip


def _keep_articles(
    folder: Path, old: Mapping[str, Line], lines: Mapping[str, tuple[Line, Line]]
) -> None:
    """Let what is told of articles from their sentences read the chances that it was fitted on."""
    if not (folder / HEADS).is_file():
        return
    heads = Heads.load(folder)
    if heads.articles is None:
        return
    changed = {s: list(old[s]) for s in heads.articles["signals"] if s in lines}
    # What was there before is older: those are the chances it was fitted on.
    fitted_on = changed | dict(heads.articles.get("fitted_on", {}))
    if fitted_on:
        replace(heads, articles={**heads.articles, "fitted_on": fitted_on}).save(folder)


def _card(text: str, done: Recalibration, manifest: Mapping[str, Any]) -> str:
    """Put the new thresholds and what they were fitted on into a card."""
    for one in done.fits:
        row = re.compile(rf"^(\| `{one.signal}` \|.*\| )[\d.]+( \|)$", re.MULTILINE)
        text = row.sub(rf"\g<1>{one.threshold[1]:.3f}\g<2>", text)
    text = text.replace(f"# {done.bundle.name}\n", f"# {manifest['name']}\n", 1)
    section = done.section()
    files = "\n".join(f"- `{name}`, SHA-256 `{sha}`" for name, sha in done.files.items())
    tables = "\n\n".join(f"{one.caption}:\n\n{markdown_table(one)}" for one in section.tables)
    title = "Calibrated anew" + (f", {n}" if (n := len(manifest["calibrated"])) > 1 else "")
    return (
        f"{text.rstrip()}\n\n## {title}\n\nCalibration and thresholds of "
        f"{len(done.fits)} signal{'s' if len(done.fits) != 1 else ''} were fitted anew on "
        f"{done.articles:,} articles, {done.sentences:,} sentences, from {done.bundle.name} "
        f"(`{done.bundle.digest[:16]}`):\n\n{files}\n\n{tables}\n"
    )
