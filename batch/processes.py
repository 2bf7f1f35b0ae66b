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
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from batch.shards import Cutter, Place
from batch.stages import Setup
from classifier.errors import FramescopeError
from classifier.pages import InputOptions, ListedFile

_SPAWN = get_context("spawn")  # a forked process would hold the threads of none of its parent's
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
IDLE, MODEL = -2, -1
"""Of a board: nothing to do; the model works on several records at once."""


class Board:
    """What a process is at: two numbers, and since when, in seconds of the system's clock."""

    def __init__(self) -> None:
        self._cells = _SPAWN.Array(ctypes.c_double, [IDLE, 0, time.monotonic()], lock=False)

    def tell(self, at: int, within: int = 0) -> None:
        """Say what is begun now."""
        self._cells[0], self._cells[1], self._cells[2] = at, within, time.monotonic()

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
        process.start()
        there.close()
        return cls(process, here, board)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


# --- what runs in them ----------------------------------------------------------------------------


def cut(
    pipe: Connection,
    board: Board,
    files: Sequence[ListedFile],
    columns: Mapping[str, str],
    allow_private: bool,
    start: Place,
    ends: Mapping[int, tuple[int, str]],
) -> None:
    """Cut files into shards and send each: ``("shard", `Shard`)``.

    Messages for the user are ``("tell", line)``; the last is ``("end",)``.
    """
    _begin()
    told = InputOptions(columns, allow_private, lambda line: pipe.send(("tell", line)))
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
    from classifier.runtime import begin

    begin(setup.model)
    from batch.stages import Stages

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
            tables, counts = stages.run(shard, failed, board.tell, alone=alone)
            board.tell(IDLE)
            try:
                for name, data in stages.files(tables).items():
                    (draft / name).write_bytes(data)
            except OSError as error:
                pipe.send(("full", f"{draft.parent}: can't be written ({error.strerror})"))
                continue
            pipe.send(("done", asdict(counts)))
    except (BrokenPipeError, EOFError):
        sys.exit(0)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc.set_threshold(50_000)
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before this was said
        sys.exit(1)
