"""Made-up runs for drift: articles are drawn at random, and shifted where a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.batch.folder import SUMMARY, RunFolder
from framescope.classifier.batch.schema import TABLES, schema, text_digest

SIGNALS = (
    *("content", "claim", "attributed", "unnamed_source", "unsourced_assertion"),
    *("biased_language", "subjective", "loaded_language", "hyperpartisan"),
)
RARE = {"unnamed_source": -2.5, "loaded_language": -3.0, "biased_language": -1.5}
_SYLLABLES = ("ka", "ri", "mo", "ten", "sul", "va", "dor", "lim", "pe", "gra", "ost", "un")


def _words(seed: int, count: int) -> list[str]:
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(_SYLLABLES, int(rng.integers(2, 5))))] = None
    return list(found)


COMMON, TOPIC = _words(1, 900), [f"{word}ix" for word in _words(2, 60)]
_SHARES = (1 / np.arange(5, 905)) / (1 / np.arange(5, 905)).sum()


@dataclass(frozen=True)
class Stream:
    """What articles are drawn from.

    `topic`: share of words of another topic. `shift`: added to the log-odds of `shifted` signals,
    in standard deviations. `strange`: share of articles of new, unregistered outlets. `far`: share
    of articles unlike the training data.
    """

    articles: int = 240
    topic: float = 0.0
    shift: float = 0.0
    shifted: Sequence[str] = ("claim", "subjective", "biased_language")
    strange: float = 0.0
    far: float = 0.02
    outlets: int = 12
    miscalibrated: float = 0.0


@dataclass
class Drawn:
    """What was written: texts, places of sentences, and true labels by signal."""

    path: Path
    texts: list[str] = field(default_factory=list)
    places: list[list[tuple[int, int]]] = field(default_factory=list)
    labels: list[dict[str, list[int]]] = field(default_factory=list)


def write(path: Path, seed: int, stream: Stream = Stream(), **manifest: Any) -> Drawn:
    """Write a run of one shard."""
    rng = np.random.default_rng(seed)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    drawn = Drawn(path)
    outlet_shares = 1 / np.arange(1, stream.outlets + 1)
    # What an outlet's articles have in common is the same in every run.
    manner = np.random.default_rng(77).normal(0, 0.3, (stream.outlets + 40, len(SIGNALS)))
    for number in range(stream.articles):
        fresh = rng.random() < stream.strange
        outlet = (
            stream.outlets + int(rng.integers(40))
            if fresh
            else int(rng.choice(stream.outlets, p=outlet_shares / outlet_shares.sum()))
        )
        own = rng.normal(0, 0.6, len(SIGNALS)) + manner[outlet]
        sentences, places, at = [], [], 0
        of_topic = rng.random() < 0.6
        scores: dict[str, list[float]] = {name: [] for name in SIGNALS}
        labels: dict[str, list[int]] = {name: [] for name in SIGNALS}
        for _ in range(int(rng.integers(4, 10))):
            words = rng.choice(COMMON, 14, p=_SHARES).tolist()
            if of_topic:
                words = [rng.choice(TOPIC) if rng.random() < stream.topic else w for w in words]
            sentences.append(f"{' '.join(words).capitalize()}.")
            places.append((at, at + len(sentences[-1])))
            at = places[-1][1] + 1
            for column, name in enumerate(SIGNALS):
                odds = RARE.get(name, 0.0) + own[column] + rng.normal(0, 1.2)
                odds += 1.4 * stream.shift * (name in stream.shifted)
                truth = 1 / (1 + np.exp(-(odds + stream.miscalibrated)))
                scores[name].append(float(1 / (1 + np.exp(-odds))))
                labels[name].append(int(rng.random() < truth))
        text = " ".join(sentences)
        far = rng.random() < stream.far
        distance = float(rng.uniform(0.98, 1.0) if far else rng.uniform(0, 0.98))
        name = f"Outlet {outlet}"
        listed = not fresh and outlet % 4 != 3
        identity = number * 1_000_000
        tables["inputs"].append({"input_id": number, "input": "made-up.jsonl"})
        tables["articles"].append({
            "article_id": identity, "input_id": number, "id": f"a{number}", "outlet": name,
            "publisher": name.lower().replace(" ", "-") if listed else None,
            "publisher_name": name, "text_digest": text_digest(text), "distance": distance,
            "far": far, "hyperpartisan": scores["hyperpartisan"][0],
        })  # fmt: skip
        tables["sentences"] += [
            {"article_id": identity, "sentence": row, "start": start, "end": end, "text": one,
             **{s: scores[s][row] for s in SIGNALS if s != "hyperpartisan"}}
            for row, (one, (start, end)) in enumerate(zip(sentences, places, strict=True))
        ]  # fmt: skip
        drawn.texts.append(text)
        drawn.places.append(places)
        drawn.labels.append(labels)
    _save(RunFolder(path), tables, manifest)
    return drawn


def _save(folder: RunFolder, tables: dict[str, list[dict[str, Any]]], given: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.path.mkdir(parents=True)
    folder.shards.mkdir()
    draft = folder.draft(0)
    for name in TABLES:
        table = pa.Table.from_pylist(tables[name], schema=schema(name, SIGNALS))
        pq.write_table(table, draft / f"{name}.parquet")
    folder.commit(draft, 0)
    manifest: dict[str, Any] = {
        "format": 1, "framescope": "0.3.0", "schema": 1,
        "model": {"name": "by-hand", "digest": "0" * 64, "runtime": "openvino"},
        "signals": list(SIGNALS), "thresholds": dict.fromkeys(SIGNALS, 0.5),
        "options": {"format": "parquet"}, "rounds": [], "finished": True, **given,
    }  # fmt: skip
    folder.write("manifest.json", manifest)
    folder.write(SUMMARY, {"shards": 1})
