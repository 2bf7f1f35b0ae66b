"""The behavioural suite's results as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from classifier.taxonomy import BY_NAME
from eval.figures import LEVEL, Cell, Estimate, Section, Table, with_interval
from eval.suite.suite import Case, Figure, Result, Suite

SCHEMA_VERSION = 1
UNDEFINED = "–"
NOTHING = "none"

_LONGEST = 160  # characters of a sentence that are shown in the text
_VERDICT = {True: "passed", False: "MISSED", None: UNDEFINED}
_LEGEND = (
    "Flips: share of decisions that change; pairs: share of pairs with such a one; shift: mean "
    "change of the probability, absolute for what ought to do nothing. 95% intervals from "
    "resampling entities and frames, or articles. "
    f"{UNDEFINED}: undefined, or without a limit."
)


def verdict(suite: Suite) -> str:
    """Say in one line whether the limits are met, and if not, which ones are missed."""
    if not suite.missed:
        return "All limits are met."
    return f"Limits missed: {', '.join(result.name for result in suite.missed)}."


def to_text(suite: Suite) -> str:
    """Write tables that fit 100 columns, then the worst cases of each test."""
    return "\n".join(_lines(suite)) + "\n"


def _lines(suite: Suite) -> Iterator[str]:
    alike = [result for result in suite.results if result.flips is not None]
    led = [result for result in suite.results if result.right is not None]
    yield f"{'what ought to do nothing':<28} {'signals':<8} {'n':>4}  flips{'':<17} pairs  shift"
    for result in alike:
        yield (
            f"{result.name:<28} {result.scope:<8} {result.pairs:>4}  {_share(result.flips):<22}"
            f" {_alone(result.touched):<6} {_number(result.shift):<22} {_VERDICT[result.passed]}"
        )
        yield from (f"  {line}" for line in _remarks(result))
    yield ""
    yield f"{'what ought to do something':<46} {'n':>4}  right{'':<17} shift"
    for result in led:
        name = f"{result.name}: {result.scope}"
        yield (
            f"{name:<46} {result.decisions:>4}  {_share(result.right):<22} {_number(result.shift)}"
        )
    yield ""
    yield "Worst cases"
    for result in suite.results:
        if result.worst:
            yield ""
            yield result.name if result.right is None else f"{result.name}: {result.scope}"
            yield from _worst(result.worst)
    yield ""
    yield _LEGEND
    yield suite.signature
    yield verdict(suite)


def _remarks(result: Result) -> Iterator[str]:
    if result.unscored:
        yield f"{result.unscored} pairs of which a sentence has no scores"
    if (most := _most(result)) != NOTHING:
        yield f"most of all {most} of its decisions flip"
    if result.passed is False and result.limits is not None:
        limit = f"limits: {result.limits.flips:.1%} flips"
        shift = result.limits.shift
        yield limit + ("" if shift is None else f", shift {shift:.3f}")


def _worst(cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        mark = "!" if case.wrong else " "
        yield f"{mark} {case.signal} {case.score_before:.3f} -> {case.score_after:.3f}"
        yield f"    {_short(case.before)}"
        yield f"    {_short(case.after)}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def section(suite: Suite) -> Section:
    """Lay the results out for the report: figures as numbers, the worst cases as text."""
    alike = [result for result in suite.results if result.flips is not None]
    led = [result for result in suite.results if result.right is not None]
    invariance: list[tuple[Cell, ...]] = [
        (
            result.name, result.scope, result.pairs, _cell(result.flips), _cell(result.touched),
            _cell(result.shift), _limit(result), _VERDICT[result.passed], _most(result),
        )
        for result in alike
    ]  # fmt: skip
    directional: list[tuple[Cell, ...]] = [
        (result.name, result.scope, result.decisions, _cell(result.right), _cell(result.shift))
        for result in led
    ]
    cases: list[tuple[Cell, ...]] = [
        (
            result.name, BY_NAME[case.signal].label, "yes" if case.wrong else "no",
            case.score_before, case.score_after, _short(case.before), _short(case.after),
        )
        for result in suite.results
        for case in result.worst
    ]  # fmt: skip
    return Section(
        f"{_LEGEND} {verdict(suite)} {suite.signature}",
        (
            Table(
                "What ought to do nothing",
                (
                    "change", "signals", "pairs", "decisions that flip", "pairs with a flip",
                    "mean shift", "limit", "verdict", "flips most",
                ),
                tuple(invariance),
            ),
            Table(
                "What ought to do something",
                ("change", "expected", "n", "right", "mean shift"),
                tuple(directional),
            ),
            Table(
                "Worst cases",
                ("change", "signal", "wrong", "before", "after", "one text", "the other"),
                tuple(cases),
            ),
        ),
    )  # fmt: skip


def _cell(figure: Figure | None) -> Estimate | None:
    return None if figure is None else with_interval(figure.value, figure.interval)


def _limit(result: Result) -> str:
    if result.limits is None:
        return NOTHING
    shift = result.limits.shift
    return f"{result.limits.flips:.0%} flips" + ("" if shift is None else f", shift {shift:.2f}")


def _most(result: Result) -> str:
    signal = max(result.by_signal, key=result.by_signal.__getitem__, default=None)
    if signal is None or not result.by_signal[signal]:
        return NOTHING
    return f"{signal}: {result.by_signal[signal]:.1%}"


def _alone(figure: Figure | None) -> str:
    return UNDEFINED if figure is None or math.isnan(figure.value) else f"{figure.value:.0%}"


def _share(figure: Figure | None) -> str:
    if figure is None or math.isnan(figure.value):
        return UNDEFINED
    low, high = figure.interval.low, figure.interval.high
    between = UNDEFINED if math.isnan(low) else f"{low:.1%}, {high:.1%}"
    return f"{figure.value:.1%} [{between}]"


def _number(figure: Figure) -> str:
    if math.isnan(figure.value):
        return UNDEFINED
    low, high = figure.interval.low, figure.interval.high
    between = UNDEFINED if math.isnan(low) else f"{low:.3f}, {high:.3f}"
    return f"{figure.value:.3f} [{between}]"


def to_json(suite: Suite) -> str:
    """Every figure, undefined ones as null, and the signature."""
    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": suite.signature,
        "bundle": {"name": suite.bundle, "digest": suite.bundle_digest},
        "cases": suite.cases_digest,
        "resampling": {"draws": suite.draws, "seed": suite.seed, "level": LEVEL},
        "passed": not suite.missed,
        "results": [_record(result) for result in suite.results],
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _record(result: Result) -> dict[str, Any]:
    limits = result.limits
    return {
        "name": result.name,
        "scope": result.scope,
        "pairs": result.pairs,
        "decisions": result.decisions,
        "unscored": result.unscored,
        "flips": _figure(result.flips),
        "pairs_with_flips": _figure(result.touched),
        "right": _figure(result.right),
        "shift": _figure(result.shift),
        "by_signal": dict(result.by_signal),
        "limits": None if limits is None else {"flips": limits.flips, "shift": limits.shift},
        "passed": result.passed,
        "worst": [
            {
                "signal": case.signal,
                "before": case.before,
                "after": case.after,
                "score_before": case.score_before,
                "score_after": case.score_after,
                "wrong": case.wrong,
            }
            for case in result.worst
        ],
    }


def _figure(figure: Figure | None) -> dict[str, float | None] | None:
    if figure is None:
        return None
    values = {
        "value": figure.value,
        "low": figure.interval.low,
        "high": figure.interval.high,
    }
    return {name: None if math.isnan(value) else value for name, value in values.items()}
