"""What one service takes at most, and who may ask it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from framescope.classifier.errors import FramescopeError

TOKEN = "FRAMESCOPE_TOKEN"
"""The environment variable that holds the token, where no file does."""


class ServiceError(FramescopeError):
    """A service that can't be started as asked."""


class RequestError(FramescopeError):
    """A request that is answered with an error.

    Parameters
    ----------
    status : int
        Of HTTP.
    reason : str
        One line: what is wrong, and what to do about it.
    retry : int or None
        Seconds after which to try again.
    """

    def __init__(self, status: int, reason: str, retry: int | None = None) -> None:
        super().__init__(" ".join(reason.split()))
        self.status = status
        self.retry = retry


@dataclass(frozen=True)
class Bounds:
    """What one service takes at most.

    Attributes
    ----------
    size : int
        Of a request's body, and characters of an article.
    seconds : float
        For which a request may send its body; for which an article may wait; and for which it may
        be read, and scored.
    waiting : int
        Articles that are in the house at once, whether they are read, wait, or are being scored.
    token : bytes or None
        Which requests have to bring; None lets everybody in.
    urls : bool
        Whether addresses are fetched.
    """

    size: int = 2_000_000
    seconds: float = 60.0
    waiting: int = 128
    token: bytes | None = field(default=None, repr=False)
    urls: bool = False


def read_token(file: Path | None) -> bytes | None:
    """Read the token from a file, else from the environment; None where neither gives one.

    Raises
    ------
    ServiceError
        When the file can't be read, or what is given can't stand in a header.
    """
    given, place = os.environ.get(TOKEN), TOKEN
    if file is not None:
        place = str(file)
        try:
            given = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise ServiceError(f"{file}: can't be read ({why}); give a file with a token") from None
    if given is None:
        return None
    if not given or not given.isascii() or not given.isprintable() or " " in given:
        reason = "holds no token: one line of visible ASCII characters"
        raise ServiceError(f"{place}: {reason}; make one with: openssl rand -hex 32")
    return given.encode()


class Seats:
    """Counts the articles in the house; whoever finds no seat is asked to come again.

    It belongs to the event loop and has no lock.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, count: int, retry: int) -> None:
        """Take some, all or none; raises `RequestError` (429) where they aren't free."""
        if self.taken + count > self.most:
            reason = f"full: {self.taken} articles are waiting, and {self.most} may"
            raise RequestError(429, f"{reason}; try again in {retry} s", retry)
        self.taken += count

    def leave(self, count: int) -> None:
        """Give some back."""
        self.taken -= count
