"""The service as the tests meet it: in this process, or as a command of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEXT = """The ferry to Orrin will cost more from Monday

The council of Karst met on Tuesday to talk about the ferry. What a vile scheme, this ferry!
Repairs of the mill in Vesk will cost 300 crowns, and nobody asked for them in the spring.

"The ferry opens at nine," said Ann Ray, the mayor of Orrin. Observers say the mill may close.
The wicked men behind the tram took 20 crowns from about 400 people who use it every day.
"""
LINE = "Observers say the wicked ferry to Orrin will cost 20 crowns more from Monday on."
GERMAN = (
    "Der Rat von Karst hat am Montag beschlossen, dass die Fähre nach Orrin teurer wird. "
    "Niemand war dagegen, und auch der Bürgermeister hat zugestimmt."
)


def page(text: str = TEXT) -> str:
    title, *rest = text.split("\n\n")
    body = "".join(f"<p>{part}</p>" for part in rest)
    return (
        f"<html lang=en><head><title>{title}</title></head><body><nav>Home</nav><article>"
        f"<h1>{title}</h1>{body}</article><footer>Imprint</footer></body></html>"
    )


def make(bundle: Path, seconds: float = 20.0, **bounds: Any) -> Any:
    from framescope.classifier.bundles import load
    from framescope.classifier.scoring import Scorer
    from framescope.classifier.service.app import make_app
    from framescope.classifier.service.scoring import Limits

    return make_app(Scorer(load(bundle), seconds=seconds), Limits(**{"seconds": seconds, **bounds}))


def scored_by_command(folder: Path, name: str, content: str, bundle: Path | str) -> dict[str, Any]:
    """What `framescope score FILE --format json` writes; of a folder's files, without a name."""
    from framescope.cli import run

    if name:
        (folder / name).write_text(content, encoding="utf-8")
    report = folder / "report.json"
    run(["score", str(folder / name), "-m", str(bundle), "-o", str(report), "-q"])
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def without_origin(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what it was read from: no file, when it was posted."""
    articles = [{**article, "origin": None} for article in report["articles"]]
    return {**report, "articles": articles}


@contextmanager
def running(
    *options: object, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command, and give it with its address; it must end by itself when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "framescope", "serve", "--port", "0", *map(str, options)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, line + process.stderr.read()
        yield process, found[0]
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()


@contextmanager
def listening(app: Any, most: int = 100) -> Iterator[str]:
    """Answer in a thread of this process, at an address, by so many connections at most."""
    from framescope.classifier.service.connections import Server, address_of, bound

    server = Server(app, most)
    with bound("127.0.0.1", 0) as place:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        while thread.is_alive() and not server.started:  # warming up
            thread.join(0.01)
        yield address_of(place)
        server.should_exit = True
        thread.join(20)
