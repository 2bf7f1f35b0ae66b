"""What an article's text tells of its outlet's reliability: too little to count, and so nothing.

A text model was trained on articles of assessed outlets and measured on outlets it had never seen
(`eval.reliability`; docs/source-record.md has all figures). Its weight in the record was to follow
from a rule set beforehand: none, unless the lower end of its AUC is above one half *and* its gain
over what needs no text is shown. The second is not, so no model ships.
"""

from __future__ import annotations

import re

from classifier.sources.placeholders import Form, Reader

NOTE = (
    "the wording of the article does not count: a text model tells reliable from unreliable "
    "outlets it has not seen with AUC 0.74 (0.65 to 0.81), the article's length alone with 0.65, "
    "and the difference is not certain"
)
"""One line for the source card."""

_ADDRESS = re.compile(
    r"\S*(?:https?://|www\.|@)\S*|\b[\w-]+\.(?:com|org|net|co\.uk|gov|edu|io)\b\S*"
)


def reading(text: str, reader: Reader) -> str:
    """Give a text as a model of reliability reads it: no outlet's name, no address, no account.

    Parameters
    ----------
    text : str
    reader : Reader
        Puts one placeholder in the place of every outlet's name.
    """
    return _ADDRESS.sub(" ", reader.read(text, Form.NEUTRAL).text)
