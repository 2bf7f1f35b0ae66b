"""A bundle's manifest, and the model card that is made from it."""

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
from framescope.training.corpora import find_corpus
from framescope.training.data import Data

_TEACHER = Template(
    "It also learned the outputs of a teacher, $name (SHA-256 `$sha256`), fine-tuned on the same "
    "rows, for $sentences sentences without labels, of articles by outlets that nothing is tested "
    "on.\n\n"
)
_STARTED = Template(
    "Its training continued from the bundle $name (SHA-256 of its manifest `$sha256`), which "
    "learned from $corpora. Calibration and thresholds of that bundle's signals are its own.\n\n"
)
_KINDS = {
    "baseline": "TF-IDF of words and characters, one logistic regression per signal",
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
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write the manifest and the card of a fitted model, with the files that `save` writes."""
    cards = [find_corpus(corpus).card for corpus in data.corpora]
    train, outlets = data.part("train").corpus, data.outlets
    manifest = {
        "name": f"{name or output.absolute().name}-{__version__}",
        "kind": kind,
        "signals": list(decisions.calibration.signals),
        "languages": sorted({card.language for card in cards}),
        "thresholds": dict(decisions.thresholds),
        "thresholds_elsewhere": {corpus: dict(x) for corpus, x in decisions.elsewhere.items()},
        "calibration": decisions.calibration.to_record(),
        "corpora": [
            {
                "name": card.name,
                "title": card.title,
                "licence": card.licence,
                "digest": data.digests.get(card.name, card.digest),
                "rows": int((train == card.name).sum()),
            }
            for card in cards
        ],
        "placeholders": outlets
        and {
            "registry": outlets.version,
            "outlets": len(outlets),
            "digest": digest_of_names(outlets),
        },
        "split": split_record(data),
        "seed": seed,
        "settings": dict(settings),
        "code_version": __version__,
        **(more or {}),
    }
    bundles.write(output, manifest, model_card(manifest), save)


def split_record(data: Data) -> dict[str, Any]:
    """Return what identifies a split, for a manifest."""
    return {"seed": data.seed, "signature": data.signature, "held_out": dict(data.held_out)}


def model_card(manifest: Mapping[str, Any]) -> str:
    """Return the model card of a bundle, in Markdown."""
    split, settings = manifest["split"], manifest["settings"]
    encoder, teacher, start = map(settings.get, ("encoder", "teacher", "start"))
    earlier = manifest.get("earlier_corpora", [])
    origin = ""
    if encoder:
        origin += f"Encoder: {encoder['name']} (SHA-256 `{encoder['sha256'][:16]}`).\n\n"
    if teacher:
        origin += _TEACHER.substitute(teacher["encoder"], sentences=f"{teacher['sentences']:,}")
    if start:
        names = ", ".join(c["name"] for c in earlier) or "the corpora above"
        digest = start["digest"][:16]
        origin += _STARTED.substitute(name=start["name"], sha256=digest, corpora=names)
    template = files("framescope.training.runs").joinpath("model-card.md").read_text("utf-8")
    return Template(template).substitute(
        name=manifest["name"],
        kind=_KINDS[manifest["kind"]],
        languages=", ".join(manifest["languages"]),
        # As JSON, which is YAML too: "no" is a language there, and not a false.
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
        origin=origin,
        split_seed=split["seed"],
        signature=split["signature"][:16],
        seed=manifest["seed"],
        version=manifest["code_version"],
        settings=json.dumps(settings, indent=1, ensure_ascii=False),
    )
