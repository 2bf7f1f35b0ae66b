"""The commands ``framescope annotate``, ``corpora``, ``labels`` and ``train``.

Also the types of their options that may be left out.
"""

from pathlib import Path

Text = str | None
Texts = list[str] | None
File = Path | None
Files = list[Path] | None
