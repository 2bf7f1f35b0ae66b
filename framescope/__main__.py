"""The command: ``framescope`` and ``python -m framescope``.

It handles interruptions before it imports anything else. An exception that is raised within an
import or a destructor gets lost there, so an interruption that meets one is sent again.
"""

import gc
import signal
import sys
from threading import Timer, main_thread
from types import FrameType
from typing import Any

_AGAIN = 0.02  # seconds


def main() -> None:
    """Run the command line; an interruption ends it with one line, however early it comes."""
    received = signal.SIGINT
    again: Timer | None = None

    def send_again() -> None:
        nonlocal again
        again = Timer(_AGAIN, signal.pthread_kill, (main_thread().ident, received))
        again.daemon = True
        again.start()

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal again, received
        received = signal.Signals(number)
        while frame is not None and frame.f_code is not main.__code__:
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                return send_again()
            frame = frame.f_back
        again = None
        if received is signal.SIGINT:
            raise KeyboardInterrupt
        from framescope.classifier.errors import Terminated

        raise Terminated

    def lost(ignored: Any) -> None:
        if isinstance(ignored.exc_value, KeyboardInterrupt):
            send_again()
        else:
            sys.__unraisablehook__(ignored)

    try:
        sys.unraisablehook = lost
        signal.signal(signal.SIGTERM, interrupt)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGINT, interrupt)
        # The default, 700, looks through all that is being imported again and again: a twentieth
        # of the time of a short command.
        gc.set_threshold(50_000)
        from framescope.cli import run

        status = run(sys.argv[1:])
        if again is not None:
            again.cancel()
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        # What a command has kept of its results it says itself.
        print("framescope: interrupted", file=sys.stderr)
        status = 128 + received  # as shells have it
    sys.exit(status)


if __name__ == "__main__":
    main()
