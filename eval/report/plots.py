"""The plots of the report: SVG by matplotlib, in the colours of the page they stand in.

matplotlib writes fixed colours and inline styles, which a page with two themes and a policy against
inline styles can't use. The same data give the same bytes.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.eval.sections import UNDEFINED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, RULE, A, B = "#010101", "#020202", "#030303", "#040404"
_COLOURS = {INK: "currentColor", RULE: "var(--axis)", A: "var(--model-a)", B: "var(--model-b)"}
_MARKS = ((A, "o", "none", "--"), (B, "s", B, "-"))  # of each model: colour, marker, its face, line
_POINTS = 200  # of a precision-recall curve: more can't be seen at this size
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "framescope", "font.size": 10,
    "text.parse_math": False,  # a file may have a dollar sign in its name
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), RULE),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
}  # fmt: skip
# The properties of inline styles that attributes can express.
_ATTRIBUTES = frozenset({
    "fill", "fill-opacity", "font-size", "opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width",
    "text-anchor",
})  # fmt: skip


def curves(name: str, title: str, details: Any, labels: Sequence[str]) -> str:
    """Draw the curves of two models."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(6.8, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color=RULE, linewidth=1)
        right.axhline(details.share, color=RULE, linewidth=1)  # the precision without skill
        for curve, rank, label, (colour, marker, face, line) in zip(
            details.reliability, details.ranking, labels, _MARKS, strict=True
        ):
            if curve is not None and len(curve.count):
                bars = [curve.share - curve.share_low, curve.share_high - curve.share]
                left.errorbar(
                    curve.score, curve.share, yerr=bars, color=colour, marker=marker,
                    markerfacecolor=face, markersize=5, linewidth=1.3, linestyle=line,
                    elinewidth=0.8, label=label,
                )  # fmt: skip
            if rank is not None and (n := len(rank.recall)):
                kept = np.unique(np.linspace(0, n - 1, min(n, _POINTS)).round().astype(np.intp))
                right.plot(
                    rank.recall[kept], rank.precision[kept], color=colour, linewidth=1.5,
                    linestyle=line, label=label,
                )  # fmt: skip
        for axes, x, y in ((left, "mean score", "share of yes"), (right, "recall", "precision")):
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=x, ylabel=y)
            if axes.get_legend_handles_labels()[1]:
                axes.legend(fontsize=9)
            else:
                axes.text(0.5, 0.5, UNDEFINED, ha="center", va="center", transform=axes.transAxes)
        return _svg(figure, name, title)


def _svg(figure: Figure, name: str, title: str) -> str:
    """Return a figure as an element for a page: with a title, unique ids, no colour of its own."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'style="([^"]*)"', _attributes, text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace("xlink:href", "href")
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    (box,) = re.findall(r'^<svg[^>]*?viewBox="([^"]*)"', text)
    element = f'<svg class="plot" role="img" aria-labelledby="{name}-title" viewBox="{box}">'
    heading = f'<title id="{name}-title">{html.escape(title)}</title>'
    return element + heading + text[text.index(">") + 1 :].strip()


def _attributes(style: re.Match[str]) -> str:
    pairs = (one.partition(":")[::2] for one in style[1].split(";"))
    found = {key.strip(): value.strip() for key, value in pairs}
    if "font" in found:  # "9px 'DejaVu Sans', ...": the page has a family of its own
        size = re.search(r"[\d.]+px", found["font"])
        # Text without a colour of its own would be black in both themes.
        found = {"fill": "currentColor", **found, "font-size": size[0] if size else "10px"}
    return " ".join(f'{key}="{value}"' for key, value in found.items() if key in _ATTRIBUTES)
