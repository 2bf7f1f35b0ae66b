"""Label Studio as a server on this machine, and how its page saves what is marked in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TOKEN = "0123456789abcdef0123456789abcdef01234567"
_ATTEMPTS = 1200  # of a quarter of a second each


def program() -> str | None:
    """Where Label Studio is: as a variable says, or in the environment that `make` sets up."""
    usual = ROOT / ".venv-annotators" / "bin" / "label-studio"
    return shutil.which(os.environ.get("FRAMESCOPE_LABEL_STUDIO") or str(usual))


class LabelStudio:
    """Label Studio's API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.code} {error.read()[:2000]!r}") from None


@contextmanager
def running(folder: Path, executable: str) -> Iterator[LabelStudio]:
    """Label Studio with a database of its own and one user, that asks no other machine."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "CI": "false",  # which it reads, and refuses when empty
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_USERNAME": "annotator@example.org",
        "LABEL_STUDIO_PASSWORD": "a-long-password-1",
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "SECRET_KEY": "not-a-secret-of-anybody",
    }
    line = [executable, "start", "--no-browser", "--internal-host", "127.0.0.1"]
    line += ["--port", str(port), "--enable-legacy-api-token"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            line,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **settings},
            start_new_session=True,
        )
        try:
            _await(f"http://127.0.0.1:{port}/health", process, folder / "server.log")
            yield LabelStudio(f"http://127.0.0.1:{port}")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_ATTEMPTS):
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.25)
            break
    raise AssertionError(log.read_text("utf-8", "replace")[-2000:])


def as_a_browser_saves(
    result: list[dict[str, Any]], text: str, *, utf16: bool
) -> list[dict[str, Any]]:
    r"""What Label Studio's page makes of regions that an annotator marks.

    As release 1.23 saves them: the words as the browser shows them, without the spaces around a
    line, every ``\n`` and ``\r`` as a backslash and an ``n``. Older pages counted UTF-16 units.
    """
    saved = []
    for item in result:
        value = dict(item.get("value") or {})
        if "start" in value:
            words = text[value["start"] : value["end"]]
            words = re.sub(r"[ \t]+(?=[\n\r]|$)", "", words)
            value["text"] = re.sub(r"[\n\r]", r"\\n", words)
            for key in ("start", "end") if utf16 else ():
                value[key] = len(text[: value[key]].encode("utf-16-le")) // 2
        saved.append({**item, "value": value} if value else item)
    return saved
