"""Reading an article's text for what it may tell of its outlet's reliability."""

from __future__ import annotations

import re

from classifier.sources.placeholders import Form, Reader

_ADDRESS = re.compile(
    r"\S*(?:https?://|www\.|@)\S*|\b[\w-]+\.(?:com|org|net|co\.uk|gov|edu|io)\b\S*"
)


def reading(text: str, reader: Reader) -> str:
    """Give a text as the model reads it: no outlet's name, no address, no account.

    Parameters
    ----------
    text : str
    reader : Reader
        Puts one placeholder in the place of every outlet's name.
    """
    return _ADDRESS.sub(" ", reader.read(text, Form.NEUTRAL).text)
