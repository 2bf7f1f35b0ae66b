"""What runs on the nodes of a cluster: what a node is given, the task that cuts, actors that score.

Rows of one shape go between them (`row`); `batch.cluster` begins them, and takes the last.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from framescope.classifier import SHIPPED, __version__, bundles
from framescope.classifier.batch.engine import CutSource, blame, exit_of, overdue
from framescope.classifier.batch.processes import IDLE, MODEL, Worker, score
from framescope.classifier.batch.shards import Fault, Item, Position, Shard
from framescope.classifier.batch.stages import Failure, Loaded, Setup, Stages
from framescope.classifier.errors import FramescopeError, InputError
from framescope.classifier.inputs import InputOptions, ListedFile, RawRecord
from numpy.typing import NDArray

Sent = Mapping[str, NDArray[np.object_]]
"""A row, as Ray Data gives and takes it."""

_TICK = 0.25  # seconds between two looks at what hangs
_LOADING = 300.0  # seconds
_TRIES = 3  # of a shard that fails where no record can be blamed


class Switch:
    """Says to all that runs whether the user asked it to stop; an actor."""

    def __init__(self) -> None:
        self._stopped = False

    def stop(self) -> None:
        """Ask all to stop."""
        self._stopped = True

    def stopped(self) -> bool:
        """Whether that was asked."""
        return self._stopped


@dataclass(frozen=True)
class Kit:
    """What a node scores with, taken there: the user's own bundle and outlets too.

    Attributes
    ----------
    setup : Setup
    version : str
        Of framescope, which must be that of the nodes.
    model : mapping of str to bytes
        Files of a bundle that doesn't ship with framescope.
    sources : bytes or None
        The user's own outlets.
    """

    setup: Setup
    version: str = __version__
    model: Mapping[str, bytes] = field(default_factory=dict)
    sources: bytes | None = None

    @classmethod
    def of(cls, setup: Setup) -> Kit:
        """Gather it on the machine that begins the run; raises `FramescopeError`."""
        path = bundles.resolve(setup.model)
        own = path.resolve().parent != SHIPPED.resolve()
        files = sorted(one for one in path.iterdir() if one.is_file()) if own else []
        try:
            sources = None if setup.sources is None else Path(setup.sources).read_bytes()
        except OSError as error:
            raise InputError(str(setup.sources), f"cannot be read ({error.strerror})") from None
        return cls(setup, __version__, {one.name: one.read_bytes() for one in files}, sources)

    def unpacked(self, folder: Path) -> Setup:
        """Lay its files into a folder of a node, and say how to score with them.

        Raises
        ------
        FramescopeError
            When the node has another version.
        """
        if self.version != __version__:
            reason = f"the cluster has framescope {__version__}, this machine {self.version}"
            raise FramescopeError(f"{reason}; install the same on all")
        setup = self.setup
        if self.model:
            path = folder / "model" / Path(setup.model).name
            path.mkdir(parents=True)
            for name, data in self.model.items():
                (path / name).write_bytes(data)
            setup = replace(setup, model=str(path))
        if self.sources is not None:
            own = folder / Path(str(setup.sources)).name
            own.write_bytes(self.sources)
            setup = replace(setup, sources=str(own))
        return setup


def load(kit: Kit) -> Loaded | str:
    """Load what scores, on some node: what it is, or why it can't be used."""
    with tempfile.TemporaryDirectory(prefix="framescope-") as folder:
        try:
            return Stages(kit.unpacked(Path(folder))).loaded
        except FramescopeError as error:
            return str(error).replace(f"{folder}/", "")


@dataclass(frozen=True)
class ShardSource:
    """Cuts shards and sends each with the files in it; a task of the machine that began the run."""

    folder: Path  # that paths start from
    files: Any  # ray.ObjectRef of a sequence of ListedFile
    columns: Mapping[str, str]
    allow_private: bool
    max_seconds: float
    start: Position
    done: frozenset[int]
    switch: Any

    def __call__(self, _: Sent) -> Iterator[Sent]:
        """Give a row a shard, and last how many there are."""
        import ray

        os.chdir(self.folder)
        files: Sequence[ListedFile] = ray.get(self.files)
        source = CutSource(files, InputOptions(self.columns, self.allow_private), self.start)
        cutter, end = source.begin(), self.start.shard
        try:
            while True:
                if overdue(cutter, self.max_seconds):
                    cutter = source.again(cutter, hung=True)
                try:
                    if not cutter.pipe.poll(_TICK):
                        continue
                    kind, *what = cutter.pipe.recv()
                except (EOFError, OSError):
                    cutter = source.again(cutter, hung=False)
                    continue
                if kind == "tell":
                    yield row("tell", what[0])
                elif kind == "end":
                    yield row("end", end)
                    return
                else:
                    shard: Shard = what[0]
                    source.place, end = shard.after, shard.after.shard
                    if _is_stopped(self.switch):
                        return
                    if shard.start.shard not in self.done:
                        held = replace(shard, items=tuple(map(_held, shard.items)))
                        yield row("shard", held)
        except FramescopeError as error:
            yield row("refused", str(error))
        finally:
            cutter.kill()


def _held(item: Item) -> Item:
    """Take along what a record's file holds: nodes have not got it."""
    if not isinstance(item, RawRecord):
        return item
    try:
        return item.held()
    except InputError as error:
        return Fault(item.origin, error.reason, item.size)


class ShardScorer:
    """Scores shards on a node, in a process that it watches; an actor of Ray Data.

    Parameters
    ----------
    kit : ray.ObjectRef
        Of a `Kit`.
    switch : ray.actor.ActorHandle
        Of a `Switch`.
    expected : Loaded
        What is loaded elsewhere.
    """

    def __init__(self, kit: Any, switch: Any, expected: Loaded) -> None:
        import ray

        self._kit: Kit = ray.get(kit) if isinstance(kit, ray.ObjectRef) else kit
        self._switch, self._expected = switch, expected
        self._folder = tempfile.TemporaryDirectory(prefix="framescope-")
        self._worker: Worker | None = None
        self._runtime = ""
        self._setup: Setup | None = None
        # The process dies with the thread that began it, and Ray's threads come and go.
        self._thread = ThreadPoolExecutor(1, "framescope-watch")

    def __call__(self, sent: Sent) -> Sent:
        """Score the shard of a row; other rows are handed on."""
        kind, what = content(sent)
        if kind != "shard":
            return sent
        if _is_stopped(self._switch):
            return row("stopped")
        try:
            counts, files = self._thread.submit(self.scored, what).result()
        except FramescopeError as error:
            return row("refused", str(error))
        return row("scored", Scored(replace(what, items=()), counts, files, self._runtime))

    def scored(self, shard: Shard) -> tuple[Mapping[str, int], dict[str, bytes]]:
        """Have a shard scored, again without a record that the process hangs on, or dies of twice.

        Returns
        -------
        mapping of str to int, dict of str to bytes
            What is in it (`batch.stages.Counts`), and its files by their names.

        Raises
        ------
        FramescopeError
            When it can't be.
        """
        failed: dict[int, Failure] = {}
        deaths: Counter[int] = Counter()  # by what the process was at
        limit = self._kit.setup.max_seconds
        while True:
            worker = self._worker = self._worker or self._begun()
            draft = Path(tempfile.mkdtemp(dir=self._folder.name))
            answer = self._answer(worker, (draft, shard, failed, deaths[MODEL] > 0))
            if isinstance(answer, tuple):
                kind, what = answer
                if kind == "full":
                    raise FramescopeError(f"{what}; free some space on the node")
                files = {one.name: one.read_bytes() for one in sorted(draft.iterdir())}
                rmtree(draft)
                return what, files
            seen = worker.board.at
            worker.kill()
            self._worker = None
            rmtree(draft, ignore_errors=True)
            at, hung = worker.board.at[0], answer and worker.board.at == seen
            deaths[at] += 1
            if at >= 0 and (hung or deaths[at] > 1):
                failed[at] = blame(worker, limit, hung=hung)
            elif deaths[at] > _TRIES:
                ended = exit_of(worker.exitcode)
                raise FramescopeError(f"shard {shard.start.shard} can't be scored ({ended})")

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.kill()
        self._folder.cleanup()

    def _answer(self, worker: Worker, asked: tuple[Any, ...]) -> tuple[str, Any] | bool:
        """Ask a process to score; give its answer, or whether it hung where it has none."""
        worker.board.tell(IDLE)
        try:
            worker.pipe.send(asked)
            while not worker.pipe.poll(_TICK):
                if overdue(worker, self._kit.setup.max_seconds):
                    return True
            kind, what = worker.pipe.recv()
        except (EOFError, OSError):
            return False
        return kind, what

    def _begun(self) -> Worker:
        """Begin a process that scores, and see that it is what the other nodes have."""
        if self._setup is None:
            self._setup = self._kit.unpacked(Path(self._folder.name))
        for _ in range(_TRIES):
            worker = Worker.start(score, self._setup)
            try:
                if not worker.pipe.poll(_LOADING):
                    worker.kill()
                    raise FramescopeError("the model takes minutes to load; are the nodes busy?")
                kind, what = worker.pipe.recv()
                break
            except (EOFError, OSError):
                worker.kill()
        else:
            reason = f"a process that scores ended while it began ({exit_of(worker.exitcode)})"
            raise FramescopeError(f"{reason}; is there memory for it? try fewer --workers")
        if kind == "refused":
            raise FramescopeError(str(what).replace(f"{self._folder.name}/", ""))
        if what.digest != self._expected.digest:
            raise FramescopeError("the cluster's nodes have other models; install the same on all")
        self._runtime = what.runtime
        return worker


@dataclass(frozen=True)
class Scored:
    """A shard without its records, what is in it, its files by their names, what ran the model."""

    shard: Shard
    counts: Mapping[str, int]
    files: Mapping[str, bytes]
    runtime: str


def row(kind: str, what: Any = None) -> Sent:
    """Make a row of what goes through the cluster.

    Its kind is ``shard``, a `Shard` to be scored; ``scored``, a `Scored`; ``tell``, a line for the
    user; ``refused``, why the run can't go on; ``end``, how many shards there are; ``stopped``.
    """
    column = np.empty(1, dtype=object)
    column[0] = kind, what
    return {"sent": column}


def content(sent: Sent) -> tuple[str, Any]:
    """Give what a row holds: its kind, and what is said."""
    kind, what = sent["sent"][0]
    return kind, what


def _is_stopped(switch: Any) -> bool:
    import ray

    try:
        return bool(ray.get(switch.stopped.remote()))
    except ray.exceptions.RayError:  # it is gone: who would have asked is, too
        return False
