"""A stand-in for a hub of models: answers from memory what huggingface_hub asks."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_RESOLVE = re.compile(r"/(?P<repo>[\w.-]+/[\w.-]+)/resolve/(?P<rev>[^/]+)/(?P<file>[^?]+)")
_API = re.compile(r"/api/models/(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<what>\w+)/(?P<rev>[^?]+))?")


class Hub:
    """Repositories: of each its commits, the newest last, and of each commit its files."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}
        self.private: dict[str, bool] = {}
        self.asked: list[str] = []
        self.address = ""

    def revision(self, repo: str, name: str) -> str | None:
        """The commit that a revision means: main is the newest."""
        commits = self.commits.get(repo)
        if not commits:
            return None
        return list(commits)[-1] if name == "main" else name if name in commits else None

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Add a commit, and give its name: forty hexadecimal digits."""
        commits = self.commits.setdefault(repo, {})
        before = commits[list(commits)[-1]] if commits else {}
        whole = {**before, **files}
        said = json.dumps({n: hashlib.sha256(b).hexdigest() for n, b in sorted(whole.items())})
        name = hashlib.sha1(f"{len(commits)} {said}".encode()).hexdigest()
        commits[name] = whole
        return name


@contextmanager
def running() -> Iterator[Hub]:
    """Answer on some port of this machine while the block lasts."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def answer_json(self, record: Any, status: int = 200) -> None:
            self.answer(status, json.dumps(record).encode(), Content_Type="application/json")

        def missing(self, code: str) -> None:
            self.answer(404, b'{"error": "not there"}', X_Error_Code=code)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            if (found := _RESOLVE.match(self.path)) is None:
                self.of_repository()
                return
            if found["repo"] not in hub.commits:
                self.missing("RepoNotFound")
                return
            commit = hub.revision(found["repo"], found["rev"])
            if commit is None:
                self.missing("RevisionNotFound")
                return
            data = hub.commits[found["repo"]][commit].get(found["file"])
            if data is None:
                self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit)
                return
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            self.answer(
                200, data, ETag=etag, X_Repo_Commit=commit, Content_Length=str(len(data)),
                Accept_Ranges="bytes",
            )  # fmt: skip

        def of_repository(self) -> None:
            found = _API.match(self.path)
            if found is None or found["repo"] not in hub.commits:
                self.missing("RepoNotFound")
                return
            repo = found["repo"]
            commit = hub.revision(repo, "main")
            files = hub.commits[repo].get(commit or "", {})
            self.answer_json(
                {"id": repo, "modelId": repo, "sha": commit, "private": hub.private[repo],
                 "siblings": [{"rfilename": name} for name in files], "tags": []}
            )  # fmt: skip

        def do_POST(self) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                repo = f"{asked['organization']}/{asked['name']}"
                new = repo not in hub.commits
                if new:
                    hub.commits[repo] = {}
                    private = asked.get("private") or asked.get("visibility") == "private"
                    hub.private[repo] = bool(private)
                self.answer_json({"url": f"{hub.address}/{repo}", "name": repo},
                                 200 if new else 409)  # fmt: skip
                return
            if self.path == "/api/validate-yaml":
                self.answer_json({"errors": [], "warnings": []})
                return
            found = _API.match(self.path)
            if found is None or found["repo"] not in hub.commits:
                self.missing("RepoNotFound")
            elif found["what"] == "preupload":
                files = json.loads(body)["files"]
                self.answer_json({"files": [
                    {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False,
                     "oid": None} for one in files
                ]})  # fmt: skip
            elif found["what"] == "commit":
                lines = [json.loads(line) for line in body.splitlines()]
                added = {
                    one["value"]["path"]: base64.b64decode(one["value"]["content"])
                    for one in lines
                    if one["key"] == "file"
                }
                name = hub.commit(found["repo"], added)
                self.answer_json({
                    "success": True, "commitOid": name,
                    "commitUrl": f"{hub.address}/{found['repo']}/commit/{name}",
                })  # fmt: skip
            else:
                self.missing("EntryNotFound")

    return Handler
