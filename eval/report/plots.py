"""The plots of the report: SVG by matplotlib, in the colours of the page they stand in.

matplotlib writes fixed colours and inline styles. Neither suits a page with two themes whose policy
refuses inline styles, so each colour is drawn as a stand-in and replaced: text and axes take the
page's colour, the models its two accents. The same data give the same bytes.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import FramescopeError, how_to_install
from framescope.eval.metrics import UNDEFINED, Estimate, PrecisionRecall, ReliabilityCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, RULE, A, B = "#010101", "#020202", "#030303", "#040404"
_COLOURS = {INK: "currentColor", RULE: "var(--axis)", A: "var(--model-a)", B: "var(--model-b)"}
_POINTS = 200  # of a precision-recall curve: more can't be seen at this size
_HASH_SALT = "framescope"
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": _HASH_SALT,
    "font.size": 10,
    "text.parse_math": False,  # a file may have a dollar sign in its name
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
# What of an inline style an attribute can say.
_ATTRIBUTES = frozenset({
    "fill", "fill-opacity", "font-size", "opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width",
    "text-anchor",
})  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class CostPoint:
    """One model on one corpus: what it takes, and what it gives."""

    corpus: str
    seconds_a: float
    seconds_b: float
    quality_a: float
    quality_b: float


def forest(name: str, title: str, differences: Mapping[str, Estimate], a: str, b: str) -> str:
    """Draw differences with their intervals, one line each; what has no interval has no bar.

    ``name``: begins every id in the figure, so that ids are unique on the page. ``title``: what the
    figure shows, in words. ``differences``: ``b - a`` by what it is of, from above. ``a``, ``b``:
    what to call the models.
    """
    with _settings():
        figure, (axes,) = _figure(6.4, 0.9 + 0.28 * max(len(differences), 1))
        axes.axvline(0, color=INK, linewidth=0.8)
        for at, difference in enumerate(differences.values()):
            if difference.value != difference.value:
                axes.text(0, at, f" {UNDEFINED}", va="center", fontsize=9)
                continue
            if difference.low == difference.low:
                axes.plot([difference.low, difference.high], [at, at], color=B, linewidth=1.6)
            axes.plot([difference.value], [at], "s", color=B, markersize=5)
        axes.set_yticks(range(len(differences)), list(differences))
        axes.set_ylim(max(len(differences), 1) - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        low, high = axes.get_xlim()
        widest = max(abs(low), abs(high), 0.01)
        axes.set_xlim(-widest, widest)
        axes.set_xlabel(f"←  {a} better\n{b} better  →", fontsize=9)
        return _svg(figure, name, title)


def curves(
    name: str,
    title: str,
    reliability: tuple[ReliabilityCurve | None, ReliabilityCurve | None],
    ranking: tuple[PrecisionRecall | None, PrecisionRecall | None],
    share: float,
    labels: tuple[str, str],
) -> str:
    """Draw the reliability curves and the precision-recall curves of two models side by side.

    ``name``, ``title``: as in `forest`. ``reliability``, ``ranking``: of each model; None for one
    that doesn't give the signal. ``share``: share of positives: the precision of a ranking without
    skill. ``labels``: what to call the models.
    """
    with _settings():
        figure, (left, right) = _figure(6.8, 3.1, 2)
        left.plot([0, 1], [0, 1], color=RULE, linewidth=1)
        right.axhline(share, color=RULE, linewidth=1)
        styles = ((A, "o", "none", "--"), (B, "s", B, "-"))
        for curve, rank, label, (colour, marker, face, line) in zip(
            reliability, ranking, labels, styles, strict=True
        ):
            if curve is not None and len(curve.count):
                bars = [curve.share - curve.share_low, curve.share_high - curve.share]
                left.errorbar(
                    curve.score, curve.share, yerr=bars, color=colour, marker=marker,
                    markerfacecolor=face, markersize=5, linewidth=1.3, linestyle=line,
                    elinewidth=0.8, label=label,
                )  # fmt: skip
            if rank is not None and len(rank.recall):
                thin = rank.thinned(_POINTS)
                right.plot(
                    thin.recall, thin.precision, color=colour, linewidth=1.5, linestyle=line,
                    label=label,
                )  # fmt: skip
        for axes, x, y in ((left, "mean score", "share of yes"), (right, "recall", "precision")):
            axes.set_xlim(-0.03, 1.03)
            axes.set_ylim(-0.03, 1.03)
            axes.set_xlabel(x)
            axes.set_ylabel(y)
            if axes.get_legend_handles_labels()[1]:
                axes.legend(fontsize=9)
            else:
                axes.text(0.5, 0.5, UNDEFINED, ha="center", va="center")
        return _svg(figure, name, title)


def costs(name: str, title: str, points: Sequence[CostPoint], labels: tuple[str, str]) -> str:
    """Draw quality against seconds for 1,000 sentences, a line from model to model for each corpus.

    ``name``, ``title``: as in `forest`. ``points``: those with an undefined quality are left out.
    """
    with _settings():
        from matplotlib.ticker import LogLocator, NullFormatter

        figure, (axes,) = _figure(6.4, 3.6)
        shown = [p for p in points if p.quality_a == p.quality_a and p.quality_b == p.quality_b]
        for point in shown:
            seconds = point.seconds_a, point.seconds_b
            quality = point.quality_a, point.quality_b
            axes.plot(seconds, quality, color=RULE, linewidth=1, zorder=1)
        for label, colour, marker, face, x, y in (
            (labels[0], A, "o", "none", "seconds_a", "quality_a"),
            (labels[1], B, "s", B, "seconds_b", "quality_b"),
        ):
            axes.plot(
                [getattr(p, x) for p in shown], [getattr(p, y) for p in shown], marker,
                color=colour, markerfacecolor=face, markersize=6, label=label,
            )  # fmt: skip
        if shown and min(min(p.seconds_a, p.seconds_b) for p in shown) > 0:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.25, y=0.15)
        _name_beside(axes, shown)
        axes.set_xlabel("seconds for 1,000 sentences")
        axes.set_ylabel("mean of the main figures")
        if shown:
            axes.legend(fontsize=9)
        else:
            axes.text(0.5, 0.5, UNDEFINED, ha="center", transform=axes.transAxes)
        return _svg(figure, name, title)


def _name_beside(axes: Axes, points: Sequence[CostPoint]) -> None:
    """Name corpora at the right edge, each at its height or so far from it that none overprints."""
    low, high = axes.get_ylim()
    step = 0.055  # of the height, which a name takes
    places = sorted(((p.quality_b - low) / (high - low), p) for p in points)  # from below
    free = -math.inf
    for number, (wanted, point) in enumerate(places):
        # So low that those above still fit, and above the one before.
        at = min(max(wanted, free), 1.0 - step * (len(places) - 1 - number))
        free = at + step
        axes.annotate(
            point.corpus, (point.seconds_b, point.quality_b), xycoords="data", xytext=(1.02, at),
            textcoords="axes fraction", va="center", fontsize=8,
            arrowprops={"arrowstyle": "-", "color": RULE, "linewidth": 0.6},
        )  # fmt: skip


def _settings() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise FramescopeError(
            f"the report's plots need the training extra; type: {how_to_install('training')}"
        ) from None
    return matplotlib.rc_context(_SETTINGS)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [figure.add_subplot(1, columns, at + 1) for at in range(columns)]


def _svg(figure: Figure, name: str, title: str) -> str:
    """Write a figure as an element for a page, with a title and without a colour of its own."""
    from lxml import etree

    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = etree.fromstring(buffer.getvalue())
    for unwanted in ("metadata", "style"):
        for element in root.findall(f".//{_NAMESPACE}{unwanted}"):
            element.getparent().remove(element)
    for element in root.iter(etree.Element):
        _adopt(element, name)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("class", "plot")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    heading = etree.Element(f"{_NAMESPACE}title", id=f"{name}-title")
    heading.text = title
    root.insert(0, heading)
    etree.cleanup_namespaces(root)
    text = etree.tostring(root, encoding="unicode")
    # A page's parser knows the namespace of what stands in <svg>.
    return re.sub(r' xmlns(?::xlink)?="[^"]*"', "", text)


def _adopt(element: Any, name: str) -> None:
    """Make inline styles attributes, stand-ins the page's colours, and ids unique."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":  # "9px 'DejaVu Sans', ...": the family is the page's affair
            size = re.search(r"[\d.]+px", value)
            key, value = "font-size", size.group() if size else "10px"
        if key in _ATTRIBUTES:
            element.set(key, value)
    target = element.attrib.pop(_HREF, None)
    if target is not None:
        element.set("href", target)
    for key, value in element.attrib.items():
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key == "href" and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        elif value.startswith("url(#"):
            element.set(key, f"url(#{name}-{value[5:]}")
        elif value.lower() in _COLOURS:
            element.set(key, _COLOURS[value.lower()])
    # Text without a colour of its own would be black in both themes.
    if element.tag == f"{_NAMESPACE}text" and "fill" not in element.attrib:
        element.set("fill", "currentColor")
