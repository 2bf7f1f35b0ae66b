"""Write into bundles which articles they have seen: ``python -m tools.seen BUNDLE...``.

For bundles that were trained before trainings kept such a list. The corpora that they learned from
are read from ``FRAMESCOPE_CORPORA`` and split as they were.
"""

import shutil
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from framescope.classifier import bundles
from framescope.training.corpora import ADDED, given_folder
from framescope.training.data import assign_parts, build_examples, digests_of


def main(folders: list[str]) -> None:
    """Add the list to each bundle, and its digest to the manifest."""
    root = given_folder(None)
    examples = build_examples(root)
    for path in map(Path, folders):
        manifest = bundles.verify(path)
        split = assign_parts(examples, manifest["split"]["seed"])
        learned = [*manifest["corpora"], *manifest.get("earlier_corpora", ())]
        names = {one["name"] for one in learned} - {ADDED}
        held_out = manifest["split"]["held_out"]
        if other := [one for one in names if split.held_out.get(one) != held_out.get(one)]:
            sys.exit(f"{path}: was trained on another split of {', '.join(sorted(other))}")
        rows = split.examples.where(np.isin(split.examples.corpus, sorted(names)))
        seen = digests_of(rows, root) | bundles.read_seen(path)

        card = (path / bundles.CARD).read_text(encoding="utf-8")
        bundles.write(path, manifest, card, partial(copy, path, manifest["files"]), seen)
        print(f"{path}: {len(seen):,} articles")


def copy(folder: Path, names: Iterable[str], draft: Path) -> None:
    """Copy the files of a bundle."""
    for name in names:
        shutil.copyfile(folder / name, draft / name)


if __name__ == "__main__":
    main(sys.argv[1:])
