"""Labelled files about invented places, and `framescope eval batch` typed on them."""

import json
from pathlib import Path

from framescope.classifier.errors import FramescopeError
from framescope.eval.commands import judge
from typer.testing import CliRunner

SENTENCES = (
    ("Observers in Orrin saw the ferry.", {"vague_source": 1, "claim": 0}),
    ("The mill of Karst cost nine crowns.", {"vague_source": 0, "claim": 1}),
    ("A vile plan, this bridge.", {"vague_source": 0, "claim": 0}),
    ("Nobody spoke of the crowns of Vesk.", {"vague_source": 0, "claim": 0}),
)


def article(number: int) -> dict:
    text, sentences = "", []
    for sentence, labels in (SENTENCES[(number + k) % 4] for k in range(number % 3 + 2)):
        sentence = sentence.replace(".", f" in week {number}.")
        end = len(text) + len(sentence)
        sentences.append({"start": len(text), "end": end, "labels": labels})
        text += f"{sentence} "
    return {"id": str(number), "text": text.strip(), "sentences": sentences}


def labelled(path: Path, numbers: range) -> Path:
    path.write_text("".join(json.dumps(article(n)) + "\n" for n in numbers))
    return path


def typed(*words: object, status: int = 0) -> str:
    result = CliRunner().invoke(judge.app, [str(word) for word in words])
    if isinstance(result.exception, FramescopeError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.output


def batch(run: Path, *words: object, status: int = 0) -> str:
    return typed("batch", "--output", run, *words, status=status)


def table(run: Path) -> dict:
    return json.loads((run / "table.json").read_text())


def without_costs(run: Path) -> dict:
    record = table(run)
    for one in record["bundles"]:
        del one["cost"]
    return record


def cells(run: Path) -> dict[tuple[str, str], dict]:
    records = (json.loads(path.read_text()) for path in run.glob("cells/*.json"))
    return {(one["bundle"], one["benchmark"]): one for one in records}
