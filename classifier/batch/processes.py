"""The processes of a run on one machine: one that cuts inputs, and some that score.

Each tells on a small shared board what it is at, so that whoever watches knows what it hung on, or
died of. They ignore the keyboard, and die with the process that began them.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from framescope.classifier.batch.schema import whole
from framescope.classifier.batch.shards import Cutter, Position, Shard
from framescope.classifier.batch.stages import Failure, Setup, Stages
from framescope.classifier.errors import FramescopeError
from framescope.classifier.inputs import InputOptions, ListedFile

_SPAWN = get_context("spawn")  # a forked process would hold the threads of none of its parent's
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_STOPPING = frozenset({signal.SIGINT, signal.SIGTERM})
_DYING = 10.0  # seconds to wait for a killed process, which may hang in the system
IDLE, MODEL = -2, -1
"""Of a board: nothing to do; the model works on several records at once."""


class Board:
    """What a process is at: two numbers, and since when, in seconds of the system's clock."""

    def __init__(self) -> None:
        self._cells = _SPAWN.Array(ctypes.c_double, [IDLE, 0, time.monotonic()], lock=False)

    def tell(self, at: int, within: int = 0) -> None:
        """Say what is begun now."""
        # The time first: what is new never stands beside the time of what is old.
        self._cells[2] = time.monotonic()
        self._cells[1], self._cells[0] = within, at

    @property
    def at(self) -> tuple[int, int]:
        """What was begun last."""
        return int(self._cells[0]), int(self._cells[1])

    @property
    def seconds(self) -> float:
        """How long ago."""
        return time.monotonic() - float(self._cells[2])


@dataclass(eq=False)
class Worker:
    """A process and what joins it to this one."""

    process: Any
    pipe: Connection
    board: Board

    @classmethod
    def start(cls, target: Any, *arguments: Any) -> Worker:
        """Start a process that runs ``target(pipe, board, *arguments)``."""
        here, there = _SPAWN.Pipe()
        board = Board()
        process = _SPAWN.Process(target=target, args=(there, board, *arguments), daemon=True)
        resource_tracker.ensure_running()  # which lets signals through when it has begun
        # A keyboard's interruption reaches all; until the process ignores it, it is to wait.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            there.close()
        return cls(process, here, board)

    @property
    def exitcode(self) -> int | None:
        """How it ended; None where it has not."""
        code: int | None = self.process.exitcode
        return code

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.join(_DYING)
        self.pipe.close()


# --- what runs in them ----------------------------------------------------------------------------


def cut(
    pipe: Connection,
    board: Board,
    files: Sequence[ListedFile],
    columns: Mapping[str, str],
    allow_private: bool,
    start: Position,
    ends: Mapping[int, tuple[int, str]],
) -> None:
    """Cut files into shards and send each: ``("shard", `Shard`)``.

    Messages for the user are ``("tell", line)``; the last is ``("end",)``.
    """
    _begin()

    def tell(line: str) -> None:
        at = board.at
        board.tell(IDLE)
        pipe.send(("tell", line))
        board.tell(*at)

    told = InputOptions(columns, allow_private, tell)
    try:
        for shard in Cutter(files, told, ends, board.tell).cut(start):
            board.tell(IDLE)  # sending waits for whoever scores
            pipe.send(("shard", shard))
        board.tell(IDLE)
        pipe.send(("end",))
    except (BrokenPipeError, EOFError):
        sys.exit(1)


def score(pipe: Connection, board: Board, setup: Setup) -> None:
    """Score shards as they come.

    Says first ``("ready", `Loaded`)``, or ``("refused", line)`` when it can't begin. Is given
    ``(draft, shard, failed, alone)``: the folder to write a shard's files to, the shard, what not
    to try again, and whether to go article by article. Answers ``("done", counts)``, or
    ``("full", line)`` when they can't be written.
    """
    os.environ["FRAMESCOPE_THREADS"] = "1"  # as many processes as cores, and none waits for another
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"
    _begin()
    from framescope.classifier.runtime import begin

    begin(setup.model)
    try:
        stages = Stages(setup)
    except FramescopeError as error:
        pipe.send(("refused", str(error)))
        return
    pipe.send(("ready", stages.loaded))
    gc.freeze()  # the registry and the model are not looked through again
    try:
        while True:
            draft, shard, failed, alone = pipe.recv()
            try:
                tables, counts = stages.run(shard, failed, board.tell, alone=alone)
                files = stages.files(tables)
            except Exception:  # of a row that no table can hold, say
                failed = _unwritable(stages, shard, failed, board)
                tables, counts = stages.run(shard, failed, board.tell, alone=alone)
                files = stages.files(tables)
            board.tell(IDLE)
            try:
                for name, data in files.items():
                    (draft / name).write_bytes(data)
            except OSError as error:
                pipe.send(("full", f"{draft.parent}: can't be written ({error.strerror})"))
                continue
            pipe.send(("done", asdict(counts)))
    except (BrokenPipeError, EOFError):
        sys.exit(0)


def _unwritable(
    stages: Stages, shard: Shard, failed: Mapping[int, Failure], board: Board
) -> dict[int, Failure]:
    """Find the records of a shard that can't be made rows of, each by itself."""
    found = dict(failed)
    for at in range(len(shard.items)):
        board.tell(at)
        one = replace(shard, items=shard.items[at : at + 1])
        try:
            stages.files(stages.run(one, {0: found[at]} if at in found else {})[0])
        except Exception as error:
            reason = f"can't be written ({type(error).__name__}: {error}); please report it"
            found[at] = Failure("crash", whole(" ".join(reason.split())))
    return found


def _begin() -> None:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    gc.set_threshold(50_000)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    began = parent_process()
    if began is not None and os.getppid() != began.pid:  # it died before this was said
        sys.exit(1)
