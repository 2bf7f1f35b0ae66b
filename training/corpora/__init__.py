"""Public corpora: one file each, with its card and its reader."""
