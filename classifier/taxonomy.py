"""The signals: one ordered table, the only place where a label is named and explained.

Meanings are those of the project's annotation guidelines. The fourteen techniques are those of the
Propaganda Techniques Corpus as merged for SemEval-2020 task 11 (Da San Martino et al., 2020). Every
bundle has its columns in the order of ``taxonomy.tsv``. Users define their own signals in a TOML
file, and a bundle that was trained with them brings their definitions along; they come after those
that ship, by name. `BY_NAME`, `NAMES` and `SIGNALS` hold what is known when they are asked.
"""

import os
import re
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from framescope.classifier.errors import SignalError

ENVIRONMENT = "FRAMESCOPE_SIGNALS"
"""Names the file of a user's own signals, in place of the usual one."""
DEFINITIONS = "signal_definitions"
"""The key under which bundles and runs hold the definitions of signals that don't ship."""
_HOW = "docs/adding-a-signal.md"


class Family(StrEnum):
    """Which question a signal answers. Results of different families are never merged."""

    CONTENT = "content"
    SOURCING = "sourcing"
    FRAMING = "framing"
    ARTICLE = "article"


class Level(StrEnum):
    """The unit a signal is a property of."""

    SENTENCE = "sentence"
    SPAN = "span"  # marked by characters; the sentence label is 1 when any of a span lies in it
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the taxonomy."""

    name: str  # the identifier used in files and options
    label: str  # what a reader sees
    family: Family
    level: Level
    meaning: str  # one line, shown in reports
    origin: str  # where the definition comes from

    @property
    def definition(self) -> tuple[str, Family, Level, str]:
        """What two definitions of the same signal share; their labels may differ."""
        return self.name, self.family, self.level, self.meaning


def _signals() -> dict[str, Signal]:
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {
        name: Signal(name, label, Family(family), Level(level), meaning, origin)
        for name, label, family, level, meaning, origin in rows
    }


_NAME = re.compile(r"[a-z]+(_[a-z]+)*")  # as reports have it
_LONGEST_NAME, _LONGEST = 60, 300  # characters
_NEEDED = ("family", "level", "meaning")
_KEYS = ("label", *_NEEDED, "origin")
_ORIGIN = "this newsroom's own definition"
# What reports, labels and tables call other things, and what SQL does.
_TAKEN = frozenset(
    """
    about address antecedent article article_id articles author author_outlet author_outlet_name
    by_day by_outlet bytes carriers chain characters citations cited cited_as claims company content
    control corrections country cue date day digest distance error evidence experimental far
    first_day first_outlet first_url flags format found_by framing furniture gatherer government
    government_sentences header id imposter imprint index inner_voice input input_id inputs itself
    kind label labels lang last_day line lines links model most_flagged name networks note origin
    outlet outlets own own_sentences publisher publisher_name record record_high record_low relation
    remarks repeated_text repeats report republications rests_government rests_named rests_nobody
    rests_state_media rests_unnamed rests_vague runtime schema_version score scored scores sentence
    sentences signal signals site_name skipped source sourcing sourcing_map span spans stage start
    state_media state_media_sentences strength summary text text_digest texts thresholds title
    told_by undecided unsourced unsourced_own_claim url voice who_cites_whom

    all analyse analyze and anti any array as asc asof asymmetric at authorization between binary
    both by case cast check collate collation column columns concurrently constraint create cross
    default deferrable desc describe distinct do else end except exists false fetch for foreign
    freeze from full generated glob group having ilike in initially inner intersect interval into is
    isnull join lambda lateral leading left like limit map natural not notnull null offset on only
    or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify
    references returning right row select semi show similar some struct summarize symmetric table
    tablesample then to trailing true tuple union unique unpack unpivot using values variadic
    verbose when where window with
    """.split()  # noqa: SIM905, a word a line would be a hundred lines
)
_TAKEN_ENDINGS = ("_low", "_high", "_n", "_id", "_start", "_end")


def own_file() -> Path | None:
    """Return the file of a user's own signals: named by the environment, or the usual one."""
    if given := os.environ.get(ENVIRONMENT):
        path = Path(given)
        if not path.is_file():
            raise SignalError(f"{path}: no such file; {ENVIRONMENT} names the file of your signals")
        return path
    from platformdirs import user_config_path

    path = user_config_path("framescope") / "signals.toml"
    return path if path.is_file() else None


def _read_own(path: Path) -> tuple[Signal, ...]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # what is no UTF-8 too
        reason = " ".join(str(error).split())
        raise SignalError(f"{path}: can't be read as TOML ({reason}); see {_HOW}") from None
    for name in entries:
        if name in SHIPPED:
            raise SignalError(f"{path}: [{name}] ships with framescope; choose another name")
    return from_records(entries, str(path))


def to_records(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Write the definitions of those of some signals that don't ship, as `from_records` reads."""
    own = {name: asdict(BY_NAME[name]) for name in names if name not in SHIPPED}
    return {
        name: {key: str(value) for key, value in one.items() if key != "name"}
        for name, one in own.items()
    }


def from_records(entries: object, where: str) -> tuple[Signal, ...]:
    """Read definitions, a mapping from names to mappings; `where` is said of one that is wrong."""
    if not isinstance(entries, Mapping):
        raise SignalError(f"{where}: defines signals by no names; see {_HOW}")
    return tuple(_signal(name, entry, f"{where}: [{name}]") for name, entry in entries.items())


def _signal(name: str, entry: object, where: str) -> Signal:
    def fail(reason: str) -> SignalError:
        return SignalError(f"{where[:200]} {reason}")

    if not isinstance(entry, Mapping):
        raise fail("is no entry; write [NAME], and below it family, level and meaning")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        how = "use small letters and single underscores, such as clickbait_headline"
        raise fail(f"is no name of a signal; {how}")
    if name in _TAKEN or name.endswith(_TAKEN_ENDINGS):
        raise fail("is what reports or tables call something else; choose another name")
    for key in entry:
        if key not in _KEYS:
            close = get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(_KEYS)}"
            raise fail(f"has an unknown key '{key}'; {hint}")
    if missing := [key for key in _NEEDED if key not in entry]:
        raise fail(f"has no {missing[0]}; it needs {', '.join(_NEEDED)}")
    texts: dict[str, str] = {}
    for key, value in entry.items():
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise fail(f"needs text on one line as {key}")
        if len(value) > _LONGEST:
            raise fail(f"has a {key} of more than {_LONGEST} characters; shorten it")
        texts[key] = value.strip()
    for key, kinds in (("family", Family), ("level", Level)):
        if texts[key] not in list(kinds):
            close = get_close_matches(texts[key], list(kinds), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise fail(f"has the {key} '{texts[key]}'; give one of {', '.join(kinds)}{hint}")
    if texts["family"] == Family.ARTICLE and texts["level"] != Level.ARTICLE:
        raise fail("has the family 'article', which is of whole articles; give the level 'article'")
    label, origin = texts.get("label", name.replace("_", " ")), texts.get("origin", _ORIGIN)
    family, level = Family(texts["family"]), Level(texts["level"])
    return Signal(name, label, family, level, texts["meaning"], origin)


class _Known(Mapping[str, Signal]):
    """Every signal by name, those that ship first; the user's file is read when it is needed."""

    def __init__(self, shipped: Mapping[str, Signal]) -> None:
        self._shipped = shipped
        self._lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._all = self._shipped  # replaced whole, so that readers need no lock
            self.where: dict[str, str] = {}
            self._read = False

    def __getitem__(self, name: str) -> Signal:
        found = self._all.get(name)
        return self.complete()[name] if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self.complete())

    def __len__(self) -> int:
        return len(self.complete())

    def complete(self) -> Mapping[str, Signal]:
        if not self._read:
            with self._lock:
                # A file that can't be read is refused whenever it is asked for.
                if not self._read and (path := own_file()) is not None:
                    self.add(_read_own(path), str(path))
                self._read = True
        return self._all

    def add(self, signals: Iterable[Signal], where: str) -> None:
        with self._lock:
            added, told = dict(self._all), dict(self.where)
            for signal in signals:
                if added.setdefault(signal.name, signal).definition != signal.definition:
                    place = told.get(signal.name, "framescope, with which it ships")
                    raise SignalError(
                        f"{where}: [{signal.name}] means something else in {place}; rename one of "
                        "them, or give both the same family, level and meaning"
                    )
                if signal.name not in self._shipped:
                    told.setdefault(signal.name, where)
            own = sorted(added.keys() - self._shipped.keys())
            self._all = {**self._shipped, **{name: added[name] for name in own}}
            self.where = told


_SHIPPED = _signals()
_KNOWN = _Known(_SHIPPED)

BY_NAME: Mapping[str, Signal] = _KNOWN
NAMES = BY_NAME.keys()
SIGNALS = BY_NAME.values()
SHIPPED: tuple[str, ...] = tuple(_SHIPPED)
"""The names of those that ship."""
TECHNIQUES: tuple[str, ...] = tuple(
    name for name, one in _SHIPPED.items() if one.level is Level.SPAN and name != "any_technique"
)
"""The fourteen; an own signal that is marked by characters is none of them."""


def declare(signals: Iterable[Signal], where: str, *, keep: bool = False) -> None:
    """Make a user's own signals known, all or none; `keep` leaves known definitions alone."""
    known = _KNOWN.complete()
    _KNOWN.add((one for one in signals if not keep or one.name not in known), where)


def defined_in(name: str) -> str | None:
    """Return the file or bundle that defines a signal; None for those that ship."""
    _KNOWN.complete()
    return _KNOWN.where.get(name)


def forget_own() -> None:
    """Forget the own signals; the user's file is read again when it is asked for."""
    _KNOWN.forget()


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort signal names into taxonomy order, each once; `SignalError` suggests a close name."""
    wanted = set(names)
    if wanted <= set(SHIPPED):
        return tuple(name for name in SHIPPED if name in wanted)
    for name in sorted(wanted - BY_NAME.keys()):
        close = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {close[0]}?" if close else "known signals: " + ", ".join(NAMES)
        raise SignalError(f"unknown signal '{name}'; {hint}")
    return tuple(name for name in NAMES if name in wanted)
