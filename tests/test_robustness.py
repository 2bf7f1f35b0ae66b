"""The behavioural suite: its cases, its perturbations, and what it counts."""

import json
import math
import re
from pathlib import Path

import pytest
from framescope.classifier import bundles
from framescope.eval.commands.judge import app
from framescope.eval.suite import cases, measure_suite
from framescope.eval.suite.cases import ALL, ENTITY_LIMITS, Behaviour, Pair
from typer.testing import CliRunner

NOWHERE = Path("no-such-folder")


@pytest.fixture(scope="module")
def written():
    return {behaviour.name: behaviour for behaviour in cases.behaviours(house=NOWHERE)}


@pytest.fixture(scope="module")
def by_hand(small_bundle):
    """Flags claim at "crowns", vague_source at "observers", loaded_language at "vile"."""
    return bundles.load(small_bundle)


def pair(before: str, after: str, row: str = "a", column: str = "", **rest) -> Pair:
    return Pair(row, column, cases.alone(before), cases.alone(after), **rest)


def found(model, *pairs, scope=ALL, limits=ENTITY_LIMITS):
    (result,) = measure_suite(model, [Behaviour("test", pairs, scope, limits)], draws=200).results
    return result


def led(model, *pairs):
    return found(model, *pairs, scope=None, limits=None)


def read(name: str) -> list[dict]:
    return list(map(json.loads, (cases.CASES / name).read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("kind", ["country", "leader", "party", "outlet", "nationality"])
def test_sides_differ_in_nothing_but_their_names(written, kind) -> None:
    items = [item for item in read("entities.jsonl") if item["kind"] == kind]
    values = {value for item in items for side in item["sides"] for value in side.values()}
    names = sorted(values | {value[:1].upper() + value[1:] for value in values}, key=len)
    name = re.compile("|".join(map(re.escape, reversed(names))))
    (pairs,) = (b.pairs for b in written.values() if b.pairs[0].row == items[0]["id"])
    assert min(len({one.row for one in pairs}), len({one.column for one in pairs})) >= 12
    for before, after in ((one.before.text, one.after.text) for one in pairs):
        assert before != after
        assert name.sub("#", before) == name.sub("#", after)
        assert "{" not in before + after


def test_flips_and_shifts_are_shares_of_all_decisions(by_hand) -> None:
    result = found(
        by_hand,
        pair("A vile ferry came to the town today.", "A slow ferry came to the town today."),
        pair("A ferry came to the town today.", "A ferry came to the place today."),
    )
    # Two pairs, three signals of sentences and one of articles.
    assert (result.pairs, result.decisions) == (2, 8)
    assert result.flips.value == pytest.approx(1 / 8)
    assert result.pairs_with_flips.value == pytest.approx(1 / 2)
    assert result.by_signal["loaded_language"] == 0.5
    assert result.by_signal["claim"] == 0.0
    assert result.passed is False
    (worst,) = result.worst
    assert (worst.signal, worst.wrong) == ("loaded_language", True)
    assert result.shift.value == pytest.approx((worst.score_before - worst.score_after) / 8)


def test_a_pair_without_scores_is_counted_and_does_not_pass(by_hand) -> None:
    french = "Le conseil municipal s’est réuni mardi pour discuter de la réparation du pont."
    one = pair("A ferry came to the town today.", french)
    result = found(by_hand, one, pair("The ferry is late today.", "The ferry is late again."))
    assert (result.pairs, result.unscored, result.flips.value) == (1, 1, 0.0)
    assert result.passed is False
    only = found(by_hand, one)
    assert math.isnan(only.flips.value)
    assert only.passed is False


def test_what_should_rise_and_fall_is_counted_by_its_direction(by_hand) -> None:
    texts = "A ferry is late today.", "Observers say a ferry is late today."
    rise = (("vague_source", "rises"),)
    right = led(by_hand, pair(*texts, expected=rise), pair(*texts[::-1], expected=rise))
    assert (right.right.value, right.decisions, right.passed) == (0.5, 2, None)
    assert [case.wrong for case in right.worst] == [True]
    fall = led(by_hand, pair(*texts[::-1], expected=(("vague_source", "falls"),)))
    assert fall.right.value == 1.0
    assert fall.shift.value < 0
    same = pair("A ferry is late.", "A ferry is late.", expected=(("claim", "rises"),))
    assert led(by_hand, same).right.value == 0.0


def test_a_goal_is_for_each_signal_and_stops_no_release(by_hand) -> None:
    said = "{0}: A vile ferry is late.\n\nAN ORR: You mean it?\n\n{0}: I do."
    lines = said, "A {} ferry is late."
    pairs = tuple(
        pair(line.format(a), line.format(b), row=line, versions=("no", "se"))
        for line, a, b in zip(lines, ("BO VALE", "vile"), ("POLICE", "slow"), strict=True)
    )
    goal = Behaviour("countries", pairs, ALL, cases.COUNTRY_LIMITS, goal=True)
    suite = measure_suite(by_hand, [goal], draws=200)
    found = {result.scope: result for result in suite.results}
    loaded = found["loaded_language (se to no)"]
    assert (loaded.flips.value, loaded.passed) == (0.5, False)
    worst = loaded.worst[0]
    assert loaded.shift.value == pytest.approx((worst.score_before - worst.score_after) / 2)
    assert found["government citations (no to se)"].flips.value == 1.0
    assert found["all"].passed is False
    assert suite.missed == ()
    assert "All limits are met. Goals missed: all, " in suite.verdict


def test_only_what_was_flagged_can_stay_flagged(by_hand) -> None:
    keep = (("framing", "stays flagged"),)
    result = led(
        by_hand,
        pair("A vile ferry is late.", "“A vile ferry is late,” she said.", expected=keep),
        pair("A vile ferry is late.", "A slow ferry is late.", expected=keep),
        pair("A slow ferry is late.", "A slow ferry is early.", expected=keep),
    )
    assert (result.right.value, result.decisions) == (0.5, 2)


def test_the_command_reports_missed_limits_and_undefined_figures(
    small_bundle, tmp_path, monkeypatch
) -> None:
    bad = Behaviour("bad", (pair("A vile ferry.", "A ferry."),), ALL, ENTITY_LIMITS)
    quoted = Behaviour("a quotation", (pair("A.", "“A.”", expected=(("quoted", "rises"),)),))
    monkeypatch.setattr("framescope.eval.suite.cases.behaviours", lambda: (bad, quoted))
    path = tmp_path / "suite.json"
    words = ["robustness", str(small_bundle), "--format", "json", "--output", str(path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Limits missed: bad." in done.stderr
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["passed"] is False
    assert record["results"][1]["scope"] == "quoted rises"
    assert record["results"][1]["right"]["value"] is None
    shown = CliRunner().invoke(app, ["robustness", str(small_bundle)])
    assert shown.exit_code == 0
    for said in ("Limits missed: bad.", "MISSED", "2% flips, shift 0.02"):
        assert said in " ".join(shown.stdout.split())
