"""The command: ``framescope`` and ``python -m framescope``."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line; see `framescope.classifier.cli.main`."""
    # The default, 700, looks through all that is being imported again and again: a twentieth of the
    # time of a short command.
    gc.set_threshold(50_000)
    from framescope.classifier.cli import main as run

    run()


if __name__ == "__main__":
    main()
