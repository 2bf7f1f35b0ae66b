"""The command `framescope serve`, and the token that it asks for."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from framescope.classifier.cli.shared import Experimental, Own, Scoring
from framescope.classifier.errors import FramescopeError, need
from framescope.classifier.output import tell
from typer import Option

TOKEN = "FRAMESCOPE_TOKEN"  # the environment variable


def serve(
    host: Annotated[str, Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    model: Scoring = None,
    sources: Own = None,
    token_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Require the token in this file; without it, that of FRAMESCOPE_TOKEN, if set.",
        ),
    ] = None,
    experimental: Experimental = False,
    allow_urls: Annotated[
        bool, Option("--allow-urls", help="Fetch addresses, but not private ones.")
    ] = False,
    max_bytes: Annotated[int, Option(min=1000, help="Largest request.")] = 2_000_000,
    max_characters: Annotated[int, Option(min=1000, help="Longest article.")] = 200_000,
    max_seconds: Annotated[
        float, Option(metavar="S", min=0.1, help="Longest wait, and time to score an article.")
    ] = 60.0,
    max_waiting: Annotated[
        int, Option(min=1000, help="Characters waiting at once; others are told to retry.")
    ] = 1_000_000,
) -> None:
    """Score articles over HTTP, with a page to paste texts into (extra: serve)."""
    token = read_token(token_file)
    for module in ("fastapi", "uvicorn", "prometheus_client"):
        need(module, "serving needs", "serve")
    from framescope.classifier.scoring import load_scorer
    from framescope.classifier.service.app import make_app
    from framescope.classifier.service.connections import bound, run
    from framescope.classifier.service.scoring import Limits

    with bound(host, port) as listening:
        local = ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
        if not local and token is None:
            tell("warning: anyone who can reach this address may use it; give --token-file FILE")
        scorer = load_scorer(model, None, sources, True, max_seconds, experimental)
        own = host if local else ""
        limits = Limits(max_bytes, max_characters, max_seconds, max_waiting, token, allow_urls, own)
        run(make_app(scorer, limits), listening)


def read_token(file: Path | None) -> bytes | None:
    """Read the token from a file, else from the environment; raises `FramescopeError`."""
    given, place = os.environ.get(TOKEN), TOKEN
    if file is not None:
        place = str(file)
        try:
            given = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise FramescopeError(
                f"{file}: can't be read ({why}); give a file with a token"
            ) from None
    if given is None:
        return None
    if not given or not given.isascii() or not given.isprintable() or " " in given:
        reason = "holds no token: one line of visible ASCII characters"
        raise FramescopeError(f"{place}: {reason}; make one with: openssl rand -hex 32")
    return given.encode()
