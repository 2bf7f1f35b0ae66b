"""Annotation tools as servers on this machine, and how a browser saves what is marked in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TOKEN = "0123456789abcdef0123456789abcdef01234567"
EMAIL, PASSWORD = "annotator@example.org", "a-long-password-1"


def program(variable: str, name: str) -> str | None:
    """Where a tool's program is: as a variable says, or in the environment that `make` sets up."""
    given = os.environ.get(variable)
    usual = ROOT / ".venv-annotators" / "bin" / name
    found = given or (str(usual) if usual.is_file() else None)
    return found if found and shutil.which(found) else None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(
    line: list[str], url: str, folder: Path, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers at `url`; it ends, with all that it started."""
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        line,
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(more or {})},
        start_new_session=True,
    )
    try:
        for _ in range(1200):
            try:
                with urllib.request.urlopen(url, timeout=5):
                    break
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                pass
            try:
                process.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError((folder / "server.log").read_text("utf-8", "replace")[-2000:])
        else:
            raise AssertionError("it never answered")
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
        log.close()


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
def label_studio(folder: Path, executable: str) -> Iterator[LabelStudio]:
    """Label Studio with a database of its own and one user, that asks no other machine."""
    port = free_port()
    settings = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "COLLECT_ANALYTICS": "False",
        "LATEST_VERSION_CHECK": "False",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_USERNAME": EMAIL,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "SECRET_KEY": "not-a-secret-of-anybody",
    }
    line = [executable, "start", "--no-browser", "--internal-host", "127.0.0.1"]
    line += ["--port", str(port), "--enable-legacy-api-token"]
    url = f"http://127.0.0.1:{port}"
    with running(line, f"{url}/health", folder, settings):
        yield LabelStudio(url)


def as_a_browser_saves(
    result: list[dict[str, Any]], text: str, *, utf16: bool
) -> list[dict[str, Any]]:
    r"""What Label Studio's frontend makes of regions that an annotator marks.

    As release 1.23 saves them (`docs/annotate.md`): the words as the browser shows them, without
    the spaces around a line, every ``\n`` and ``\r`` as a backslash and an ``n``. Frontends before
    it knew code points counted UTF-16 units.
    """
    saved = []
    for item in result:
        value = dict(item.get("value") or {})
        if "start" in value:
            words = text[value["start"] : value["end"]]
            words = re.sub(r"[ \t]+(?=[\n\r]|$)", "", words)
            value["text"] = re.sub(r"[\n\r]", r"\\n", words)
            if utf16:
                for key in ("start", "end"):
                    value[key] = len(text[: value[key]].encode("utf-16-le")) // 2
        saved.append({**item, "value": value} if value else item)
    return saved


_STANDS = """([root, first, last]) => {
  const at = (words) => {
    const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const start = node.textContent.indexOf(words);
      if (start < 0) continue;
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, start + words.length);
      return range.getBoundingClientRect();
    }
  };
  const [one, other] = [at(first), at(last)];
  return [one.left, (one.top + one.bottom) / 2, other.right, (other.top + other.bottom) / 2];
}"""


def drag(page: Any, root: str, first: str, last: str | None = None) -> None:
    """Select words on a page of Playwright's with the mouse, to the end of `last`."""
    left, top, right, bottom = page.evaluate(_STANDS, [root, first, last or first])
    page.mouse.move(left + 0.5, top)
    page.mouse.down()
    page.mouse.move(right - 5, bottom)
    page.mouse.move(right - 0.5, bottom)
    page.mouse.up()
    page.wait_for_timeout(400)
