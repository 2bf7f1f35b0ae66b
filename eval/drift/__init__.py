"""A run compared with an earlier one or with its bundle: the verdict, as text, record and page."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import __version__, bundles
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import InputError
from framescope.classifier.taxonomy import BY_NAME
from framescope.eval.drift import measures
from framescope.eval.drift.measures import DriftMeasure, RunArticles, log_odds
from framescope.eval.metrics import holm
from framescope.eval.sections import Plot, Row, Section, Table, sections_to_html, table
from numpy.typing import NDArray

_FEWEST = 30
_SHOWN = 6  # figures of a measure that a verdict names
_MEASURES = 6  # whose p are corrected together: the least p of permutations must allow for that
_TITLES = {"distance": "distance to the training data"}
_WIDTH, _HEIGHT = 220, 60  # of a plot
_OUTLETS = 18


class DriftReport(NamedTuple):
    """What was compared, and what has changed; ``few``: why there is no verdict."""

    now: RunArticles
    before: RunArticles | Bundle
    measures: tuple[DriftMeasure, ...]
    level: float
    few: str = ""

    @property
    def found(self) -> tuple[DriftMeasure, ...]:
        """The measures that have changed."""
        return tuple(one for one in self.measures if one.found)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence, without a full stop."""
        if self.few:
            return f"too few articles: {self.few}"
        return f"drift: {'; '.join(map(_named, self.found))}" if self.found else "no drift found"

    def record(self) -> dict[str, Any]:
        """Return the report as JSON holds it."""
        before = self.before
        words = next((m for m in self.measures if m.name == "vocabulary" and m.figures), None)
        return {
            "verdict": self.verdict,
            "drift": None if self.few else bool(self.found),
            "found": [one.name for one in self.found],
            "level": self.level,
            "now": _run_record(self.now),
            "before": _run_record(before) if isinstance(before, RunArticles)
            else {"bundle": before.name, "digest": before.digest},
            "measures": self.measures,
            "words": words and {"more": words.more, "less": words.less},
        }  # fmt: skip

    def section(self) -> Section:
        """Return one line per measure, then the figures of those that have changed."""
        tables = (found for one in self.found for found in _tables(one, _SHOWN))
        return Section(self._note(), (self._overview(), *tables))

    def page(self) -> str:
        """Return the report as one HTML page that needs nothing else."""
        sections = {"What was compared": Section(self._note(), (self._overview(),))}
        for one in self.measures:
            if one.figures:
                tables = *_tables(one), *([self._outlets()] if one.name == "outlets" else ())
                sections[_title(one)] = Section(f"{_verdict(one)}.", tables, (*self._plots(one),))
        title = f"{self.now.name} compared with {self._against}"
        signature = f"framescope {__version__} | {self.now.bundle[0]} {self.now.bundle[1][:12]}"
        return sections_to_html(title, _sentence(self.verdict), sections, signature)

    @property
    def _runs(self) -> list[RunArticles]:
        return [one for one in (self.before, self.now) if isinstance(one, RunArticles)]

    @property
    def _against(self) -> str:
        one = self.before
        return one.name if isinstance(one, RunArticles) else f"the training data of {one.name}"

    def _note(self) -> str:
        sizes = f"{len(self.now):,} articles of {self.now.name}, compared with {self._against}"
        if isinstance(self.before, RunArticles):
            sizes += f" ({len(self.before):,} articles)"
        notes = (f"{_title(one)}: {one.note}." for one in self.measures if one.note)
        return "\n".join([_sentence(self.verdict), f"{sizes}.", *notes])

    def _overview(self) -> Table:
        rows: list[Row] = []
        for one in self.measures:
            first = [(figure.name, *figure.words) for figure in one.ordered[:1]] or [("",) * 4]
            p = "" if math.isnan(one.p) else "< 0.001" if one.p < 0.001 else f"{one.p:.3f}"
            rows.append((_title(one), _verdict(one), *first[0], p))
        columns = ("measure", "verdict", "most", "before", "now", "effect, 95% interval", "p")
        return table("What was compared", columns, rows)

    def _outlets(self) -> Table:
        runs = self._runs
        sides = [Counter(one.outlet.tolist()) for one in runs]
        names = {key: name for one in runs for key, name in one.outlet_names.items()}
        rows = (
            (names.get(key) or key, *(f"{one[key] / one.total():.1%}" for one in sides))
            for key, _ in sum(sides, Counter[str]()).most_common(_OUTLETS)
        )
        return table("Articles by outlet", ("outlet", "before", "now"), rows)

    def _plots(self, measure: DriftMeasure) -> Iterator[Plot]:
        runs, scores = self._runs, measure.name == "scores"
        if len(runs) < 2:
            return
        for name in (one.name for one in measure.ordered if scores or one.name == "distance"):
            found = [run.scores[name] if scores else run.distance for run in runs]
            sides = [one[~np.isnan(one)] for one in found]
            label, edges = "Distance", np.linspace(0, 1, 21)
            if scores:
                label, edges = BY_NAME[name].label, np.linspace(-5, 5, 25)
                sides = [log_odds(one).clip(-5, 5) for one in sides]
            changed = " (changed)" if name in measure.found else ""
            yield Plot(label + changed, _histograms(sides, edges), ())


def compare_runs(
    run: Path, against: str, data: Sequence[Path], *, level: float, most: int, seed: int
) -> DriftReport:
    """Compare at most `most` articles of a run with an earlier run, or with its bundle's data."""
    now = measures.read_articles(run, most)
    labels = measures.read_labels(data, now) if data else {}
    is_run = RunFolder(Path(against)).exists()
    before = measures.read_articles(Path(against), most) if is_run else _bundle(against, now)
    small = [one for one in (now, before) if isinstance(one, RunArticles) and len(one) < _FEWEST]
    if small:
        few = " and ".join(f"{one.name} has {len(one):,} scored articles" for one in small)
        return DriftReport(now, before, (), level, f"{few}; it takes {_FEWEST}")
    if not isinstance(before, RunArticles):
        found = measures.of_bundle(now, before)
    else:
        both = measures.TwoRuns(before, now, math.ceil(_MEASURES / level), seed)
        if now.bundle == before.bundle:
            scored, distance = measures.of_signals(both), measures.distances(both)
        else:
            runs = (before, now)
            names = (f"{one.name} by {one.bundle[0]} ({one.bundle[1][:12]})" for one in runs)
            note = f"not compared: {' and '.join(names)} were scored by different bundles"
            kinds = ("scores", "flags", "distance")
            *scored, distance = [DriftMeasure(name, note=note) for name in kinds]
        found = [*scored, measures.vocabulary(both), measures.outlets(both), distance]
    if labels:
        found.append(measures.calibration(labels, seed))
    corrected = holm([one.least_p for one in found])
    decided = (one.decided(p, level) for one, p in zip(found, corrected, strict=True))
    return DriftReport(now, before, tuple(decided), level)


def _bundle(against: str, now: RunArticles) -> Bundle:
    if Path(against).is_dir() and not (Path(against) / bundles.MANIFEST).is_file():
        raise InputError(against, "neither a run nor a bundle; give --against one of them")
    found, (name, digest) = bundles.load(against), now.bundle
    if digest != found.digest:
        scored = f"{now.name} was scored by {name} ({digest[:12]})"
        other = f"is {found.name} ({found.digest[:12]}), and {scored}"
        raise InputError(against, f"{other}; give --against that one, or a run")
    return found


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _title(measure: DriftMeasure) -> str:
    return _TITLES.get(measure.name, measure.name).capitalize()


def _verdict(measure: DriftMeasure) -> str:
    return "CHANGED" if measure.found else "not tested" if math.isnan(measure.p) else "no change"


def _named(measure: DriftMeasure) -> str:
    names = [one.name for one in measure.ordered if one.name in measure.found]
    if measure.more:
        names = [word.word for word in measure.more[:3]] + ["…"]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{_title(measure).lower()} ({', '.join(names[:_SHOWN])}{more})"


def _tables(measure: DriftMeasure, most: int | None = None) -> Iterator[Table]:
    """Yield the figures; where there are more than `most`, only those that have changed."""
    columns = ("", "before", "now", "effect, 95% interval", "changed")
    rows = (
        (f.name, *f.words, "yes" if f.name in measure.found else "")
        for f in measure.ordered
        if most is None or f.name in measure.found or len(measure.figures) < most
    )
    yield table(_title(measure), columns, rows)
    if measure.more:
        words = (
            (one.word, way, f"{one.before:.1%}", f"{one.now:.1%}")
            for way in ("more", "less")
            for one in getattr(measure, way)[:most]
        )
        yield table("Words by share of articles", ("word", "", "before", "now"), words)


def _histograms(sides: Sequence[NDArray[Any]], edges: NDArray[Any]) -> str:
    shares = np.array([np.histogram(one, edges)[0] / max(len(one), 1) for one in sides])
    heights, width = _HEIGHT * (1 - 0.95 * shares / (shares.max() or 1)), _WIDTH / (len(edges) - 1)
    paths = []
    for side in heights:
        steps = (f"L{at * width:.1f} {y:.1f}H{(at + 1) * width:.1f}" for at, y in enumerate(side))
        paths.append(f"M0 {_HEIGHT}{''.join(steps)}V{_HEIGHT}")
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT + 1}" role="img" aria-label="Outline: '
        f'before; filled: now"><path d="{paths[1]}" fill="var(--model-b)" fill-opacity="0.5"/>'
        f'<path d="{paths[0]}" fill="none" stroke="currentColor"/></svg>'
    )


def _run_record(run: RunArticles) -> Mapping[str, Any]:
    return {
        "run": run.name, "articles": len(run), "texts": run.total,
        "outlets": len(set(run.outlet.tolist())), "bundle": run.bundle[0], "digest": run.bundle[1],
    }  # fmt: skip
