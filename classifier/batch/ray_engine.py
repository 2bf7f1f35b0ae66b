"""The engine of a Ray cluster: its nodes score; the machine that starts the run does the rest."""

import logging
import os
import pickle
import re
import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framescope.classifier import SHIPPED, __version__, bundles
from framescope.classifier.batch import local
from framescope.classifier.batch.folder import RunError, RunFolder, RunProgress
from framescope.classifier.batch.stages import Item, Job, Loaded, Position, ReadError, Setup
from framescope.classifier.errors import FramescopeError, InputError, StoppedError, need
from framescope.classifier.inputs import InputOptions, ListedFile, RawRecord

_STORE = 1_000_000_000  # bytes of shards and results on their way
_ONE_BY_ONE: dict[str, Any] = {"batch_size": None, "batch_format": "numpy"}
_Row = Mapping[str, Sequence[bytes]]  # a pickled object, in the column "row"
Payload = tuple[Setup, Mapping[str, bytes], str]  # with the user's files, and the version


class RayEngine:
    """Actors of Ray Data, each with a process that scores; methods as in `LocalEngine`."""

    def __init__(self, job: Job, folder: RunFolder, progress: RunProgress) -> None:
        self.job, self.folder, self.progress = job, folder, progress
        self._loaded: Loaded | None = None

    def start(self) -> Loaded:
        """Join the cluster, and load here what its nodes load later."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        need("ray.data", "--engine ray needs", "batch,ray")
        import ray

        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        address = self.job.address
        given: dict[str, Any] = {"address": address}
        if address is None:
            given = {"address": "local", "num_cpus": self.job.workers, "include_dashboard": False}
            given |= {"object_store_memory": _STORE, "_node_ip_address": "127.0.0.1"}
        try:
            if address not in (None, "auto"):  # Ray itself would try for minutes
                host, _, port = str(address).rpartition(":")
                if not host or not port.isdecimal() or "/" in host:
                    raise ValueError("it is no HOST:PORT")
                socket.create_connection((host.strip("[]"), int(port)), 20.0).close()
            ray.init(**given, log_to_driver=False, logging_level="CRITICAL")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            remedy = "start one with `ray start --head`, and run this on one of its machines"
            reason = f"no Ray cluster answers ({error}); {remedy}"
            raise FramescopeError(f"--address {address}: {reason}") from None
        with closing(local.WorkerProcess(local.begin_scoring, self.job.setup)) as process:
            self._loaded = process.call(local.loaded)
        return self._loaded

    def run(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: local.Commit
    ) -> None:
        """Score the shards of the files from a place on, except those that are done."""
        written = set(done)
        with closing(self._rows(files, start, done)) as rows:
            for row in rows:
                shard, lines, counts, tables = _content(row)
                with local.stop_signals() as stops:
                    for line in lines:
                        self.job.tell(line)
                    if shard.start.shard not in written:  # after a node was lost one comes twice
                        written.add(shard.start.shard)
                        draft = self.folder.draft(shard.start.shard)
                        for name, data in tables.items():
                            (draft / name).write_bytes(data)
                        commit(shard, draft, counts)
                if stops:
                    raise StoppedError("interrupted", 128 + stops[0])
                self.progress.update()

    def close(self) -> None:
        """Leave the cluster; one that was started for the run ends."""
        with suppress(ModuleNotFoundError):
            import ray

            ray.shutdown()

    def _rows(
        self, files: Sequence[ListedFile], start: Position, done: set[int]
    ) -> Generator[_Row, None, None]:
        import ray

        job = self.job
        options = InputOptions(dict(job.columns), job.allow_private)
        task = Path.cwd(), list(files), options, job.setup.max_seconds, start, done
        try:
            workers = job.workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
            here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
            dataset = ray.data.from_items([{"row": pickle.dumps(task)}])
            dataset = dataset.map_batches(_read, num_cpus=0, label_selector=here, **_ONE_BY_ONE)
            actors = ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2)
            dataset = dataset.map_batches(
                ShardScorer, fn_constructor_args=(pack(job.setup), self._loaded), num_cpus=1,
                compute=actors, **_ONE_BY_ONE,
            )  # fmt: skip
            dataset.context.target_max_block_size = 1  # a row a block, as soon as it is there
            dataset.context.enable_progress_bars = dataset.context.print_on_execution_start = False
            yield from dataset.iter_batches(prefetch_batches=0, **_ONE_BY_ONE)
        except Exception as error:  # Ray has many, with the traceback of what a node raised
            raised = re.search(r"^[\w.]*(?:Error|Exception): (.*)", str(error), re.MULTILINE)
            raise RunError(f"the cluster fails ({raised[1] if raised else error})") from None


def pack(setup: Setup) -> Payload:
    """Gather what nodes need; the models that ship they have."""
    files, bundle = {}, bundles.resolve(setup.model or bundles.DEFAULT)
    if bundle.resolve().parent != SHIPPED.resolve():
        files = {f"model/{one.name}": one.read_bytes() for one in bundle.iterdir() if one.is_file()}
    if setup.sources is not None:
        files[Path(setup.sources).name] = Path(setup.sources).read_bytes()
    return setup, files, __version__


def unpack(payload: Payload, folder: Path) -> Setup:
    """Write the files into a folder of a node; raises `FramescopeError` for another version."""
    setup, files, version = payload
    if version != __version__:
        reason = f"the cluster has framescope {__version__}, this machine {version}"
        raise FramescopeError(f"{reason}; install the same on all")
    (folder / "model").mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    model = str(folder / "model") if any((folder / "model").iterdir()) else setup.model
    own = setup.sources and str(folder / Path(setup.sources).name)
    return replace(setup, model=model, sources=own)


class ShardScorer:
    """Scores shards on a node, in a process of its own; an actor."""

    def __init__(self, payload: Payload, expected: Loaded) -> None:
        self._payload, self._expected = payload, expected
        self._folder = TemporaryDirectory(prefix="framescope-")
        self._process: local.WorkerProcess | None = None

    def __call__(self, row: _Row) -> _Row:
        """Return a shard without its records, with lines for the user, counts, and files."""
        shard, lines = _content(row)
        if self._process is None:
            setup = unpack(self._payload, Path(self._folder.name))
            self._process = local.WorkerProcess(local.begin_scoring, setup)
            loaded = self._process.call(local.loaded), self._expected
            there, here = (one["model"]["runtime"] for one in loaded)
            if there != here:
                lines.append(f"{there} runs the model on a node, {here} here: rounding may differ")
        with TemporaryDirectory(dir=self._folder.name) as draft:
            seconds = self._payload[0].max_seconds
            counts = local.score_safely(self._process, shard, Path(draft), seconds)
            files = {one.name: one.read_bytes() for one in Path(draft).iterdir()}
        return _row(replace(shard, items=()), lines, counts, files)


def _read(row: _Row) -> Iterator[_Row]:
    directory, files, options, max_seconds, start, done = _content(row)
    os.chdir(directory)
    lines: list[str] = []
    with closing(local.WorkerProcess(local.begin_reading, options)) as process:
        for shard in local.split_safely(process, files, start, max_seconds, lines.append):
            if shard.start.shard not in done:
                yield _row(replace(shard, items=tuple(map(_held, shard.items))), lines[:])
                lines.clear()


def _held(item: Item) -> Item:
    try:
        return item.held() if isinstance(item, RawRecord) else item
    except InputError as error:
        return ReadError(item.origin, error.reason, item.size)


def _row(*content: Any) -> _Row:
    return {"row": [pickle.dumps(content)]}


def _content(row: _Row) -> Any:
    return pickle.loads(row["row"][0])
