"""Shards scored by processes on this machine, and committed as they are done.

Whoever hangs or dies takes nothing along: the record that it was at becomes an error, and the rest
of its shard is scored again.
"""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.processes import IDLE, MODEL, Worker, cut, score
from framescope.classifier.batch.progress import RunProgress
from framescope.classifier.batch.shards import Position, Shard
from framescope.classifier.batch.stages import Failure, Loaded, Setup
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.classifier.inputs import InputOptions, ListedFile

_TICK = 0.25  # seconds between two looks at what hangs
_GRACE = 5.0  # seconds over a limit that a process watches itself, before it is killed
_GROUP = 5.0  # times the limit of an article, for some that the model works on together
_LOADING = 300.0  # seconds
_TRIES = 3  # where a process dies, and no record can be blamed

Commit = Callable[[Shard, Path, Mapping[str, int]], None]
"""Is given a shard, the folder its files are in, and what is in them."""


class Engine(Protocol):
    """What scores shards: processes here, or a cluster."""

    def start(self) -> Loaded:
        """Load what scores. Raises `FramescopeError`."""
        ...

    def run(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: Commit
    ) -> None:
        """Score all shards of the files from a place on, but those that are done.

        Raises
        ------
        StoppedError
            When it was interrupted, or can't go on; what was committed stays.
        """
        ...

    def close(self) -> None:
        """End whatever runs."""
        ...


@dataclass
class _Task:
    """A shard that is being scored: what of it not to try again, and how."""

    shard: Shard
    failed: dict[int, Failure] = field(default_factory=dict)
    alone: bool = False
    deaths: Counter[int] = field(default_factory=Counter)  # by what a process was at
    draft: Path | None = None


class LocalEngine:
    """Processes on this machine: one that cuts, and some that score.

    Parameters
    ----------
    folder : RunFolder
        Where shards are written, as drafts.
    setup : Setup
    options : InputOptions
    workers : int
        Processes that score.
    progress : RunProgress
    """

    def __init__(
        self,
        folder: RunFolder,
        setup: Setup,
        options: InputOptions,
        workers: int,
        progress: RunProgress,
    ) -> None:
        self.folder, self.setup, self.options = folder, setup, options
        self.workers, self.progress = workers, progress
        self._loaded: Loaded | None = None
        self._idle: list[Worker] = []
        self._loading: list[Worker] = []
        self._running: dict[Worker, _Task] = {}
        self._waiting: deque[_Task] = deque()
        self._cutter: Worker | None = None
        self._started: set[Worker] = set()  # and not yet killed, whatever list they are in
        self._lost = 0  # while they loaded
        self._stops: list[int] = []  # signals that asked it to stop

    def start(self) -> Loaded:
        """Start the processes, and wait until one is ready; see `Engine.start`."""
        with heeding(self._stops):
            for _ in range(self.workers):
                self._begin_scorer()
            while self._loaded is None:
                self._look([one.pipe for one in self._loading])
                if self._stops:
                    raise StoppedError("interrupted while it began", 128 + self._stops[0])
        return self._loaded

    def run(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: Commit
    ) -> None:
        """Score shards; see `Engine.run`."""
        source = CutSource(files, self.options, start)
        self._cutter = source.begin()
        told = False
        with heeding(self._stops):
            while self._cutter or self._waiting or self._running:
                if self._stops:
                    if len(self._stops) > 1 or not self._running:
                        break
                    if not told:
                        self.progress.tell(
                            "finishing what is being scored; Ctrl-C again stops at once"
                        )
                        told = True
                else:
                    self._dispatch()
                pipes = [one.pipe for one in (*self._running, *self._loading)]
                if self._cutter and not self._stops and len(self._waiting) < 2 * self.workers:
                    pipes.append(self._cutter.pipe)
                self._look(pipes, source, done, commit)
                self.progress.update()
        if self._stops:
            status = 128 + self._stops[0]
            raise StoppedError("interrupted", status)

    def close(self) -> None:
        """Kill what runs."""
        for one in self._started:  # all at once; then each is waited for
            one.process.kill()
        for one in self._started:
            one.kill()
        self._started.clear()
        if self._cutter is not None:
            self._cutter.kill()
        self._idle, self._loading, self._cutter = [], [], None
        self._running.clear()

    # --- what comes from the processes ------------------------------------------------------------

    def _look(
        self,
        pipes: Sequence[Connection],
        source: CutSource | None = None,
        done: set[int] | None = None,
        commit: Commit | None = None,
    ) -> None:
        """Wait a moment for what processes say, and look whether one hangs."""
        said = set(wait(pipes, _TICK))
        for worker in [one for one in self._loading if one.pipe in said]:
            self._begun(worker)
        for worker in [one for one in self._running if one.pipe in said]:
            assert commit is not None
            self._answered(worker, commit)
        if self._cutter is not None and source is not None:
            assert done is not None
            if self._cutter.pipe in said:
                self._received(source, done)
            if self._cutter and overdue(self._cutter, self.setup.max_seconds):
                self._cutter = source.again(self._cutter, hung=True)
        for worker, task in list(self._running.items()):
            if overdue(worker, self.setup.max_seconds):
                self._failed(worker, task, hung=True)
        for worker in self._loading:
            if worker.board.seconds > _LOADING:
                raise RunError("the model takes minutes to load; is the machine busy?")

    def _begun(self, worker: Worker) -> None:
        try:
            kind, what = worker.pipe.recv()
        except (EOFError, OSError):
            self._lost += 1
            self._end(worker)
            self._loading.remove(worker)
            if self._loaded is not None and self._lost <= _TRIES:
                self._begin_scorer()
                return
            reason = f"a process that scores ended while it began ({exit_of(worker.exitcode)})"
            raise RunError(f"{reason}; is there memory for it? try --workers 1") from None
        if kind == "refused":
            raise FramescopeError(what)
        self._loaded = self._loaded or what
        self._loading.remove(worker)
        self._idle.append(worker)

    def _received(self, source: CutSource, done: set[int]) -> None:
        """Take what the cutter says."""
        assert self._cutter is not None
        try:
            kind, *what = self._cutter.pipe.recv()
        except (EOFError, OSError):
            self._cutter = source.again(self._cutter, hung=False)
            return
        if kind == "tell":
            self.progress.tell(what[0])
        elif kind == "end":
            self._cutter.kill()
            self._cutter = None
        else:
            found: Shard = what[0]
            source.place = found.after
            if found.start.shard not in done:
                self._waiting.append(_Task(found))

    def _answered(self, worker: Worker, commit: Commit) -> None:
        task = self._running[worker]
        try:
            kind, what = worker.pipe.recv()
        except (EOFError, OSError):
            self._failed(worker, task, hung=False)
            return
        if kind == "full":
            raise RunError(f"{what}; free some space")
        assert task.draft is not None
        del self._running[worker]
        self._idle.append(worker)
        if not self._stops:
            self._dispatch()  # it goes on while this is put on the disk
        commit(task.shard, task.draft, what)

    # --- what goes to them ------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            worker, task = self._idle.pop(), self._waiting.popleft()
            task.draft = self.folder.draft(task.shard.start.shard)
            self._running[worker] = task
            worker.board.tell(IDLE)
            try:
                worker.pipe.send((task.draft, task.shard, task.failed, task.alone))
            except OSError:  # it died while it waited
                self._failed(worker, task, hung=False)

    def _failed(self, worker: Worker, task: _Task, *, hung: bool) -> None:
        """Blame the record that a process was at, and score the rest again in another.

        Who dies may have been killed from outside: a record is blamed when the next dies of it too.
        """
        seen = worker.board.at
        self._end(worker)
        del self._running[worker]
        at = worker.board.at[0]
        hung = hung and worker.board.at == seen  # else it went on at the last moment
        task.deaths[at] += 1
        if at >= 0 and (hung or task.deaths[at] > 1):
            task.failed[at] = blame(worker, self.setup.max_seconds, hung=hung)
        elif task.deaths[at] > _TRIES:
            code = exit_of(worker.exitcode)
            reason = f"shard {task.shard.start.shard} can't be scored ({code})"
            raise RunError(f"{self.folder.path}: {reason}; try fewer --workers")
        task.alone = task.alone or at == MODEL
        self._waiting.appendleft(task)
        self._begin_scorer()

    def _begin_scorer(self) -> None:
        worker = Worker.start(score, self.setup)
        self._started.add(worker)
        self._loading.append(worker)

    def _end(self, worker: Worker) -> None:
        worker.kill()
        self._started.discard(worker)


@dataclass
class CutSource:
    """What a cutter cuts: where it would go on if it were begun again, and what it passes by."""

    files: Sequence[ListedFile]
    options: InputOptions
    place: Position
    ends: dict[int, tuple[int, str]] = field(default_factory=dict)
    _deaths: Counter[tuple[int, ...]] = field(default_factory=Counter)

    def begin(self) -> Worker:
        """Begin to cut."""
        options = dict(self.options.columns), self.options.allow_private
        return Worker.start(cut, self.files, *options, self.place, dict(self.ends))

    def again(self, worker: Worker, *, hung: bool) -> Worker:
        """Begin anew where the last shard ended; what it hung on, or died of twice, ends there."""
        seen = worker.board.at
        worker.kill()
        file, record = worker.board.at
        hung = hung and (file, record) == seen  # else it went on at the last moment
        how = exit_of(worker.exitcode)
        died = file, record, self.place.shard
        self._deaths[died] += 1
        if file >= 0 and (hung or self._deaths[died] > 1):
            why = "took too long" if hung else f"ended the process ({how})"
            after = f" after {record:,} records" if record else ""
            self.ends[file] = record, f"what follows{after} {why}; mend the file, or divide it"
        elif self._deaths[died] > _TRIES:
            raise RunError(f"the process that reads inputs ended ({how})")
        return self.begin()


@contextmanager
def heeding(stops: list[int]) -> Iterator[None]:
    """Note the signals that ask to stop, in place of being interrupted by them."""

    def note(number: int, _: object) -> None:
        stops.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def overdue(worker: Worker, limit: float) -> bool:
    """Whether a process is at something for longer than it should watch itself."""
    at = worker.board.at[0]
    return at != IDLE and worker.board.seconds > limit * (_GROUP if at == MODEL else 1) + _GRACE


def blame(worker: Worker, limit: float, *, hung: bool) -> Failure:
    """Say what is wrong with the record that a process hung on, or died of."""
    if hung:
        return Failure("time", f"took longer than {limit:g} s; raise --max-seconds, or divide it")
    ended = exit_of(worker.exitcode)
    return Failure("crash", f"ended the process that read it ({ended})")


def exit_of(code: int | None) -> str:
    """Say how a process ended."""
    if code is None:
        return "it hung"
    return f"signal {-code}, {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
