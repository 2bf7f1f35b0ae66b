"""The command `framescope serve`: options, and one call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import Own


def serve(
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Listen there; 0.0.0.0 is everywhere.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="And there; 0 is any that is free.")
    ] = 8000,
    model: Annotated[
        str,
        typer.Option("--model", "-m", metavar="MODEL", help="baseline, transformer, or a bundle."),
    ] = "transformer",
    sources: Own = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Answer only who brings the token in it; else that of FRAMESCOPE_TOKEN, if any.",
        ),
    ] = None,
    allow_urls: Annotated[
        bool, typer.Option("--allow-urls", help="Fetch addresses, but no private ones.")
    ] = False,
    max_bytes: Annotated[
        int, typer.Option(metavar="N", min=1000, help="Of a request.", show_default=True)
    ] = 2_000_000,
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="To wait at most; and to score an article.")
    ] = 60.0,
    max_waiting: Annotated[
        int, typer.Option(metavar="N", min=1, help="Articles at once; more are told to come again.")
    ] = 128,
) -> None:
    """Answer requests over HTTP, and show a page to paste texts into (extra: serve)."""
    from framescope.classifier.service.limits import Limits, ServiceError, read_token

    token = read_token(token_file)
    limits = Limits(max_bytes, max_seconds, max_waiting, token, allow_urls)
    try:
        from framescope.classifier.service.app import bound, make_app, run
    except ImportError as error:
        from framescope.classifier.errors import how_to_install

        missing = f"{error.name} is not installed"
        raise ServiceError(f"{missing}; type: {how_to_install('serve')}") from None
    from framescope.classifier import bundles
    from framescope.classifier.outlets import load_registry
    from framescope.classifier.scoring import Scorer

    listening = bound(host, port)
    with listening:
        registry = load_registry(user=sources)
        scorer = Scorer(bundles.load(model, registry), None, registry, seconds=max_seconds)
        run(make_app(scorer, limits), listening, max_seconds)
