"""The command: ``framescope`` and ``python -m framescope``."""

from __future__ import annotations

import gc
import sys

from framescope._packages import claim

PACKAGES = ("batch", "service", "training", "eval", "annotation", "upkeep")


def main() -> None:
    """Run the command line; see `classifier.cli.main`."""
    # The default, 700, looks through all that is being imported again and again: a twentieth of the
    # time of a short command.
    gc.set_threshold(50_000)
    try:
        for name in PACKAGES:  # whose commands are found by name
            claim(name, tell=False)
    except ImportError as error:
        print(f"framescope: {error}", file=sys.stderr)
        sys.exit(2)
    from classifier.cli import main as run

    run()


if __name__ == "__main__":
    main()
