"""Makes sure that framescope's own packages are found, whatever lies beside a user's script.

Python looks for modules in the script's folder first, and `classifier` and `eval` are names that
anybody gives a file. Imported first by `framescope`; `framescope.__main__` claims the rest.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def claim(name: str, *, tell: bool) -> None:
    """Import one of framescope's packages from beside this one, and from nowhere else.

    Warns of a file of the user's that is hidden by it, if wanted. Raises ImportError, and names
    the file, when a module of the user's was imported under the name before.
    """
    if name in sys.modules:
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if not _is_ours(file, name):
            folder = next(iter(getattr(module, "__path__", ())), name)
            raise ImportError(
                f"{file or folder} has the name of framescope's own package '{name}'; "
                "rename it, or import framescope before it"
            )
        return
    other = find_spec(name)
    spec = PathFinder.find_spec(name, [str(_ROOT)])
    if spec is None or spec.loader is None:  # packed into a program, where nothing lies beside
        import_module(name)
        return
    # Not by a change of sys.path, which would change what the packages' own imports find.
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    if tell and other is not None and other.origin and not _is_ours(other.origin, name):
        warnings.warn(
            f"{other.origin} has the name of framescope's own package '{name}', "
            "which is imported instead of it; rename the file",
            stacklevel=4,
        )


def _is_ours(file: str | None, name: str) -> bool:
    return file is not None and Path(file).resolve().parent == _ROOT / name


# While Python looks for what "-m" names this stands in for the command: no script, nobody to tell.
claim("classifier", tell=sys.argv[:1] != ["-m"])
