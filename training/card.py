"""The model card of a bundle, written from its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from classifier.taxonomy import BY_NAME

_KINDS = {
    "baseline": "TF-IDF of words and characters, one logistic regression a signal",
    "transformer": "a fine-tuned transformer encoder, exported to ONNX with int8 weights",
}


def model_card(manifest: Mapping[str, Any]) -> str:
    """Write the card.

    Parameters
    ----------
    manifest : mapping
        What ``manifest.json`` will hold.

    Returns
    -------
    str
        Markdown.
    """
    return "\n".join(
        [
            f"# {manifest['name']}",
            "",
            f"A framescope bundle: {_KINDS[manifest['kind']]}. It reads "
            f"{', '.join(manifest['languages'])}, and gives a calibrated probability for each "
            "signal below.",
            "",
            "## Signals",
            "",
            "| signal | meaning | definition | flagged from |",
            "| --- | --- | --- | --- |",
            *(_signal(name, manifest["thresholds"][name]) for name in manifest["signals"]),
            "",
            "Calibration (Platt scaling) and thresholds were fitted on the validation part of the "
            "split, of which nothing was trained on.",
            "",
            "## Trained on",
            "",
            "| corpus | rows | licence | SHA-256 of its files |",
            "| --- | --- | --- | --- |",
            *(
                f"| {c['title']} | {c['rows']:,} | {c['licence']} | `{(c['digest'] or '')[:16]}` |"
                for c in manifest["corpora"]
            ),
            "",
            "No text of these corpora is in the bundle, but for the baseline's n-grams. Some of "
            "them are for research only: see to it that your use keeps to their terms.",
            "",
            *_encoder(manifest["settings"]),
            f"Split: seed {manifest['split']['seed']}, signature "
            f"`{manifest['split']['signature'][:16]}`. Training seed: {manifest['seed']}. "
            f"Code: framescope {manifest['code_version']}.",
            "",
            "## What it can't do",
            "",
            "- A score says how a text is framed or sourced, not whether it is true.",
            "- The corpora are mostly US news of 2015 to 2022, a presidential debate and an "
            "encyclopaedia: expect less elsewhere, and measure it (`framescope eval --data`).",
            "- Rare techniques have few examples; their flags are hints.",
            "- Results on held-out groups, with intervals: `framescope eval --corpora DIR`.",
            "",
            "## Settings",
            "",
            "```json",
            json.dumps(manifest["settings"], indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )


def _signal(name: str, threshold: float) -> str:
    signal = BY_NAME[name]
    return f"| `{name}` | {signal.meaning} | {signal.origin} | {threshold:.3f} |"


def _encoder(settings: Mapping[str, Any]) -> list[str]:
    if "encoder" not in settings:
        return []
    encoder = settings["encoder"]
    return [f"Encoder: {encoder['name']} (SHA-256 `{encoder['sha256'][:16]}`).", ""]
