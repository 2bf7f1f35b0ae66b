"""Write a bundle with its manifest and its model card."""

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from framescope.classifier import __version__, bundles, models
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.taxonomy import BY_NAME
from framescope.training.calibration.decisions import Decisions
from framescope.training.calibration.languages import NONE, WRITTEN, Measured, languages_of
from framescope.training.corpora import find_corpus
from framescope.training.data import Data

_TEACHER = Template(
    "It also learned the outputs of a teacher, $name (SHA-256 `$sha256`), fine-tuned on the same "
    "rows, for $sentences sentences without labels, of articles by outlets that nothing is tested "
    "on.\n\n"
)
_NAMED = Template(
    "Whose words: of $n citations found in articles of unseen outlets $right show the right name, "
    "$stands the source as it stands, $other somebody else's; of pronouns $pronouns.\n\n"
)
_STARTED = Template(
    "Its training continued from the bundle $name (SHA-256 of its manifest `$sha256`), which "
    "learned from $corpora. $fitted\n\n"
)
_FITTED = (
    "Calibration and thresholds of that bundle's signals are its own.",
    "All decisions were fitted anew.",
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
        "languages": languages_of(data),
        "thresholds": dict(decisions.thresholds),
        "thresholds_elsewhere": {corpus: dict(x) for corpus, x in decisions.elsewhere.items()},
        "experimental": list(decisions.experimental),
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
            "digest": models.digest_of_names(outlets),
        },
        "split": data.split_record(),
        "seed": seed,
        "settings": dict(settings),
        "code_version": __version__,
        **(more or {}),
    }
    bundles.write(output, manifest, model_card(manifest), save, data.seen)


def _text(name: str) -> str:
    """Return the text of a card, or of a part of it."""
    return files("framescope.training").joinpath(f"{name}-card.md").read_text("utf-8")


def _state(one: Mapping[str, Any]) -> str:
    if one["state"] == NONE:
        return "–"
    interval = "" if one["low"] is None else f" ({one['low']:.2f}–{one['high']:.2f})"
    mark = "*" if one["state"] == WRITTEN else ""
    return f"{mark}{one['ap']:.2f}{interval}{mark}"


def _by_language(measured: Measured) -> str:
    """Return the table of states and figures, one line per signal."""
    if not measured:
        return ""
    codes = next(iter(measured.values()))
    lines = [["signal", *(LANGUAGES[code].name for code in codes)], ["---"] * (len(codes) + 1)]
    for signal, by in measured.items():
        lines.append([f"`{signal}`", *(_state(by[code]) for code in codes)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return Template(_text("languages")).substitute(table=table)


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
        fitted = _FITTED[start.get("decisions") == "anew"]
        origin += _STARTED.substitute(start, sha256=digest, corpora=names, fitted=fitted)
    origin += _NAMED.substitute(manifest["names"]) if "names" in manifest else ""
    for one in manifest.get("heads", ()):
        names = ", ".join(f"`{signal}`" for signal in one["signals"])
        origin += f"Heads of {names}, with their decisions, were fitted on a user's labels.\n\n"
    corpora = (*manifest["corpora"], *earlier)
    free = not any("-NC" in one["licence"] for one in corpora)
    terms = "other\nlicense_name: terms-of-the-corpora-below" if free else "cc-by-nc-sa-4.0"
    return Template(_text("model")).substitute(
        name=manifest["name"],
        kind=_KINDS[manifest["kind"]],
        languages=", ".join(LANGUAGES[code].name for code in manifest["languages"]),
        measured=_by_language(manifest.get("measured", {})),
        licence=terms,
        non_commercial="" if free else _text("licence"),
        # As JSON, which is YAML too: "no" is a language there, and not a false.
        codes=json.dumps(manifest["languages"]),
        tag=manifest["kind"],
        signals="\n".join(
            f"| `{s.name}` | {s.meaning} | {s.origin} | {manifest['thresholds'][s.name]:.3f} |"
            for s in map(BY_NAME.__getitem__, manifest["signals"])
        ),
        experimental=", ".join(f"`{one}`" for one in manifest.get("experimental", ())) or "none",
        corpora="\n".join(
            f"| {c['title']} | {c['rows']:,} | {c['licence']} | `{(c['digest'] or '')[:16]}` |"
            for c in corpora
        ),
        origin=origin,
        split_seed=split["seed"],
        signature=split["signature"][:16],
        seed=manifest["seed"],
        version=manifest["code_version"],
        settings=json.dumps(settings, indent=1, ensure_ascii=False),
    )
