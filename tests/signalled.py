"""`framescope`, which sends itself a signal where a test wants it.

python signalled.py PLACE COUNT SIGNAL ARGUMENT...

PLACE is a function, as ``module:name``, that does so when it is called for the COUNTth time, from
0; or a module, which does so when it is imported.
"""

import os
import sys
from importlib import import_module
from typing import Any


class Signaller:
    """Sends the signal; it stands in the place of a function, or among the finders of modules."""

    def __init__(self, module: str, count: int, number: int, real: Any = None) -> None:
        self.module, self.count, self.number, self.real = module, count, number, real

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.count -= 1
        if self.count == -1:
            os.kill(os.getpid(), self.number)
        return self.real(*arguments, **named)

    def __get__(self, owner: Any, _: Any) -> Any:
        return lambda *arguments, **named: self(owner, *arguments, **named)

    def find_spec(self, name: str, *_: Any) -> None:
        """See that a module is looked for."""
        if name == self.module:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), self.number)


def main() -> None:
    """Set the signal up, and run the command line."""
    place, count, number, *words = sys.argv[1:]
    module, _, name = place.partition(":")
    signaller = Signaller(module, int(count), int(number))
    if name:
        owner = import_module(module)
        *path, last = name.split(".")
        for part in path:
            owner = getattr(owner, part)
        signaller.real = getattr(owner, last)
        setattr(owner, last, signaller)
    elif module:
        sys.meta_path.insert(0, signaller)
    sys.argv = ["framescope", *words]
    from framescope.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
