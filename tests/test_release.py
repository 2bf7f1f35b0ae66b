"""The gate keeps floors; a candidate is promoted, refused or allowed; rollback; names."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import grids
import numpy as np
import pytest
import shelves
import toys
from ceilings import of_polnear
from framescope.classifier import bundles
from framescope.classifier.bundles import store as store_module
from framescope.classifier.errors import BundleError, FramescopeError, InputError
from framescope.classifier.outlets.registry.user import load
from framescope.eval.metrics import METRICS
from framescope.eval.release import promotion
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Evaluation, held_out_of_corpora
from framescope.eval.suite import Suite, measure_suite
from framescope.training.corpora import CORPORA
from framescope.training.data import load_articles
from framescope.training.labels import measure_agreement as agreement
from framescope.training.labels import passes, read_annotators
from harness import BAD, BOTH, GOOD, ROWS, bundle, examples
from shelves import by_hand, changed, history, ranks_backwards, refusal, typed

NAME = "claimbuster/test/claim"
NONE = promotion.read_floors(None)


def measured(model, floors=NONE, rows=ROWS, **options):
    return list(promotion.measure(Evaluation((model,), rows, **options), floors))


HIGH = promotion.raised(measured(GOOD), NONE, {})


def test_a_floor_is_missed_or_was_measured_on_other_rows():
    (same,), (worse,) = measured(GOOD, HIGH), measured(BAD, HIGH)
    assert not same.missed
    assert not same.changed
    assert worse.missed
    (fewer,) = measured(GOOD, HIGH, ROWS.where(ROWS.article != "claimbuster/1"))
    assert fewer.changed
    (undefined,) = measured(GOOD, HIGH, replace(ROWS, labels=np.zeros_like(ROWS.labels)))
    assert np.isnan(undefined.figure.value)
    assert undefined.changed
    assert undefined.missed


def test_a_better_bundle_raises_the_floor_and_slack_leaves_it():
    low = promotion.raised(measured(BAD), NONE, {})
    high = promotion.raised(measured(GOOD, low), low, {})
    assert high["floors"][NAME]["floor"] > low["floors"][NAME]["floor"]
    assert high["regressions"] == []
    assert promotion.raised(measured(GOOD, HIGH), HIGH, {})["floors"] == HIGH["floors"]
    (few,) = measured(GOOD, rows=examples(articles=8, corpus="claimbuster"))
    assert few.positives < 20
    assert promotion.raised([few], NONE, {})["floors"] == {}


def test_a_floor_is_lowered_only_with_a_reason_that_is_kept(tmp_path):
    with pytest.raises(FramescopeError, match=r"claimbuster/test/claim .*--allow-regression"):
        promotion.raised(measured(BAD, HIGH), HIGH, {})
    with pytest.raises(FramescopeError, match="not lowered: ptc/test/doubt"):
        promotion.raised(measured(GOOD, HIGH), HIGH, {"ptc/test/doubt": "for the sake of it"})
    low = promotion.raised(measured(BAD, HIGH), HIGH, {NAME: "labels were wrong"})
    (regression,) = low["regressions"]
    assert regression["reason"] == "labels were wrong"
    assert regression["to"] < regression["from"]
    path = tmp_path / "floors.json"
    path.write_text(json.dumps(low))
    assert promotion.read_floors(path) == low
    path.write_text(json.dumps({"floors": {}}))
    with pytest.raises(FramescopeError, match=r"floors\.json"):
        promotion.read_floors(path)


def test_figures_are_written_into_the_manifest_and_the_card(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "a", "files": {}}))
    (tmp_path / "README.md").write_text("# A\n\n## What it can't do\n\n- Much.\n")
    checks = measured(GOOD, draws=100)
    promotion.write_card(tmp_path, checks)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (one,) = manifest["metrics"]
    assert one["benchmark"] == NAME
    assert one["low"] <= one["value"] <= one["high"]
    assert (one["n"], one["groups"]) == (200, 40)
    card = (tmp_path / "README.md").read_text()
    assert promotion.card_section(manifest["metrics"]) in card
    assert card.index("## How good it is") < card.index("## What it can't do")
    promotion.write_card(tmp_path, checks)
    assert (tmp_path / "README.md").read_text() == card
    promotion.write_card(tmp_path, [checks[0]._replace(figure=promotion.Estimate(np.nan))])
    assert "| undefined |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("kind", ["baseline", "transformer"])
@pytest.mark.slow
def test_the_card_that_ships_says_what_is_measured(kind):
    pytest.importorskip("datasets")
    shipped = bundles.load(kind)
    rows = held_out_of_corpora(None, [shipped], allow_seen=False).examples
    metrics = shipped.manifest["metrics"]
    assert promotion.card_section(metrics) in (shipped.path / "README.md").read_text(
        encoding="utf-8"
    )
    ours = {one["benchmark"]: one for one in metrics if one["benchmark"].startswith("house/")}
    assert len(ours) > 20
    again = {one["benchmark"]: one for one in promotion.card_records(measured(shipped, rows=rows))}
    assert again.keys() == ours.keys()
    for name, one in again.items():
        # Another processor's int8 rounds a little differently.
        assert one["value"] == pytest.approx(ours[name]["value"], abs=0.01), name
        assert (one["rows"], one["n"]) == (ours[name]["rows"], ours[name]["n"]), name


@pytest.mark.slow
def test_benchmarks_are_labelled_and_ceilings_are_the_agreement_that_ships():
    labelled = read_annotators(passes()).values()
    found = agreement(*([one.record for one in articles] for articles in labelled), draws=1)
    alphas = {one.signal: one.alpha for one in found}
    assert len(BENCHMARK_BY_NAME) == len(BENCHMARKS)
    for one in BENCHMARKS:
        assert one.signal in CORPORA[one.corpus].card.signals, one.name
        assert one.metric in METRICS, one.name
        if one.corpus in ("house", "standoff"):
            assert one.ceiling.value == pytest.approx(alphas[one.signal], abs=0.0005), one.name


@pytest.mark.slow
def test_the_ceilings_of_polnear_are_what_its_annotators_agree_on():
    root = os.environ.get("FRAMESCOPE_CORPORA")
    if not root or not (Path(root) / "polnear").is_dir():
        pytest.skip("needs the public corpora")
    alphas = of_polnear(Path(root), load())
    theirs = [one for one in BENCHMARKS if one.corpus == "polnear"]
    assert theirs
    for one in theirs:
        assert one.ceiling.value == pytest.approx(alphas[one.signal].alpha, abs=0.0005), one.name


@pytest.mark.slow
def test_a_bundle_that_has_seen_held_out_articles_of_what_ships_is_refused(monkeypatch):
    pytest.importorskip("datasets")
    seen = frozenset(bundles.text_digest(one.text) for one in load_articles("house", None))
    monkeypatch.setattr(bundles.Bundle, "seen", seen)
    with pytest.raises(InputError, match="held-out articles of the house corpus"):
        held_out_of_corpora(None, [bundles.load("baseline")], allow_seen=False)


@pytest.mark.slow
def test_the_transformer_that_ships_passes_the_gate_on_what_ships():
    pytest.importorskip("datasets")
    shipped = bundles.load("transformer")
    rows = held_out_of_corpora(None, [shipped], allow_seen=False).examples
    checks = measured(shipped, promotion.read_floors(promotion.FLOORS), rows)
    held = [one for one in checks if one.floor is not None]
    assert len(held) > 10
    assert [one.benchmark.name for one in held if one.changed or one.missed] == []
    suite = measure_suite(shipped, draws=100)
    assert [result.name for result in suite.missed] == []
    assert len([result for result in suite.results if result.limits is not None]) > 10


DRAWS = ("--draws", 300)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A bundle made by hand, beside an empty folder of bundles; it stands for what ships too."""
    monkeypatch.setenv(bundles.ENVIRONMENT, str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    shelves.on_little(monkeypatch, tmp_path / "ships.jsonl")
    made = by_hand(tmp_path / "made")
    ships = tmp_path / "ships"
    for kind in bundles.KINDS:
        by_hand(ships / kind)
    monkeypatch.setattr("framescope.classifier.bundles.store.SHIPPED", ships)
    return made


def judged(monkeypatch, current, candidate, own=None, suite=(), floors=None, kind="baseline"):
    candidate.manifest["kind"] = kind
    monkeypatch.setattr("framescope.eval.release.promotion.measure_suite",
                        lambda bundle: Suite("a", "1" * 64, "2" * 64, 100, 0, suite))  # fmt: skip
    both = current, candidate
    mine = own and Evaluation(both, own, draws=300, parts=("test",))
    if floors is not None:
        monkeypatch.setattr(promotion, "FLOORS", floors)
    return promotion.judge(Evaluation(both, ROWS, draws=300), mine)


def verdicts(judgement):
    return {(one.row.corpus, one.row.signal): one.verdict for one in judgement.changes}


def test_a_signal_that_is_no_longer_given_is_refused_and_a_new_one_is_not(monkeypatch):
    fewer = judged(monkeypatch, bundle("a", BOTH, 0.4), bundle("b", ("claim",), 0.4))
    assert "no longer given: hyperpartisan" in fewer.objections
    assert verdicts(fewer)["claimbuster", "hyperpartisan"] == "lost"
    more = judged(monkeypatch, bundle("a", ("claim",), 0.4), bundle("b", BOTH, 0.4))
    assert more.objections == ()
    assert verdicts(more)["claimbuster", "hyperpartisan"] == "new"


def test_ones_own_labels_count_too(monkeypatch):
    class Forgetful(type(bundle("x", BOTH).model)):
        def predict(self, sentences):
            proba = super().predict(sentences).proba
            own = sentences[0].article_id.startswith("mine")
            return SimpleNamespace(proba=1 - proba if own else proba)

    worse = replace(bundle("b", BOTH, 0.4), model=Forgetful(BOTH, 0.4))
    for articles, verdict in ((40, "worse ranking"), (6, "too few to tell")):
        own = examples(articles=articles, corpus="mine", seed=3)
        found = judged(monkeypatch, bundle("a", BOTH, 0.4), worse, own)
        assert verdicts(found)["claimbuster", "claim"] == "no difference shown"
        assert verdicts(found)["mine", "claim"] == verdict
        assert all("mine (test)" in line for line in found.objections)
    assert "too few articles" in found.warnings[0]


def test_floors_hold_the_kind_that_they_were_measured_on_and_limits_all(monkeypatch, tmp_path):
    class Missed:
        name, passed, goal = "typing errors", False, False

    high = {"digest": HIGH["floors"][NAME]["digest"], "metric": "macro_f1", "floor": 0.999}
    path = tmp_path / "floors.json"
    path.write_text(json.dumps({"floors": {NAME: high}, "regressions": []}))
    both = bundle("a", ("claim",), 0.4), bundle("b", ("claim",), 0.4)
    held = judged(monkeypatch, *both, floors=path, kind="transformer")
    assert any("below its floor of 0.999" in line for line in held.objections)
    assert held.record()["gate"]["missed"][0]["benchmark"] == NAME
    free = judged(monkeypatch, *both, suite=(Missed(),), floors=path)
    assert free.objections == ("behaviour: the limit of 'typing errors' is missed",)


def promote(path: Path, *more: object, name: str = "desk", **options: int) -> str:
    return typed("promote", path, "--as", name, *DRAWS, *more, **options)


def test_a_promoted_bundle_is_found_by_its_name_and_is_the_same_to_the_byte(folder):
    record = json.loads(promote(folder, "--format", "json"))
    assert (record["decision"], record["version"]) == ("promoted", 1)
    assert {one["signal"] for one in record["changes"]} == {"claim", "vague_source"}
    path = bundles.resolve("desk")
    assert path == bundles.home() / "desk" / "1"
    for one in folder.iterdir():
        assert (path / one.name).read_bytes() == one.read_bytes()
    accepted, moved = history("desk")
    assert accepted["event"] == "accepted"
    assert accepted["candidate"]["digest"] == bundles.load(folder).digest
    assert accepted["changes"]
    assert accepted["signatures"]
    assert (moved["event"], moved["version"], moved["before"]) == ("current", 1, 0)


def test_what_is_worse_is_refused_or_allowed_with_a_reason_and_a_name(folder, tmp_path):
    assert "desk@1 is current (promoted)" in promote(folder)
    worse = ranks_backwards(folder, tmp_path / "worse", "vague_source")
    out = promote(worse, status=1)
    assert "refused: desk@1 stays current" in out
    assert "vague_source, ships.jsonl (test): AP -" in out
    last = history("desk")[-1]
    assert last["event"] == last["decision"] == "refused"
    assert last["against"]["name"] == "desk@1"
    assert any(line.startswith("vague_source") for line in last["objections"])
    allowed = ("promote", worse, "--as", "desk", "--allow", "labels were wrong", *DRAWS)
    assert "--by WHO" in refusal(*allowed)
    assert bundles.resolve("desk").name == "1"
    assert "(allowed)" in typed(*allowed, "--by", "A. Editor")
    assert bundles.resolve("desk").name == "2"
    accepted = history("desk")[-2]
    assert accepted["allowed"] == {"reason": "labels were wrong", "by": "A. Editor"}
    assert accepted["objections"]
    assert "allowed by A. Editor: labels were wrong" in typed("show", "desk")


def test_ones_own_held_out_part_is_found_beside_the_candidate(folder, tmp_path):
    kept = tmp_path / "made.run" / "added"
    kept.mkdir(parents=True)
    grids.labelled(kept / "test.jsonl", range(100, 140))
    grids.labelled(kept / "unseen_outlet.jsonl", range(140, 160))
    grids.labelled(kept / "train.jsonl", range(200, 240))
    assert "none.jsonl: no such file" in refusal("promote", folder, "--data", "none.jsonl")
    assert not bundles.home().exists()
    promote(folder)
    accepted = history("desk")[0]
    own = ["test.jsonl", "unseen_outlet.jsonl"]
    assert [Path(one["path"]).name for one in accepted["data"]] == own
    assert {one["rows"] for one in accepted["changes"]} == {"ships.jsonl", *own}


def test_articles_that_a_bundle_has_seen_are_refused_and_so_are_too_few_draws(folder, tmp_path):
    mine = grids.labelled(tmp_path / "mine.jsonl", range(100, 140))
    seen = shelves.held_out_of_files([mine]).digests
    bundles.write(tmp_path / "mine", shelves.MANIFEST, "# Mine", toys.save_by_hand, seen)
    said = refusal("promote", tmp_path / "mine", "--data", mine, *DRAWS)
    assert f"{mine}: by-hand has learned from or was calibrated on 40 of the 40 articles" in said
    assert "--allow-seen" in said
    twice = ("--data", mine, "--data", grids.labelled(tmp_path / "more.jsonl", range(200, 240)))
    few = refusal("promote", folder, "--as", "desk", "--draws", 100, *twice)
    assert "too few for 6 comparisons" in few
    assert few.endswith("type --draws 120")
    typed("promote", tmp_path / "mine", "--data", mine, "--allow-seen", *DRAWS)
    assert history("mine")[0]["allow_seen"] is True
    kept = tmp_path / "made.run" / "added"
    kept.mkdir(parents=True)
    shutil.copyfile(mine, kept / "test.jsonl")  # what the current bundle has learned
    said = refusal("promote", folder, "--as", "mine", *DRAWS)
    assert said.startswith(f"{kept / 'test.jsonl'}: by-hand has learned from")
    assert "; label new articles" in said
    new = grids.labelled(tmp_path / "new.jsonl", range(200, 240))
    promote(folder, "--data", new, name="mine")


def test_a_version_that_was_there_is_not_copied_twice(folder, tmp_path):
    other = changed(folder, tmp_path / "other", name="other")
    promote(folder)
    assert "is this bundle already" in promote(folder)
    assert len(history("desk")) == 2
    promote(other)
    promote(folder)
    assert bundles.resolve("desk").name == "1"
    assert typed("rollback", "desk").startswith("desk: version 2 is current")


@pytest.mark.parametrize("name", ["baseline", "a/b", "..", "a@1", "Baseline", "-x", "a" * 65])
def test_names_that_could_be_mistaken_are_refused(folder, name):
    assert "--as" in refusal("promote", folder, f"--as={name}")
    assert not bundles.home().exists()


def test_rolling_back_goes_one_promotion_back_and_at_last_to_what_ships(folder, tmp_path):
    for name in ("c1", "c2"):
        promote(changed(folder, tmp_path / name, name=name))
    assert "version 1 is current" in typed("rollback", "--by", "A", "--reason", "complaints")
    assert bundles.load("desk").name == "c1"
    last = history("desk")[-1]
    assert (last["why"], last["by"], last["reason"]) == ("rolled back", "A", "complaints")
    assert "version 0 is current (what ships)" in typed("rollback", "desk")
    assert bundles.resolve("desk") == bundles.resolve("baseline")
    assert "version 0 was the first" in refusal("rollback", "desk")
    assert "version 2 is current" in typed("rollback", "desk", "--to", 2)
    assert bundles.load("desk").name == "c2"
    assert "is current already" in refusal("rollback", "desk", "--to", 2)
    assert "no such version" in refusal("rollback", "desk", "--to", 7)


def test_who_is_stopped_between_copy_and_pointer_leaves_what_was_current(
    folder, tmp_path, monkeypatch
):
    promote(folder)
    other = changed(folder, tmp_path / "other", name="other")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(store_module.StoreWriter, "point", killed)
        with pytest.raises((KeyboardInterrupt, SystemExit, AssertionError)):
            promote(other)
    assert bundles.load("desk").name == "by-hand"
    with pytest.raises(BundleError, match="desk@2: no such version"):
        bundles.resolve("desk@2")
    promote(other)
    assert bundles.load("desk@2").name == bundles.load("desk").name == "other"


def test_half_a_line_of_history_is_of_whoever_was_killed(folder):
    promote(folder)
    path = bundles.home() / "desk" / bundles.HISTORY
    with path.open("a") as file:
        file.write('{"event": "curr')
    typed("rollback", "desk")
    assert [one["event"] for one in history("desk")] == ["accepted", "current", "current"]
    lines = path.read_text().splitlines()
    path.write_text("\n".join(["{", *lines]) + "\n")
    assert f"{path}:1: damaged" in refusal("show", "desk")
    assert "version 1 is current" in typed("rollback", "desk", "--to", 1)


def test_what_changes_while_it_is_judged_is_not_promoted(folder, tmp_path, monkeypatch):
    other = changed(folder, tmp_path / "other", name="other")
    judge = promotion.judge

    def meanwhile(*given, **options):
        monkeypatch.setattr(promotion, "judge", judge)
        promote(other)
        return judge(*given, **options)

    def edited(*given, **options):
        path = folder / bundles.MANIFEST
        path.write_text(path.read_text().replace("by-hand", "by-who"))
        return judge(*given, **options)

    monkeypatch.setattr(promotion, "judge", meanwhile)
    assert "became current meanwhile" in refusal("promote", folder, "--as", "desk", *DRAWS)
    assert bundles.load("desk").name == "other"
    monkeypatch.setattr(promotion, "judge", edited)
    assert "changed while it was judged" in refusal("promote", folder, "--as", "desk", *DRAWS)
    assert bundles.load("desk").name == "other"


def test_a_version_is_named_and_an_unknown_name_gets_the_nearest(folder, tmp_path):
    promote(folder)
    promote(changed(folder, tmp_path / "o", name="o"))
    assert bundles.load("desk@1").name == "by-hand"
    assert bundles.pinned("desk") == "desk@2"
    assert bundles.pinned("desk@1") == "desk@1"
    assert bundles.pinned("baseline") == "baseline"
    with pytest.raises(BundleError, match=r"one of baseline, transformer, desk; did you mean desk"):
        bundles.resolve("dsek")
    with pytest.raises(BundleError, match=r"desk@9: no such version; desk has 0, 1, 2"):
        bundles.resolve("desk@9")


def test_a_name_means_what_was_promoted_and_a_path_the_folder(folder, tmp_path):
    promote(folder)
    candidate = changed(folder, tmp_path / "desk", name="not promoted")
    assert bundles.load("desk").name == "by-hand"
    assert bundles.load("./desk").name == "not promoted"
    assert bundles.load(candidate).name == "not promoted"
    typed("promote", "desk", "--against", folder, *DRAWS)  # the folder, which is to be promoted
    assert bundles.load("desk").name == "not promoted"


def test_a_promoted_bundle_that_was_changed_is_refused(folder, tmp_path):
    promote(folder)
    promote(changed(folder, tmp_path / "other", name="o"))
    path = bundles.home() / "desk" / "1" / bundles.MANIFEST
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(BundleError, match="is not what was promoted"):
        bundles.load("desk@1")
    assert "is not what was promoted" in refusal("rollback", "desk")
    assert bundles.resolve("desk").name == "2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 1, "kind": "baseline", "current": 3, "versions": {}}', "damaged"),
        ('{"format": 2}', "newer than this version reads"),
    ],
)
def test_a_damaged_pointer_is_one_line_and_the_others_are_listed(folder, text, reason):
    promote(folder)
    promote(folder, name="wire")
    (bundles.home() / "desk" / bundles.POINTER).write_text(text)
    with pytest.raises(BundleError, match=reason):
        bundles.resolve("desk")
    out = typed("list")
    assert all(said in out for said in (reason, "wire@1", "baseline", "transformer"))
    record = json.loads(typed("show", "baseline", "--format", "json"))
    assert record["digest"] == bundles.digest_of(bundles.read_manifest(bundles.resolve("baseline")))
