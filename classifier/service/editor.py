"""The page on which an editor pastes a text or drops a file, and reads the report."""

from __future__ import annotations

import re
from importlib.resources import files

from framescope.classifier import __version__
from framescope.classifier.records import BatchReport
from framescope.classifier.reports import environment_of, style, to_html
from framescope.classifier.service.bounds import Bounds

_HERE = "framescope.classifier.service"
_DIGEST = re.compile(r"(style|script)-src '(sha256-[A-Za-z0-9+/=]+)'")


def editor_page(bounds: Bounds, model: str, *, guarded: bool) -> tuple[str, str]:
    """Make the page.

    Parameters
    ----------
    bounds : Bounds
    model : str
        Its name.
    guarded : bool
        Whether it has to ask for a token.

    Returns
    -------
    str, str
        The page, and the policy to send with it: it asks nothing of anybody but its own service.
    """
    environment = environment_of(_HERE)
    script = files(_HERE).joinpath("editor.js").read_text(encoding="utf-8")
    look = style(_HERE, "editor.css")
    page = environment.get_template("editor.html").render(
        style=look, script=script, bounds=bounds, model=model, guarded=guarded, version=__version__
    )
    digest = environment.filters["digest"]
    # A report is shown in a frame, and a frame obeys the policy of the page around it as well.
    report = dict(_DIGEST.findall(to_html(BatchReport((), model, (), {}))))
    policy = (
        "default-src 'none'",
        f"style-src '{digest(look)}' '{report['style']}'",
        f"script-src '{digest(script)}' '{report['script']}'",
        "img-src data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return page, "; ".join(policy)
