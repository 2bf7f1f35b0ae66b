"""The commands on labels and training, and the types of their options that may be left out."""

from pathlib import Path

Text = str | None
Texts = list[str] | None
File = Path | None
Files = list[Path] | None
