"""What is written of a bundle beside its model: the manifest, and the card made from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from framescope.classifier import __version__, bundles
from framescope.classifier.models import digest_of_names
from framescope.classifier.taxonomy import BY_NAME
from framescope.training.calibration import Decisions
from framescope.training.corpora import find_corpus as find
from framescope.training.data import Data

_TAUGHT = Template(
    "It also learned what a teacher, $name (SHA-256 `$sha256`), fine-tuned on the same rows, says "
    "of $sentences sentences without labels, of articles by outlets that nothing is tested on.\n\n"
)

_STARTED = Template(
    "It goes on from the bundle $name (SHA-256 of its manifest `$sha256`), which learned from "
    "$corpora. Calibration and thresholds of the signals it had are that bundle's.\n\n"
)

_KINDS = {
    "baseline": "TF-IDF of words and characters, one logistic regression a signal",
    "transformer": "a fine-tuned transformer encoder, exported to ONNX with int8 weights",
}


def write_bundle(
    data: Data,
    output: Path,
    kind: str,
    seed: int,
    settings: Mapping[str, Any],
    decisions: Decisions,
    save: Callable[[Path], None],
    name: str | None = None,
    carried: Mapping[str, Any] | None = None,
    measured: Mapping[str, float] | None = None,
) -> None:
    """Write the bundle of a fitted model: its manifest, its card and what `save` writes.

    Its name is the one given, else its folder's. `carried` is what a manifest takes over from the
    bundle that this one started from, `measured` what was found on the way.
    """
    cards = [find(name).card for name in data.corpora]
    manifest = {
        "name": f"{name or output.absolute().name}-{__version__}",
        "kind": kind,
        "signals": list(decisions.calibration.signals),
        "languages": sorted({card.language for card in cards}),
        "thresholds": dict(decisions.thresholds),
        # At which what a corpus labels in another sense is judged there.
        "thresholds_elsewhere": {name: dict(x) for name, x in decisions.elsewhere.items()},
        "calibration": decisions.calibration.to_record(),
        "corpora": [
            {
                "name": card.name,
                "title": card.title,
                "licence": card.licence,
                "digest": data.digests.get(card.name, card.digest),
                "rows": int((data.part("train").corpus == card.name).sum()),
            }
            for card in cards
        ],
        # Which names were read as placeholders.
        "placeholders": data.outlets
        and {
            "registry": data.outlets.version,
            "outlets": len(data.outlets),
            "digest": digest_of_names(data.outlets),
        },
        "split": {"seed": data.seed, "signature": data.signature, "held_out": dict(data.held_out)},
        "seed": seed,
        "settings": dict(settings),
        "code_version": __version__,
        **(measured or {}),
        **(carried or {}),
    }
    bundles.write(output, manifest, model_card(manifest), save)


def model_card(manifest: Mapping[str, Any]) -> str:
    """Write the model card of a bundle from its manifest, in Markdown."""
    split, encoder = manifest["split"], manifest["settings"].get("encoder")
    teacher = manifest["settings"].get("teacher")
    start = manifest["settings"].get("start")
    earlier = manifest.get("earlier_corpora", [])
    template = files("framescope.training.runs").joinpath("model-card.md").read_text("utf-8")
    return Template(template).substitute(
        name=manifest["name"],
        kind=_KINDS[manifest["kind"]],
        languages=", ".join(manifest["languages"]),
        # As JSON, which YAML reads too: "no" is a language there, and not a false.
        codes=json.dumps(manifest["languages"]),
        tag=manifest["kind"],
        signals="\n".join(
            f"| `{s.name}` | {s.meaning} | {s.origin} | {manifest['thresholds'][s.name]:.3f} |"
            for s in map(BY_NAME.__getitem__, manifest["signals"])
        ),
        corpora="\n".join(
            f"| {c['title']} | {c['rows']:,} | {c['licence']} | `{(c['digest'] or '')[:16]}` |"
            for c in (*manifest["corpora"], *earlier)
        ),
        encoder=f"Encoder: {encoder['name']} (SHA-256 `{encoder['sha256'][:16]}`).\n\n"
        if encoder
        else "",
        teacher=_TAUGHT.substitute(teacher["encoder"], sentences=f"{teacher['sentences']:,}")
        if teacher
        else "",
        start=_STARTED.substitute(
            name=start["name"],
            sha256=start["digest"][:16],
            corpora=", ".join(c["name"] for c in earlier) or "what it is gone on with",
        )
        if start
        else "",
        split_seed=split["seed"],
        signature=split["signature"][:16],
        seed=manifest["seed"],
        version=manifest["code_version"],
        settings=json.dumps(manifest["settings"], indent=1, ensure_ascii=False),
    )
