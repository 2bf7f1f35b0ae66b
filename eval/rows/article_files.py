"""Articles of JSON Lines of any kind, of which only the text matters: corpora without labels."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from classifier.errors import InputError
from classifier.values import Article


def read(path: Path) -> Iterator[Article]:
    """Read the articles of a file, or of a folder's files: JSON Lines, gzipped or not.

    Parameters
    ----------
    path : pathlib.Path
        Each line an object with ``text``; nothing else is read but ``id``, ``outlet`` and ``date``.

    Raises
    ------
    InputError
        When there is no such file, or a line can't be read.
    """
    files = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
    if not files:
        raise InputError(path, "no *.jsonl or *.jsonl.gz in it; name a file with an article a line")
    for file in files:
        number = 0
        try:
            with (gzip.open if file.suffix == ".gz" else open)(
                file, "rt", encoding="utf-8"
            ) as lines:
                for number, line in enumerate(lines, 1):
                    record = json.loads(line)
                    if not isinstance(record["text"], str):
                        raise TypeError("'text' is no string")
                    yield Article(
                        str(record.get("id", number)), record["text"], lang="en",
                        outlet=record.get("outlet"), date=record.get("date"),
                    )  # fmt: skip
        except FileNotFoundError:
            raise InputError(file, "no such file; name JSON Lines with an article a line") from None
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"line {number}: no article ({error}); each line must be an object with 'text'"
            raise InputError(file, reason) from None
