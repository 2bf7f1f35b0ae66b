"""Loading bundles, every digest being checked first; and listing and describing them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from framescope.classifier import models
from framescope.classifier.bundles import manifest as manifests
from framescope.classifier.bundles import store as stores
from framescope.classifier.errors import BundleError, InputError, SignalError
from framescope.classifier.languages import code_of, name_of
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.output import tell
from framescope.classifier.records import Article
from framescope.classifier.runtime import instructions
from framescope.classifier.taxonomy import SIGNALS, defined_in

_Rows = list[dict[str, Any]]
_UNKNOWN = dict.fromkeys(("bundle", "kind", "digest", "format", "signals", "code_version", "path"))


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle."""

    path: Path
    manifest: Mapping[str, Any]
    model: models.Model
    registry: Registry | None = None  # whose outlets the model recognises
    domain: models.TrainingDomain | None = None  # older bundles don't describe their training data

    @property
    def name(self) -> str:
        """The name that reports show."""
        return str(self.manifest["name"])

    @property
    def digest(self) -> str:
        """The `digest_of` the manifest."""
        return manifests.digest_of(self.manifest)

    @property
    def runtime(self) -> str:
        """What computes the scores: the library, its version, the processor's instructions."""
        return f"{self.model.runtime}, {instructions()}"

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the model scores, in taxonomy order."""
        return self.model.signals

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The probability at which each signal is flagged."""
        return dict(self.manifest["thresholds"])

    @property
    def experimental(self) -> frozenset[str]:
        """The signals whose flags are right too seldom to be shown unasked."""
        return frozenset(self.manifest.get("experimental", ()))

    def threshold(self, signal: str, corpus: str, language: str = "en") -> float:
        """Return the threshold of a signal on a corpus, which may label it in another sense."""
        elsewhere = self.manifest.get("thresholds_elsewhere", {})
        there = {**elsewhere.get(corpus, {}), **elsewhere.get(f"{corpus}/{language}", {})}
        return float(there.get(signal, self.manifest["thresholds"][signal]))

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages it was trained on."""
        return tuple(self.manifest["languages"])

    def in_state(self, state: str, language: str | None) -> frozenset[str]:
        """Return the signals measured in a language on "real" text, on "written", or on "none"."""
        measured = self.manifest.get("measured", {}).items() if language else ()
        return frozenset(s for s, each in measured if _state(each, language) == state)

    @cached_property
    def seen(self) -> frozenset[int]:
        """The digests of the articles that it learned from or was calibrated on."""
        return manifests.read_seen(self.path)

    def has_seen(self, article: Article) -> bool:
        """Whether it learned from this text, or as articles from at least half its sentences."""
        units = [article.text[one.start : one.end] for one in article.units or ()]
        of_units = sum(manifests.text_digest(one) in self.seen for one in units)
        return manifests.text_digest(article.text) in self.seen or 0 < len(units) <= 2 * of_units


def _state(measured: Mapping[str, Mapping[str, Any]], language: str | None) -> str:
    return str(measured.get(language or "", {}).get("state", "none"))


def refuse_seen(
    bundles: Sequence[Bundle], articles: Sequence[Article], files: Sequence[object], how: str = ""
) -> None:
    """Raise `InputError` where a bundle has seen articles of a user's files; `how` says the way."""
    for bundle in bundles:
        if not bundle.seen:
            _tell_once(f"{bundle.path}: keeps no list of articles seen; yours may be among them")
        elif count := sum(map(bundle.has_seen, articles)):
            # Of two bundles, the second is the one that a user has trained.
            kept = bundle.path.with_name(f"{bundle.path.name}.run") / "added" / "test.jsonl"
            given = bundle is not bundles[-1] or str(kept) in map(str, files)
            new = "label new articles" if given or not kept.is_file() else f"give others, as {kept}"
            raise InputError(
                ", ".join(map(str, files)),
                f"{bundle.name} has learned from or was calibrated on {count:,} of the "
                f"{len(articles):,} articles; {how or new}, or accept figures that are too good: "
                "--allow-seen",
            )


_tell_once = cache(tell)  # of one command, which may ask for several files


def load(model: str | Path, registry: Registry | None = None) -> Bundle:
    """Load a bundle, as `resolve` takes it, and check every file's digest."""
    folder = stores.resolve(model)
    manifest = manifests.verify(folder)
    manifests.define(manifest, folder)
    registry = load_registry() if registry is None else registry
    fitted = load_model(folder, manifest, registry)
    domain = None
    if models.DOMAIN in manifest["files"]:
        with models.whole(folder / models.DOMAIN):
            domain = models.TrainingDomain.load(folder, len(manifest["signals"]))
    return Bundle(folder, manifest, fitted, registry, domain)


def load_model(folder: Path, manifest: Mapping[str, Any], registry: Registry) -> models.Model:
    """Load the model of a bundle, with its heads, if it has any."""
    calibration = models.Calibration.from_record(manifest["calibration"])
    below = models.Calibration.from_record(manifest.get(models.BEFORE, manifest)["calibration"])
    fitted = manifests.KINDS[manifest["kind"]](folder, below, registry)
    rounds = models.rounds_of_heads(manifest["files"])
    for number in range(1, rounds + 1):
        heads = models.LinearHeads.load(folder, number, registry)
        fitted = models.HeadedModel(fitted, heads, calibration if number == rounds else None)
    if fitted.signals != tuple(manifest["signals"]):
        raise BundleError(f"{folder}: the model's signals are not those of its manifest")
    return fitted


def _facts(folder: Path) -> dict[str, Any]:
    manifest = manifests.read_manifest(folder)
    manifests.check_card(folder)
    digest, code = manifests.digest_of(manifest), manifest.get("code_version")
    known = {"bundle": manifest["name"], "kind": manifest["kind"], "digest": digest}
    known |= {"format": manifest["format"], "signals": len(manifest["signals"])}
    return {**known, "code_version": code, "path": str(folder)}


def list_bundles(store: stores.ModelStore) -> _Rows:
    """List the shipped bundles and every version in a store, and of each whether it can be used."""
    nothing = dict.fromkeys(("version", "current", "promoted"))
    ships = {**nothing, "state": "ships"}
    found = [{"name": one, **ships, **_facts(stores.resolve(one))} for one in stores.shipped()]
    for name in store.names():
        try:
            found += _versions(store, name)
        except BundleError as error:
            found.append({"name": name, **nothing, "state": str(error), **_UNKNOWN})
    return found


def _versions(store: stores.ModelStore, name: str) -> Iterator[dict[str, Any]]:
    promoted = store.get(name)
    when = {event["version"]: event["when"] for event in store.promotions(name)}
    for number in ([0] if promoted.current == 0 else []) + sorted(promoted.versions):
        head = {
            "name": name, "version": number, "current": number == promoted.current,
            "promoted": when.get(number), "state": "ok" if number else "ships",
        }  # fmt: skip
        try:
            yield {**head, **_facts(promoted.path(number))}
        except BundleError as error:
            facts = {**_UNKNOWN, "digest": promoted.versions.get(number)}
            yield {**head, "state": str(error), **facts}


def describe(word: str, store: stores.ModelStore) -> dict[str, Any]:
    """Return everything that a bundle says of itself, and the history of its name."""
    parts = stores.split_name(word)
    name = parts[0] if parts and parts[0] not in stores.shipped() else None
    history = list(store.history(name)) if name is not None else []
    promoted = store.find(name) if name is not None else None
    if promoted is None and history and not Path(word).is_dir():  # every candidate was refused
        return {"name": name, "history": history}
    folder = stores.resolve(word)
    manifest = manifests.read_manifest(folder)
    sizes = (folder / one for one in (manifests.MANIFEST, manifests.CARD, *manifest["files"]))
    found: dict[str, Any] = {
        "name": word, **_facts(folder),
        "bytes": sum(path.stat().st_size for path in sizes if path.is_file()),
        "languages": manifest["languages"], "thresholds": manifest["thresholds"],
        "corpora": manifest.get("corpora", []),
        "earlier_corpora": manifest.get("earlier_corpora", []),
        "split": manifest.get("split"), "seed": manifest.get("seed"),
        "settings": manifest.get("settings", {}), "metrics": manifest.get("metrics", []),
    }  # fmt: skip
    if stores.is_address(word):
        found["revision"] = folder.name
    if promoted is not None:
        found |= {"current": promoted.current, "versions": dict(promoted.versions)}
        found["history"] = history
    return found


_MEASURED = ("state", "n", "positives", "ap", "low", "high", "precision", "recall")


def list_signals(model: str | None = None, language: str | None = None) -> tuple[str, _Rows]:
    """Return a bundle's name, and its signals; those of a language with what is known of each."""
    words = stores.defaults() if model is None else (model,)
    found = manifests.read_manifest(stores.resolve(words[0]))
    if language is not None:
        code = code_of(language)
        every = [found, *(manifests.read_manifest(stores.resolve(word)) for word in words[1:])]
        known = [one for one in every if code in one["languages"]]
        if not known:
            codes = dict.fromkeys(one for each in every for one in each["languages"])
            names = ", ".join(f"{name_of(one)} ({one})" for one in codes)
            raise SignalError(f"--language {language}: not read; known: {names}")
        found = known[0]
    rows = [
        {**asdict(one), "family": str(one.family), "level": str(one.level)}
        | {"given": one.name in found["signals"], "threshold": found["thresholds"].get(one.name)}
        | {"experimental": one.name in found.get("experimental", ())}
        | ({"defined_in": place} if (place := defined_in(one.name)) is not None else {})
        for one in SIGNALS
    ]
    if language is not None:
        measured, unknown = found.get("measured", {}), dict.fromkeys(_MEASURED)
        rows = [
            one | unknown | measured.get(one["name"], {}).get(code, {})
            | {"state": _state(measured[one["name"]], code) if one["name"] in measured else "real"}
            for one in rows
            if one["given"]
        ]  # fmt: skip
    return str(found["name"]), rows
