"""What the parts may know of each other, and what scoring may need."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from classifier import bundle

ROOT = Path(__file__).parent.parent
ROOMS = ("classifier", "batch", "service", "training", "eval", "annotation", "upkeep")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
HEAVY = {"torch", "transformers", "datasets", "safetensors", "onnx", "onnxscript", "datasketch"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module a module names in an import, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            # "from training import calibrate" imports training.calibrate.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def imported(room: str) -> set[tuple[str, str]]:
    """Pairs of a module of a room and what it imports."""
    return {
        (name, found)
        for name, tree in TREES.items()
        if name.partition(".")[0] == room
        for found in imports(tree)
    }


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


# --- imports run one way --------------------------------------------------------------------------


def test_there_are_modules_to_look_at() -> None:
    assert {
        "classifier.cli",
        "training.transformer.finetune",
        "eval.commands.judge",
    } <= MODULES.keys()
    assert ("training.making.makers", "training.calibrate") in imported("training")


def test_what_serves_knows_none_of_the_others() -> None:
    others = set(ROOMS) - {"classifier"}
    assert {pair for pair in imported("classifier") if within(pair[1], others)} == set()


@pytest.mark.parametrize("room", ["batch", "service"])
def test_what_runs_and_what_answers_know_only_what_serves(room) -> None:
    others = set(ROOMS) - {room, "classifier"}
    assert {pair for pair in imported(room) if within(pair[1], others)} == set()


def test_what_serves_needs_no_training_library() -> None:
    assert {pair for pair in imported("classifier") if within(pair[1], HEAVY)} == set()


@pytest.mark.parametrize(
    ("room", "others"),
    [
        ("training", {"eval", "annotation", "upkeep", "batch", "service"}),
        ("eval", {"annotation", "upkeep", "service"}),
        ("annotation", {"eval", "upkeep", "service"}),
        ("upkeep", {"annotation", "service"}),
    ],
)
def test_what_comes_earlier_in_a_models_life_does_not_know_what_comes_later(room, others) -> None:
    assert {pair for pair in imported(room) if within(pair[1], others)} == set()


def test_what_judges_shares_only_the_data_with_what_makes() -> None:
    shared = {"training.corpora", "training.data", "training.options"}
    used = {pair for pair in imported("eval") if within(pair[1], {"training"})}
    used -= {(name, "training") for name, _ in used}  # the seed
    assert used
    assert {pair for pair in used if not within(pair[1], shared)} == set()


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("classifier.values")])
def test_what_everything_rests_on_imports_nothing_else_of_ours(name) -> None:
    ours = {found for found in imports(TREES[name]) if within(found, set(ROOMS))}
    assert {found for found in ours if not within(found, {"classifier.values"})} == set()


def test_nothing_outside_one_table_asks_which_kind_of_model_it_is() -> None:
    kinds = "|".join(bundle.KINDS)
    asks = re.compile(
        rf"isinstance\([^)]*(?:Tfidf|Transformer)Model|[=!]= [\"'](?:{kinds})[\"']"
        rf"|[\"'](?:{kinds})[\"'] [=!]=|manifest\[[\"']kind[\"']\] (?:[=!]=|in\b)"
    )
    assert asks.search('if manifest["kind"] == kind')
    assert asks.search("if model.kind == 'baseline'")
    served = {n: s for n, s in SOURCES.items() if n.startswith("classifier.")}
    assert {name for name, source in served.items() if asks.search(source)} == set()


def test_only_what_is_declared_is_imported() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    extra = extras["training"]
    names = {
        "scikit-learn": "sklearn",
        "tomli-w": "tomli_w",
        "charset-normalizer": "charset_normalizer",
        "prometheus-client": "prometheus_client",
        "dkpro-cassis": "cassis",
        "crowd-kit": "crowdkit",
    }

    def modules(requirements: list[str]) -> set[str]:
        found = {re.split(r"[<>=\[ ]", r)[0] for r in requirements}
        return {names.get(name, name) for name in found}

    served = modules(project["dependencies"]) | {"scipy"}  # scipy comes with scikit-learn
    annotating = modules(extras["annotate"]) | {"pandas"}  # which crowd-kit takes and gives
    known = set(sys.stdlib_module_names) | set(ROOMS)
    for room, allowed in (
        (
            "classifier",
            # where a user hands over a table, or asks for one; a bundle at an address
            served | {"pandas"} | modules(extras["batch"]) | modules(extras["hub"]),
        ),
        ("batch", served | modules(extras["batch"]) | modules(extras["ray"])),
        ("service", served | modules(extras["serve"]) | {"pydantic", "starlette", "anyio"}),
        # Labels are checked, and tools' files read, with what the extra brings.
        (
            "training",
            served | modules(extra) | modules(extras["tracking"]) | annotating,
        ),
        ("annotation", served | modules(extra) | modules(extras["batch"]) | annotating),
        ("upkeep", served | modules(extras["batch"]) | modules(extras["hub"])),
        ("eval", served | {"matplotlib"}),  # of the training extra: the report's plots
    ):
        tops = {found.partition(".")[0] for _, found in imported(room)}
        assert tops - known - allowed == set(), room


# --- what is not in the code ----------------------------------------------------------------------


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_every_file_of_a_package_is_installed() -> None:
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    installed = {
        path
        for package, patterns in settings["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    there = {
        path
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert sorted(map(str, there - installed)) == []


def test_nothing_is_unpickled() -> None:
    pickles = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    for name, tree in TREES.items():
        assert not {found for found in imports(tree) if within(found, pickles)}, name
        for function, call in called(tree):
            assert function not in ("torch.load", "torch.save", "eval", "exec"), name
            if function.endswith(("np.load", "numpy.load")):
                options = {k.arg: ast.unparse(k.value) for k in call.keywords}
                assert options.get("allow_pickle") == "False", name


def test_no_code_of_a_model_is_trusted() -> None:
    loads = 0
    for name, tree in TREES.items():
        for function, call in called(tree):
            options = {k.arg: ast.unparse(k.value) for k in call.keywords}
            assert options.get("trust_remote_code", "False") == "False", name
            if function.endswith("from_pretrained"):
                loads += 1
                assert options["local_files_only"] == "True", name
                if "Config" not in function:  # which has no weights
                    assert options["use_safetensors"] == "True", name
    assert loads


def test_few_modules_speak_to_the_network() -> None:
    clients = {"requests", "urllib.request", "urllib3", "http.client", "socket", "httpx", "aiohttp"}
    clients |= {"huggingface_hub"}
    speaking = {
        name for name, tree in TREES.items() for found in imports(tree) if within(found, clients)
    }
    # Two fetch what a user's addresses name, one answers, one looks whether a cluster does.
    fetching = {"classifier.pages.fetching", "classifier.bundle.hub"}
    assert speaking == {*fetching, "service.server", "batch.cluster"}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_short_and_say_what_they_are(name) -> None:
    assert SOURCES[name].count("\n") <= 400
    assert ast.get_docstring(TREES[name])
    assert name.rpartition(".")[2] not in ("utils", "helpers", "misc", "common")


# --- what scoring loads and reaches: processes of their own ---------------------------------------


def ask(code: str, *arguments: object) -> dict:
    """Run code in a fresh interpreter; give the JSON on the last line it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict = json.loads(done.stdout.splitlines()[-1])
    return answer


RUN = """
import io, json, socket, sys
from contextlib import redirect_stdout

def refuse(*_, **__):
    raise AssertionError("the network was reached for")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from classifier import cli
sys.argv = ["framescope", *sys.argv[1:]]
printed = io.StringIO()
try:
    with redirect_stdout(printed):
        cli.main()
except SystemExit as ended:
    status = ended.code
tops = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"status": status, "out": printed.getvalue(), "modules": tops}))
"""


@pytest.fixture(scope="module")
def ferry(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("input") / "ferry.txt"
    path.write_text("A vile scheme, this ferry of Vesk! Observers in Orrin expect it to cost more.")
    return path


def kept_offline(model: object, ferry: Path) -> None:
    found = ask(RUN, "score", ferry, "--model", model, "--format", "json")
    assert not found["status"], found
    sentences = json.loads(found["out"])["articles"][0]["sentences"]
    assert len(sentences) == 2
    assert all(sentence["scores"] for sentence in sentences)
    assert set(found["modules"]) & (HEAVY | {"training", "eval", "sklearn", "requests"}) <= {
        "training",  # whose commands are listed
        "eval",
    }


def test_the_transformer_scores_without_network_and_training_libraries(
    transformer_bundle, ferry
) -> None:
    kept_offline(transformer_bundle, ferry)


@pytest.mark.skipif(not bundle.default_path("transformer").is_dir(), reason="none ships yet")
def test_the_shipped_transformer_scores_without_network_and_training_libraries(ferry) -> None:
    kept_offline("transformer", ferry)


def test_the_baseline_scores_without_network(small_bundle, ferry) -> None:
    found = ask(RUN, "score", ferry, "--model", small_bundle, "--format", "json")
    assert not found["status"], found
    assert set(found["modules"]) & HEAVY == set()


def test_help_loads_nothing_heavy() -> None:
    found = ask(RUN, "--help")
    assert not found["status"], found
    assert "score" in found["out"]
    assert {p.name for p in entry_points(group="framescope.commands")} <= set(found["out"].split())
    heavy = HEAVY | {"numpy", "sklearn", "scipy", "onnxruntime", "tokenizers", "rich", "jinja2"}
    heavy |= {"trafilatura", "nupunkt", "py3langid"}
    assert set(found["modules"]) & heavy == set()


@pytest.mark.parametrize(
    "module",
    ["errors", "taxonomy", "values", "pages", "attribution"],
)
def test_light_modules_are_light(module) -> None:
    code = (
        f"import sys, json, classifier.{module}\n"
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    found = set(ask(code))
    assert found & {"numpy", "sklearn", "nupunkt", "py3langid", "trafilatura", "rich"} == set()
