"""The engines: processes of this machine, of which one reads; or a Ray cluster, which scores."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice
from multiprocessing import parent_process, resource_tracker
from multiprocessing.context import SpawnContext
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from framescope.classifier import SHIPPED, __version__
from framescope.classifier.batch import stages
from framescope.classifier.batch.folder import RunError, RunFolder, RunProgress
from framescope.classifier.batch.stages import Counts, Item, Job, RecordError, Setup, Shard, Stages
from framescope.classifier.errors import FramescopeError, InputError, StoppedError, need
from framescope.classifier.inputs import InputOptions, RawRecord, has_changed
from framescope.classifier.records import Origin, counted
from pebble import ProcessExpired, ProcessPool

_TICK = 0.25  # seconds between two looks at signals
_LAST = 30.0  # seconds for what Ray still does after an interruption
_AHEAD = 2  # shards for each process, of which it scores one
_TRIES = 3  # to start a process
_GRACE = 5.0  # seconds over a limit that a process keeps by itself, before it is killed
_TOGETHER = 5  # times an article's limit, for articles that are scored together
_BYTES = 1_000_000  # of a shard, for which its limit is that of one more article
_PASSED = 0.001  # seconds to pass by a record that was read before
_CALL_BYTES, _CALL_SECONDS = 8_000_000, 0.2  # of records that are read in one call
_STOPPING = (signal.SIGINT, signal.SIGTERM)
_ENVIRONMENT = dict.fromkeys(("FRAMESCOPE_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"), "1")
_STORE = 1_000_000_000  # bytes of shards and results on their way
_ONE_BY_ONE: dict[str, Any] = {"batch_size": None, "batch_format": "numpy"}
_Row = Mapping[str, Sequence[bytes]]  # a pickled object, in the column "row"
Payload = tuple[Setup, Mapping[str, bytes], str]  # with the user's files, and the version
Commit = Callable[[Shard, Path, Counts], None]  # takes the folder of a shard's files
Failed = Mapping[int, RecordError] | None  # why records can't be scored, by their place in a shard
Result = Counts | RecordError
Tell = Callable[[str], None]
_T = TypeVar("_T")


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM during a block, in place of the errors that they raise."""
    received: list[int] = []
    before = [signal.signal(n, lambda number, _: received.append(number)) for n in _STOPPING]
    try:
        yield received
    finally:
        for number, handler in zip(_STOPPING, before, strict=True):
            signal.signal(number, handler)


class LocalEngine:
    """Processes on this machine, each with a thread that waits for it."""

    def __init__(self, job: Job, folder: RunFolder, progress: RunProgress) -> None:
        self.job, self.folder, self.progress = job, folder, progress
        cores = getattr(os, "sched_getaffinity", None)
        workers = job.workers or (len(cores(0)) if cores else os.cpu_count() or 1)
        self._most = _AHEAD * workers
        self._processes = [WorkerProcess(begin_scoring, job.setup) for _ in range(workers)]
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        for process in self._processes:
            self._idle.put(process)
        options = InputOptions(dict(job.columns), job.allow_private)
        self._reader = WorkerProcess(begin_reading, options)
        self._processes.append(self._reader)
        self._threads = ThreadPoolExecutor(workers + 1, "framescope-wait")

    def start(self) -> stages.Loaded:
        """Start the processes that score; return what they load, or raise `FramescopeError`."""
        loading = [
            self._threads.submit(self._in_process, lambda process: process.call(loaded))
            for _ in self._processes[:-1]
        ]
        first: stages.Loaded = wait(loading, return_when=FIRST_COMPLETED).done.pop().result()
        return first

    def run(self, plans: Sequence[stages.Plan], commit: Commit) -> None:
        """Score the shards of some plans."""
        seconds, tell = self.job.setup.max_seconds, self.job.tell
        shards = chain.from_iterable(split_safely(self._reader, p, seconds, tell) for p in plans)
        reading: Future[Any] | None = self._threads.submit(next, shards, None)
        scoring: dict[Future[Any], Shard] = {}
        told = False
        with stop_signals() as stops:
            while reading or scoring:
                if stops:
                    reading = None
                    for waiting in [one for one in scoring if one.cancel()]:
                        del scoring[waiting]
                    if len(stops) > 1 or not scoring:
                        break
                    if not told:
                        told = True
                        tell("finishing what is being scored; Ctrl-C again stops at once")
                ready = {reading} if reading and len(scoring) < self._most else set()
                ended = wait(scoring.keys() | ready, _TICK, FIRST_COMPLETED).done
                for future in ended - ready:
                    commit(scoring.pop(future), *future.result())
                if reading in ended:
                    shard = reading.result()
                    reading = None if shard is None else self._threads.submit(next, shards, None)
                    if shard is not None:
                        scoring[self._threads.submit(self._score, shard)] = shard
                self.progress.update()
        if stops:
            raise StoppedError("interrupted", 128 + stops[0])

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.stop()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            process.close()

    def _score(self, shard: Shard) -> tuple[Path, Counts]:
        draft = self.folder.draft(shard.start.shard)
        seconds = self.job.setup.max_seconds
        return draft, self._in_process(lambda one: score_safely(one, shard, draft, seconds))

    def _in_process(self, function: Callable[[WorkerProcess], _T]) -> _T:
        process = self._idle.get()
        try:
            return function(process)
        finally:
            self._idle.put(process)


class WorkerProcess:
    """A process that runs one function at a time, `initializer` first; replaced when it dies."""

    def __init__(self, initializer: Callable[..., None], *arguments: object) -> None:
        self._arguments = initializer, *arguments
        self._context = _Context()
        self._pool: ProcessPool | None = None
        self._future: Future[Any] = Future()
        self._stopped = False

    def call(self, function: Callable[..., _T], *given: object, timeout: float | None = None) -> _T:
        """Return a function's result; raises `ProcessExpired`, `TimeoutError` or `RunError`."""
        for _ in range(_TRIES):
            if self._stopped:
                raise CancelledError
            try:
                self._pool = self._pool or self._start()
                self._future = self._pool.schedule(function, given, timeout=timeout)
            except RuntimeError:  # the process died between two calls
                self.close()
                continue
            if self._stopped:
                self._future.cancel()
            try:
                return self._future.result()  # type: ignore[no-any-return]
            except BrokenProcessPool:  # it died while it started
                self.close()
        raise RunError("a process ended while it started; is there memory for it? try --workers 1")

    def _start(self) -> ProcessPool:
        resource_tracker.ensure_running()  # which lets signals through when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # the process inherits it
        try:
            pool = ProcessPool(1, 0, _initialize, self._arguments, self._context)
            assert pool.active  # which starts it
            return pool
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop(self) -> None:
        """Let the call that is made end at once, and allow no other."""
        self._stopped = True
        self._future.cancel()
        if self._pool is not None:
            self._pool.stop()

    def close(self) -> None:
        """End the process."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            self._context.kill()  # before it finds what it starts with gone, and complains
            pool.join()


class _Context(SpawnContext):
    """Spawns processes (a forked one lacks its libraries' threads), and kills them."""

    _children: Sequence[Any] = ()

    def Process(self, *given: Any, **named: Any) -> Any:  # type: ignore[override]  # noqa: N802
        child = super().Process(*given, **named)
        self._children = [child, *(one for one in self._children if one.is_alive())]
        return child

    def kill(self) -> None:
        for child in self._children:
            if child.is_alive():
                child.kill()


def _initialize(initializer: Callable[..., None], *arguments: object) -> None:
    """Begin in the process, which ends with its parent."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(_ENVIRONMENT)  # as many processes as cores, and none waits for another
    gc.set_threshold(50_000)
    initializer(*arguments)
    gc.freeze()  # what was loaded is not looked through again


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


_options: InputOptions
_lines: list[str] = []
_taken = _place = 0  # bytes that were read, and records
_open: tuple[str, Iterator[Item]] | None = None


def begin_reading(options: InputOptions) -> None:
    """Prepare a process for `read_some`."""
    global _options, _open

    def take(count: int) -> None:
        global _taken
        _taken += count

    _options, _open = replace(options, tell=_lines.append, taken=take), None


def read_some(name: str, record: int, most: int | None) -> tuple[list[tuple[Item, int]], list[str]]:
    """Read the next records, at most so many, each with the bytes up to there; and messages."""
    global _open, _taken, _place
    if _open is None or _open[0] != name or _place > record:
        _open, _taken, _place = (name, stages.read_items(name, _options)), 0, 0
    for _ in islice(_open[1], record - _place):
        pass
    found: list[tuple[Item, int]] = []
    size, until = 0, time.monotonic() + _CALL_SECONDS
    for item in islice(_open[1], most):
        found.append((item, _taken))
        size += item.size
        if size >= _CALL_BYTES or time.monotonic() > until:
            break
    _place = record + len(found)
    if not found:
        _open = None
    lines, _lines[:] = list(_lines), []
    return found, lines


def split_safely(
    process: WorkerProcess, plan: stages.Plan, max_seconds: float, tell: Tell
) -> Iterator[Shard]:
    """Split files into shards; one on which the process hangs, or dies twice, ends in an error."""
    files, start = plan.files, plan.start

    def steps() -> Iterator[stages.Step]:
        before = sum(one.size or 0 for one in files[: start.file])
        for number, file in enumerate(files[start.file :], start=start.file):
            record = max(file.begin, start.record if number == start.file else 0)
            alone, died, found = False, False, None
            behind = before + (file.size or 0)
            while found != [] and record != file.end:
                limit = max_seconds + _PASSED * record + _GRACE
                most = 1 if alone else file.end and file.end - record
                since = f" after {counted(record, 'record', ',')}" if record else ""
                try:
                    found, lines = process.call(read_some, file.name, record, most, timeout=limit)
                except (ProcessExpired, TimeoutError) as error:
                    if alone:  # so it is this record
                        reason = f"what follows{since} {_how(error)}; mend the file, or divide it"
                        bad = stages.ReadError(Origin(file.name), reason)
                        yield bad, number, number + 1, 0, behind
                        break
                    alone, died = died or not isinstance(error, ProcessExpired), True
                    continue
                for line in lines:
                    tell(line)
                if found and has_changed(file):  # what was read before is as it was listed
                    how = "--add a copy of it" if since else "read it with --retry-failed"
                    reason = f"changed or went while the run read; not read{since}: {how}"
                    tell(f"{file.name}: {reason}")
                    bad = stages.ReadError(Origin(file.name), reason, stage="changed")
                    yield bad, number, number + 1, 0, behind
                    break
                for item, read in found:
                    record += 1
                    read = read if file.size is None else min(read, file.size)
                    yield item, number, number, record, before + read
            before = behind
        yield None, len(files), len(files), 0, before

    return (stages.group_again if plan.again else stages.group_shards)(steps(), plan)


def _how(error: Exception) -> str:
    if not isinstance(error, ProcessExpired):
        return "took too long"
    code = error.exitcode
    how = f"signal {-code}, {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return f"ended the process ({how})"


_loaded: Stages | FramescopeError


def begin_scoring(setup: Setup) -> None:
    """Load in a process what scores; `loaded` raises the error of a failure."""
    global _loaded
    from framescope.classifier.runtime import begin

    begin(setup.model or "transformer")
    try:
        _loaded = Stages(setup)
    except FramescopeError as error:
        _loaded = error


def loaded() -> stages.Loaded:
    """Return what the process has loaded."""
    return _stages().loaded


def _stages() -> Stages:
    if isinstance(_loaded, FramescopeError):
        raise _loaded
    return _loaded


def score_shard(shard: Shard, draft: Path | None, failed: Failed, alone: bool) -> Result:
    """Score a shard in the process and write its files; return what is in it, or why not."""
    try:
        tables, counts = _stages().run(shard, failed, alone=alone)
        files = _stages().files(tables)
    except Exception as error:  # of a row that no table can hold, say
        return stages.defect("written", error)
    if draft is not None:
        for name, data in files.items():
            (draft / name).write_bytes(data)
    return counts


def score_safely(process: WorkerProcess, shard: Shard, draft: Path, max_seconds: float) -> Counts:
    """Score a shard, whatever its records do to the process; those that it fails on are errors."""

    def score(
        items: tuple[Item, ...], to: Path | None = draft, failed: Failed = None, alone: bool = False
    ) -> Result:
        articles = len(items) if alone else _TOGETHER
        limit = max_seconds * (articles + sum(one.size for one in items) / _BYTES) + _GRACE
        given = replace(shard, items=items), to, failed, alone
        try:
            return process.call(score_shard, *given, timeout=limit)
        except ProcessExpired as error:
            return RecordError("crash", _how(error))
        except TimeoutError:
            reason = f"took longer than {max_seconds:g} s; raise --max-seconds, or divide it"
            return RecordError("time", reason)

    found = score(shard.items)
    if isinstance(found, RecordError) and found.stage == "crash":  # killed from outside, perhaps
        found = score(shard.items)
    if isinstance(found, RecordError):  # again: one by one
        tried = ((at, score((item,), None, alone=True)) for at, item in enumerate(shard.items))
        failed = {at: error for at, error in tried if isinstance(error, RecordError)}
        found = score(shard.items, failed=failed, alone=True)
    if isinstance(found, RecordError):
        raise RunError(f"shard {shard.start.shard}: {found.reason}; try fewer --workers")
    return found


class RayEngine:
    """Actors of Ray Data, each with a process that scores; methods as in `LocalEngine`."""

    def __init__(self, job: Job, folder: RunFolder, progress: RunProgress) -> None:
        self.job, self.folder, self.progress = job, folder, progress
        self._loaded: stages.Loaded | None = None

    def start(self) -> stages.Loaded:
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
        with closing(WorkerProcess(begin_scoring, self.job.setup)) as process:
            self._loaded = process.call(loaded)
        return self._loaded

    def run(self, plans: Sequence[stages.Plan], commit: Commit) -> None:
        """Score the shards of some plans."""
        written = set[int]()
        with closing(self._rows(plans)) as rows:
            for row in rows:
                shard, lines, counts, tables = _content(row)
                with stop_signals() as stops:
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

            # A thread of Ray Data that asks a cluster which is gone would end this process.
            for thread in threading.enumerate():
                if thread.name.startswith("StreamingExecutor-"):
                    thread.join(_LAST)
            ray.shutdown()

    def _rows(self, plans: Sequence[stages.Plan]) -> Generator[_Row, None, None]:
        import ray

        job = self.job
        options = InputOptions(dict(job.columns), job.allow_private)
        task = Path.cwd(), plans, options, job.setup.max_seconds
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
    from framescope.classifier import bundles

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

    def __init__(self, payload: Payload, expected: stages.Loaded) -> None:
        self._payload, self._expected = payload, expected
        self._folder = TemporaryDirectory(prefix="framescope-")
        self._process: WorkerProcess | None = None

    def __call__(self, row: _Row) -> _Row:
        """Return a shard without its records, with lines for the user, counts, and files."""
        shard, lines = _content(row)
        if self._process is None:
            setup = unpack(self._payload, Path(self._folder.name))
            self._process = WorkerProcess(begin_scoring, setup)
            both = self._process.call(loaded), self._expected
            there, here = (one["model"]["runtime"] for one in both)
            if there != here:
                lines.append(f"{there} runs the model on a node, {here} here: rounding may differ")
        with TemporaryDirectory(dir=self._folder.name) as draft:
            seconds = self._payload[0].max_seconds
            counts = score_safely(self._process, shard, Path(draft), seconds)
            files = {one.name: one.read_bytes() for one in Path(draft).iterdir()}
        return _row(replace(shard, items=()), lines, counts, files)


def _read(row: _Row) -> Iterator[_Row]:
    directory, plans, options, max_seconds = _content(row)
    os.chdir(directory)
    lines: list[str] = []
    with closing(WorkerProcess(begin_reading, options)) as process:
        for plan in plans:
            for shard in split_safely(process, plan, max_seconds, lines.append):
                yield _row(replace(shard, items=tuple(map(_held, shard.items))), lines[:])
                lines.clear()


def _held(item: Item) -> Item:
    try:
        return item.held() if isinstance(item, RawRecord) else item
    except InputError as error:
        return stages.ReadError(item.origin, error.reason, item.size, error.stage)


def _row(*content: Any) -> _Row:
    return {"row": [pickle.dumps(content)]}


def _content(row: _Row) -> Any:
    return pickle.loads(row["row"][0])
