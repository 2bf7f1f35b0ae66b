"""The command `framescope serve`: options, and one call."""

from pathlib import Path
from typing import Annotated

import typer
from framescope.classifier.cli.shared import Experimental, Own, Scoring
from framescope.classifier.errors import need


def serve(
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address to listen on; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8000,
    model: Scoring = None,
    sources: Own = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Require the token in this file; without it, that of FRAMESCOPE_TOKEN, if set.",
        ),
    ] = None,
    experimental: Experimental = False,
    allow_urls: Annotated[
        bool, typer.Option("--allow-urls", help="Fetch addresses, but not private ones.")
    ] = False,
    max_bytes: Annotated[
        int, typer.Option(metavar="N", min=1000, help="Largest request.", show_default=True)
    ] = 2_000_000,
    max_seconds: Annotated[
        float,
        typer.Option(metavar="S", min=0.1, help="Longest wait, and time to score an article."),
    ] = 60.0,
    max_waiting: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Articles waiting at once; others are told to retry."
        ),
    ] = 128,
) -> None:
    """Score articles over HTTP, with a page to paste texts into (extra: serve)."""
    from framescope.classifier.service.limits import Limits, read_token

    token = read_token(token_file)
    limits = Limits(max_bytes, max_seconds, max_waiting, token, allow_urls)
    for module in ("fastapi", "uvicorn", "prometheus_client"):
        need(module, "serving needs", "serve")
    from framescope.classifier.scoring import load_scorer
    from framescope.classifier.service.app import bound, make_app, run

    with bound(host, port) as listening:
        scorer = load_scorer(model, None, sources, True, max_seconds, experimental)
        run(make_app(scorer, limits), listening, max_seconds)
