"""What `make bench` measures: scoring, hostile texts, registry, harness; beside the last time.

No test: it sets no limits, since seconds depend on the machine. It ends with an error only when
something can't be run. Compare figures of one machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import growth
import numpy as np
import toys
from deletion import measure as measure_deletion
from framescope.classifier import __version__, bundle
from framescope.classifier.inputs import page
from framescope.classifier.outlets.registry.registry import Registry, load
from framescope.classifier.scoring import Scorer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
COMMAND = (sys.executable, "-c", "from framescope.classifier.cli import main; main()")
ARTICLES = 40  # that are scored, each made of
PIECES = 6  # articles of the house corpus: about 1,600 words, of many forms
LONG_ENOUGH = 0.1  # seconds; a shorter reading is not measured for how it grows
LONGEST = 500_000  # characters
FLAGS = 1_500  # looked at, of which some hold too few other words
SHOWN = 8  # hostile texts, those that grow most


def seconds(work: Callable[[], object], times: int = 1, clock=time.process_time) -> float:
    """The best of several, in processor time unless another clock is given."""
    taken = []
    for _ in range(times):
        start = clock()
        work()
        taken.append(clock() - start)
    return min(taken)


def command(*arguments: object) -> float:
    """Seconds that a whole command takes, as somebody waiting counts them."""
    line = [*COMMAND, *map(str, arguments)]
    return seconds(
        lambda: subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.DEVNULL),
        clock=time.perf_counter,
    )


def scoring(folder: Path) -> Iterator[tuple[str, float]]:
    """How both models score, in whole commands."""
    texts = [
        json.loads(line)["text"]
        for path in sorted((ROOT / "corpus" / "articles").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    # Every so many, so that each article has pieces of several forms.
    made = ["\n\n".join(texts[at::ARTICLES][:PIECES]) for at in range(ARTICLES)]
    many, one = folder / "many.jsonl", folder / "one.txt"
    many.write_text(
        "".join(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(made)),
        encoding="utf-8",
    )
    one.write_text("The ferry left Orrin at noon. Observers expect it to be late.", "utf-8")
    taken = {}
    for model in ("baseline", "transformer"):
        yield f"{model}: cold start, s", command("score", one, "--model", model)
        output = "--format", "jsonl", "--output", folder / "out.jsonl"
        taken[model] = command("score", many, "--model", model, *output)
        yield f"{model}: articles a second", ARTICLES / taken[model]
    yield "baseline to transformer", taken["transformer"] / taken["baseline"]


def hostile(folder: Path) -> Iterator[tuple[str, float]]:
    """How many times as long twice as long a text takes: about 2, unless work is repeated."""
    bundle.write(folder / "by-hand", toys.MANIFEST_BY_HAND, "# By hand\n", toys.save_by_hand)
    scorer = Scorer(bundle.load(folder / "by-hand"))

    def taken(name: str, size: int, times: int = 1) -> float:
        text, article = growth.text(name, size), growth.article(name, size)
        return seconds(
            lambda: (page.articles(text, "a"), list(scorer.score([article]))), times=times
        )

    taken("prose", 1_000)  # tables and libraries are loaded once
    for name in growth.PARTS:
        size = 1_000
        while taken(name, size) < LONG_ENOUGH and size < LONGEST:
            size *= 2
        yield f"twice the text: {name}", taken(name, 2 * size, 2) / taken(name, size, 2)


def registry() -> Iterator[tuple[str, float]]:
    """Loading the tables, looking outlets up, and finding their names in text."""

    def loaded() -> None:
        fresh = Registry()
        fresh.at("rt.com")
        fresh.called("Reuters")

    loaded()
    yield "registry: load, s", seconds(loaded, 5)
    outlets = load()
    addresses = [f"https://www.{host}/a/b?c" for host, _ in outlets.domains()][:2000]
    names = [outlet.name for outlet in outlets][:2000]
    for what, asked, answer in (
        ("address", addresses, outlets.at),
        ("name", names, outlets.called),
    ):
        took = seconds(lambda a=asked, f=answer: [f(one) for one in a], 5)
        yield f"registry: look-ups by {what} a second", len(asked) / took
    text = "The council met, Reuters reported. According to Mehr, the river is high.\n\n" * 10_000
    outlets.mentions(text[:1000])
    yield "registry: MB of text a second", len(text) / 1e6 / seconds(lambda: outlets.mentions(text))


def explained() -> Iterator[tuple[str, float]]:
    """How far the words shown for a flag move its score, beside as many others: medians."""
    from framescope.training.corpora import SHIPPED
    from framescope.training.data import load_data

    data = load_data(None, None, 13, corpora=SHIPPED)
    held = data.examples.where(np.isin(data.examples.part, ("test", "unseen_outlet")))
    for model in ("baseline", "transformer"):
        found = measure_deletion(bundle.load(model, data.outlets), held.sentences, FLAGS)
        yield f"{model}: flags explained", len(found.evidence)
        yield f"{model}: drop without the evidence, log-odds", float(np.median(found.evidence))
        yield f"{model}: drop without other words", float(np.median(found.others))


def harness() -> Iterator[tuple[str, float]]:
    """One small comparison."""
    models = "--a", "baseline", "--b", "baseline"
    small = "--draws", "100", "--part", "test", "--signal", "claim"
    yield "eval run, s", command("eval", "run", *models, *small)


def written(value: float) -> str:
    """A figure, with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(now: dict[str, float], last: dict[str, float]) -> None:
    """Print the figures beside those of the last time; of hostile texts the worst ones."""
    texts = [name for name in now if name.startswith("twice")]
    texts.sort(key=now.__getitem__, reverse=True)
    table = Table("", "last", "now", "now to last")
    for name, value in now.items():
        if name not in texts[SHOWN:]:
            before = last.get(name)
            cells = ("", "") if before is None else (written(before), f"{value / before:.2f}")
            table.add_row(name, cells[0], written(value), cells[1])
    Console().print(table)


def main() -> None:
    """Measure, show, and write the figures over those of the last time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/bench.json"))
    path = parser.parse_args().output
    last = json.loads(path.read_text("utf-8"))["figures"] if path.exists() else {}
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="framescope-bench-")  # no own outlets
    now: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        parts = scoring(Path(folder)), explained(), hostile(Path(folder)), registry(), harness()
        for part in parts:
            for name, value in part:
                now[name] = value
                print(f"{name}: {written(value)}", file=sys.stderr)
    show(now, last)
    made = {
        "framescope": __version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "figures": now,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
