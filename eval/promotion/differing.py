"""What two bundles differ in, table by table; what is the same in both isn't shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framescope.classifier.bundle import digest_of
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import Cell, Estimate, Section, Table

_NONE = "none"
_FACTS = ("name", "kind", "format", "code_version", "languages", "seed")


def differing_sections(a: Mapping[str, Any], b: Mapping[str, Any]) -> Section:
    """Put two manifests side by side.

    Parameters
    ----------
    a, b : mapping
        As `classifier.bundle.read_manifest` gives them.

    Returns
    -------
    Section
        Tables of facts, signals with their thresholds and calibration, corpora, settings, figures
        with their intervals, and files: those lines that differ.
    """
    digests = digest_of(a)[:12], digest_of(b)[:12]
    if digest_of(a) == digest_of(b):
        return Section(f"The same bundle: {digests[0]}.")
    facts = [("digest", *digests)]
    facts += [(key, _said(a.get(key)), _said(b.get(key))) for key in _FACTS]
    split = [(_in_split(one, "seed"), _in_split(one, "signature")[:12]) for one in (a, b)]
    facts += [("split, seed", split[0][0], split[1][0]),
              ("split, signature", split[0][1], split[1][1])]  # fmt: skip
    tables = [
        _table("Bundles", ("", "A", "B"), _unlike(facts)),
        _table("Signals", ("signal", "threshold of A", "of B", "change", "slope and intercept of A",
                           "of B"), _signals(a, b)),
        _table("Corpora", ("corpus", "rows of A", "of B", "files of A", "of B"), _corpora(a, b)),
        _table("Settings", ("setting", "A", "B"), _unlike(_settings(a, b))),
        _table("Figures, as each card has them", ("benchmark", "A", "B", "change", "rows"),
               _metrics(a, b)),
        _table("Files", ("file", "A", "B"), _unlike(_files(a, b))),
    ]  # fmt: skip
    note = (
        "What is the same in both is not shown. Figures of two cards were measured apart: whether "
        "one bundle is better, framescope eval run --a A --b B says."
    )
    return Section(note, tuple(table for table in tables if table.rows))


def _table(caption: str, columns: tuple[str, ...], rows: Iterator[tuple[Cell, ...]]) -> Table:
    return Table(caption, columns, tuple(rows))


def _unlike(rows: Any) -> Iterator[tuple[Cell, ...]]:
    return (row for row in rows if row[1] != row[2])


def _said(value: Any) -> str:
    if value is None:
        return _NONE
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _in_split(manifest: Mapping[str, Any], key: str) -> str:
    split = manifest.get("split")
    return str(split.get(key, _NONE)) if isinstance(split, Mapping) else _NONE


def _signals(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for signal in in_order([*a["signals"], *b["signals"]]):
        thresholds = [one["thresholds"].get(signal) for one in (a, b)]
        lines = [one["calibration"].get(signal) for one in (a, b)]
        if thresholds[0] == thresholds[1] and lines[0] == lines[1]:
            continue
        change = None if None in thresholds else thresholds[1] - thresholds[0]
        yield (
            signal, *(_NONE if one is None else float(one) for one in thresholds),
            "" if change is None else f"{change:+.3f}",
            *(_NONE if one is None else f"{one[0]:.3f}, {one[1]:+.3f}" for one in lines),
        )  # fmt: skip


def _corpora(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    both = [{one["name"]: one for one in manifest.get("corpora", ())} for manifest in (a, b)]
    for name in dict.fromkeys([*both[0], *both[1]]):
        found = [one.get(name) for one in both]
        if found[0] != found[1]:
            yield (
                name, *(_NONE if one is None else one.get("rows", 0) for one in found),
                *(_NONE if one is None else str(one.get("digest") or "")[:12] for one in found),
            )  # fmt: skip


def _settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    both = [dict(_flat("", manifest.get("settings", {}))) for manifest in (a, b)]
    for key in sorted({*both[0], *both[1]}):
        yield key, both[0].get(key, _NONE), both[1].get(key, _NONE)


def _flat(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _flat(f"{key}.{inner}" if key else str(inner), one)
    else:
        yield key, _said(value)


def _metrics(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    both = [{one["benchmark"]: one for one in manifest.get("metrics", ())} for manifest in (a, b)]
    for name in dict.fromkeys([*both[0], *both[1]]):
        found = [one.get(name) for one in both]
        figures = [one and (one["value"], one["low"], one["high"]) for one in found]
        if figures[0] == figures[1]:
            continue
        values = [one and one["value"] for one in found]
        change = "" if None in values else f"{float(values[1] or 0) - float(values[0] or 0):+.3f}"
        alike = len({one["rows"] if one else None for one in found}) == 1
        yield (name, *map(_figure, found), change, "the same" if alike else "other rows")


def _figure(record: Mapping[str, Any] | None) -> Cell:
    if record is None or record["value"] is None:
        return _NONE
    if record["low"] is None:
        return float(record["value"])
    return Estimate(record["value"], record["low"], record["high"])


def _files(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*a["files"], *b["files"]}):
        yield name, *(one["files"].get(name, _NONE)[:12] for one in (a, b))
