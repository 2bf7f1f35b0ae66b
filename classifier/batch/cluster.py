"""Shards scored on a Ray cluster: Ray Data takes them to its nodes, and what comes of them back.

The machine that began the run cuts its inputs, reads the files that are its own, and writes the
run; nodes score, and read nothing but addresses. The record of what is done is the run's folder: a
shard that a node takes along is scored again, and one that comes twice is written once.
"""

from __future__ import annotations

import os
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

from framescope.classifier.batch.engine import Commit, heeding
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.nodes import (
    Kit,
    Scored,
    Sent,
    ShardScorer,
    ShardSource,
    Switch,
    content,
    load,
)
from framescope.classifier.batch.progress import RunProgress
from framescope.classifier.batch.shards import Position
from framescope.classifier.batch.stages import Loaded, Setup
from framescope.classifier.errors import FramescopeError, StoppedError, how_to_install
from framescope.classifier.inputs import InputOptions, ListedFile

_TICK = 0.25  # seconds between two looks at what was asked, and at what hangs
_PATIENCE = 20.0  # seconds without a node, after which that is told
_TRIES = (
    3  # of what fails where nothing comes of it, and of a shard that no record can be blamed for
)
_AHEAD = 2  # shards that an actor has at once, of which it scores one
_STORE = 1_000_000_000  # bytes of shards and results on their way, where Ray is begun for the run
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


class RayEngine:
    """Actors on the nodes of a Ray cluster, each with a process that scores; see `batch.engine`.

    Parameters
    ----------
    folder : RunFolder
    setup : Setup
    options : InputOptions
    workers : int or None
        Actors; None for as many as the cluster has processors.
    progress : RunProgress
    address : str or None
        ``HOST:PORT`` of a cluster that this machine is part of; None for one on this machine, for
        as long as the run takes.
    """

    def __init__(
        self,
        folder: RunFolder,
        setup: Setup,
        options: InputOptions,
        workers: int | None,
        progress: RunProgress,
        address: str | None,
    ) -> None:
        self.folder, self.setup, self.options = folder, setup, options
        self.workers, self.progress, self.address = workers, progress, address
        self._stops: list[int] = []  # signals that asked it to stop
        self._loaded: Loaded | None = None
        self._kit: Any = None
        self._switch: Any = None
        self._scratch: Path | None = None
        self._ours = False
        self._over = False
        self._told: set[str] = set()

    def start(self) -> Loaded:
        """Join the cluster, and load on a node what scores; see `Engine.start`."""
        kit = Kit.of(self.setup)
        ray = self._joined()
        self._kit = ray.put(kit)
        self._switch = ray.remote(num_cpus=0, **_here())(Switch).remote()
        loading = ray.remote(num_cpus=1, max_calls=1)(load).remote(self._kit)
        waited = 0.0
        with heeding(self._stops):
            while not ray.wait([loading], timeout=_TICK)[0]:
                waited += _TICK
                if self._stops:
                    raise StoppedError("interrupted while it began", 128 + self._stops[0])
                if waited > _PATIENCE:
                    self._tell_once("waiting for a processor of the cluster")
        try:
            found = ray.get(loading)
        except ray.exceptions.RayError as error:
            reason = _line(error)
            if "No module named" in reason:
                reason += f"; install framescope on all its nodes: {how_to_install('batch,ray')}"
            raise FramescopeError(f"the cluster fails ({reason})") from None
        if isinstance(found, str):
            raise FramescopeError(found)
        self._loaded = found
        there = int(ray.cluster_resources().get("CPU", 1))
        self.workers = self.workers or max(there, 1)
        if self.workers > there:
            lacking = f"{self.workers:,} workers need as many processors, and it has {there:,}"
            self._tell_once(f"the cluster is small: {lacking}; the rest wait for more")
        return self._loaded

    def run(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: Commit
    ) -> None:
        """Score shards; see `Engine.run`."""
        done, tries = set(done), 0
        with heeding(self._stops):
            while True:
                before = len(done)
                end, why = self._round(files, start, done, commit)
                if self._stops:
                    raise StoppedError("interrupted", 128 + self._stops[0])
                if end is not None and all(n in done for n in range(start.shard, end)):
                    return
                tries = tries + 1 if len(done) == before else 0
                if tries >= _TRIES:
                    raise RunError(why or "the cluster loses what it scores")

    def close(self) -> None:
        """Leave the cluster, and end it where it was begun for the run."""
        self._over = True
        if self._switch is not None:
            self._switch.stop.remote()
        if self._ours:
            import ray

            ray.shutdown()
        if self._scratch is not None:
            rmtree(self._scratch, ignore_errors=True)

    # --- the cluster ------------------------------------------------------------------------------

    def _joined(self) -> Any:
        """Connect to the cluster, or begin one; raises `FramescopeError`."""
        ray = _need_ray()
        if ray.is_initialized():
            return ray
        given: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address is None:
            # The paths of Ray's sockets must be short.
            self._scratch = Path(tempfile.mkdtemp(prefix="framescope-"))
            given |= {
                "address": "local",
                "num_cpus": self.workers,
                "include_dashboard": False,
                "object_store_memory": _STORE,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(self._scratch),
            }
        else:
            given["address"] = self.address
        try:
            if self.address not in {None, "auto"}:
                _knock(str(self.address))  # Ray itself would try for minutes
            with _muted():
                ray.init(**given)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            self.close()
            if self.address is None:
                raise FramescopeError(f"Ray does not start ({_line(error)})") from None
            reason = f"no Ray cluster answers ({_line(error)})"
            remedy = "begin one with `ray start --head`, and run this on one of its machines"
            raise FramescopeError(f"--address {self.address}: {reason}; {remedy}") from None
        self._ours = True
        return ray

    def _round(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: Commit
    ) -> tuple[int | None, str | None]:
        """Have what isn't done scored; give where the shards end, and why that isn't known."""
        rows: queue.Queue[Sent | Exception | None] = queue.Queue(2)
        dataset = self._dataset(files, start, done)
        threading.Thread(target=self._taken, args=(dataset, rows), daemon=True).start()
        end = None
        while True:
            if self._stops:
                if len(self._stops) > 1:
                    return None, None
                if "stop" not in self._told:
                    self._told.add("stop")
                    self._switch.stop.remote()
                    self.progress.tell("finishing what is being scored; Ctrl-C again stops at once")
            try:
                row = rows.get(timeout=_TICK)
            except queue.Empty:
                self.progress.update()
                continue
            if row is None:
                return end, None
            if isinstance(row, Exception):
                return None, f"the cluster fails ({_line(row)})"
            kind, what = content(row)
            if kind == "end":
                end = what
            elif kind == "tell":
                self._tell_once(what)
            elif kind == "refused":
                raise RunError(what)
            elif kind == "scored" and what.shard.start.shard not in done:
                self._received(what, commit)
                done.add(what.shard.start.shard)
            self.progress.update()

    def _dataset(self, files: Sequence[ListedFile], start: Position, done: set[int]) -> Any:
        """Give the stages as Ray Data has them: one task that cuts, and actors that score."""
        import ray.data

        shards = ShardSource(
            folder=Path.cwd(),
            files=ray.put(list(files)),
            columns=dict(self.options.columns),
            allow_private=self.options.allow_private,
            max_seconds=self.setup.max_seconds,
            start=start,
            done=frozenset(done),
            switch=self._switch,
        )
        # Of different needs, the two are not made one task.
        dataset = ray.data.from_items([{"run": 0}]).map_batches(
            shards, batch_size=None, batch_format="numpy", num_cpus=0, **_here()
        )
        dataset = dataset.map_batches(
            ShardScorer,
            fn_constructor_args=(self._kit, self._switch, self._loaded),
            batch_size=None,
            batch_format="numpy",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(
                size=self.workers, max_tasks_in_flight_per_actor=_AHEAD
            ),
        )
        dataset.context.target_max_block_size = 1  # a row a block, as soon as it is there
        dataset.context.print_on_execution_start = False
        dataset.context.enable_progress_bars = False
        return dataset

    def _taken(self, dataset: Any, rows: queue.Queue[Any]) -> None:
        """Hand on what comes of the dataset, in a thread: a signal must not wait for it."""

        def put(row: Sent | Exception | None) -> bool:
            while not self._over:
                try:
                    rows.put(row, timeout=_TICK)
                    return True
                except queue.Full:
                    continue
            return False

        try:
            batches = dataset.iter_batches(
                batch_size=None, batch_format="numpy", prefetch_batches=0
            )
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except Exception as error:
            put(error)

    def _received(self, scored: Scored, commit: Commit) -> None:
        """Write a shard."""
        assert self._loaded is not None
        if scored.runtime != self._loaded.runtime:
            other = f"{scored.runtime} runs the model on some nodes"
            self._tell_once(f"{other}, {self._loaded.runtime} on others: rounding may differ")
        draft = self.folder.draft(scored.shard.start.shard)
        for name, data in scored.files.items():
            (draft / name).write_bytes(data)
        commit(scored.shard, draft, scored.counts)

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self.progress.tell(line)


def _knock(address: str) -> None:
    """See that something answers; raises an `OSError` or `ValueError` that says why not."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise ValueError("it is no HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()


@contextmanager
def _muted() -> Iterator[None]:
    """Keep what Ray's own code writes as it begins off the terminal; its errors come as such."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _here() -> dict[str, Any]:
    """Say to Ray that something is to run on this machine."""
    import ray

    return {"label_selector": {"ray.io/node-id": ray.get_runtime_context().get_node_id()}}


def _need_ray() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        reason = f"--engine ray needs Ray; type: {how_to_install('batch,ray')}"
        raise FramescopeError(reason) from None
    import logging

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return ray


def _line(error: BaseException) -> str:
    """Give the line of an error that says most: the last of a traceback, else the first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return lines[-1] if any("Traceback" in line for line in lines) else lines[0]
