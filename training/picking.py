"""Pick the sentences most worth labelling, from a run or from files, with a model's scores."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import chain, count, groupby
from math import ceil, floor
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from framescope.classifier import bundles, output
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.reading import open_run
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_inputs, to_record
from framescope.classifier.inputs.exchange import read_record
from framescope.classifier.outlets import addresses
from framescope.classifier.records import Article, ArticleReport, Skipped, Unit, printable
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.data import splits
from framescope.training.labels import read_records
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table
from scipy.stats import rankdata

MOST = 20_000  # sentences; of more, whole articles are sampled, outlet by outlet
UNKNOWN = "unknown"  # the outlet of all articles without a publisher
_FEWEST_WORDS = 3
_ARTICLE_MOST = 5  # sentences picked of an article, where the articles are enough for that
_OUTLET_MOST = 0.2  # the share of all picks that an outlet may have, where they are enough
_RARE = 0.2  # the expected share of the candidates up to which a signal is rare
_TINY, _ROUNDING, _DIGITS = 1e-6, 1e-9, 4
_SHOWN = 20  # outlets of the summary

Floats = NDArray[np.float64]
Wanted = Sequence[str] | None  # signals; None for all
# An article without labels, its outlet, and of each sentence flags and scores: None if it's taken.
_Scored = tuple[Article, str, Sequence[tuple[Sequence[str], Sequence[float | None]]]]


class Candidates(NamedTuple):
    """What may be picked: n sentences, by article and unit, with k signals' `proba` (n, k)."""

    articles: list[Article]
    outlets: list[str]
    rows: list[tuple[int, int]]
    proba: Floats
    flags: list[list[str]]
    signals: tuple[str, ...]
    thresholds: Floats
    model: str
    digest: str


def _words(article: Article, at: int) -> str:
    unit = (article.units or ())[at]
    return article.text[unit.start : unit.end]


def _candidates(
    scored: Iterable[_Scored], known: Sequence[str], wanted: tuple[str, ...], limits: Any, *by: str
) -> Candidates:
    """Collect what may be picked by a model, its name and digest, that gives `known` signals."""
    articles: dict[str, Article] = {}
    outlets, rows, proba, flags = [], [], [], []
    for article, outlet, sentences in scored:
        names = chain([article.id], (f"{article.id}-{n}" for n in count(2)))
        name = next(name for name in names if name not in articles)  # ids are unique in a file
        for unit, (flagged, scores) in enumerate(sentences):
            free = None not in scores and ("content" not in known or "content" in flagged)
            if free and len(_words(article, unit).split()) >= _FEWEST_WORDS:
                rows.append((len(articles), unit))
                proba.append(scores)
                flags.append([flag for flag in flagged if flag in wanted])
        articles[name] = replace(article, id=name)
        outlets.append(outlet)
    thresholds = np.array([limits.get(name, 0.5) for name in wanted], float)  # an early run's lacks
    found = np.array(proba, float).reshape(len(rows), len(wanted))
    return Candidates([*articles.values()], outlets, rows, found, flags, wanted, thresholds, *by)


def is_run(path: str) -> bool:
    """Whether a path is a folder that `framescope batch` wrote, or what is left of one."""
    folder = RunFolder(Path(path))
    return folder.path.is_dir() and (folder.exists() or bool(folder.committed()))


def of_run(path: Path, signals: Wanted, seed: int = 0) -> Candidates:
    """Read candidates from a run; raise `InputError` for one that is not finished."""
    with open_run(RunFolder(path)) as database:
        manifest, scored_by_it = database.of_one_model()
        if not manifest.get("finished"):
            command = f"framescope batch --resume --output {path}"
            raise InputError(path, f"the run is not finished; resume it: {command}")
        model = manifest["model"]
        wanted = _wanted(signals, manifest["signals"], f"the run of {model['name']}")
        articles = database.rows(
            "SELECT article_id, outlet_key, outlet, told_by, id, title, url, date, lang, author, "
            f"site_name, characters, sentences FROM published WHERE {scored_by_it} "
            "ORDER BY article_id"
        )
        keys = ("outlet_key", "sentences", "article_id")
        sampled = _sample([tuple(row[key] for key in keys) for row in articles], seed)
        among = ", ".join(str(articles[at]["article_id"]) for at in sampled) or "NULL"
        names = ", ".join(f'"{name}"' for name in wanted)
        sentences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in database.rows(
            f'SELECT article_id, start, "end", text, flags, {names} FROM sentences '
            f"WHERE article_id IN ({among}) ORDER BY article_id, sentence"
        ):
            sentences[row["article_id"]].append(row)

    def scored(one: dict[str, Any]) -> _Scored:
        rows, text = sentences[one["article_id"]], ""
        for row in rows:  # a run keeps nothing between an article's sentences
            gap = row["start"] - len(text)
            text += (" " if gap == 1 else "\n" * gap) + row["text"]
        known = {key: one[key] for key in ("title", "url", "date", "lang", "author", "site_name")}
        outlet = None if one["told_by"] == "nothing" else one["outlet"]
        units = tuple(Unit(row["start"], row["end"]) for row in rows)
        known |= {"id": one["id"], "text": text.ljust(one["characters"])}
        article = Article(outlet=outlet, units=units, **known)
        described = [(row["flags"], [row[name] for name in wanted]) for row in rows]
        return article, outlet or UNKNOWN, described

    found, by = (scored(articles[at]) for at in sampled), (model["name"], model["digest"])
    return _candidates(found, manifest["signals"], wanted, manifest["thresholds"], *by)


def of_files(inputs: Sequence[str], bundle: bundles.Bundle, given: Wanted, seed: int) -> Candidates:
    """Score files, and tell of each article that can't be read or scored."""
    wanted = _wanted(given, bundle.signals, f"the bundle {bundle.name}")
    reports: list[ArticleReport] = []
    skipped: list[tuple[str, str]] = []
    scorer = Scorer(bundle, registry=bundle.registry, evidence=False, experimental=True)
    for item in scorer.score(read_inputs(inputs)):
        if isinstance(item, Skipped):
            skipped.append((item.source, item.reason))
        elif item.note is not None:
            skipped.append((str(item.article.origin or item.article.id), item.note))
        else:
            reports.append(item)
    if not reports:
        (source, reason), *others = skipped or [("input", "holds no article")]
        more = f" (and {len(others)} more that can't be used)" if others else ""
        raise InputError(source, reason + more)
    for source, reason in skipped:
        output.tell(f"{source}: {reason} (skipped)")
    outlets = [_outlet_of(one) for one in reports]

    def scored(at: int) -> _Scored:
        article, rows = reports[at].article, reports[at].sentences
        taken = {(unit.start, unit.end) for unit in article.units or () if unit.labels}
        units = tuple(Unit(row.start, row.end) for row in rows)
        free = [{} if (row.start, row.end) in taken else row.scores for row in rows]
        scores = ([of.get(name) for name in wanted] for of in free)
        described = [(row.flags, of) for row, of in zip(rows, scores, strict=True)]
        return replace(article, units=units, spans=(), labels={}), outlets[at], described

    sizes = [(outlets[at], len(one.sentences), at) for at, one in enumerate(reports)]
    found, by = map(scored, _sample(sizes, seed)), (bundle.name, bundle.digest)
    return _candidates(found, bundle.signals, wanted, bundle.thresholds, *by)


def _outlet_of(report: ArticleReport) -> str:
    """Return who published an article: by the registry, the page, or the host of its address."""
    article = report.article
    if report.source is not None and (publisher := report.source.publication.publisher) is not None:
        return publisher.outlet.name if publisher.outlet is not None else publisher.name
    named = (article.outlet or article.site_name or "").strip()
    return named or (addresses.host_in(article.url) if article.url else "") or UNKNOWN


def _wanted(given: Wanted, known: Sequence[str], model: str) -> tuple[str, ...]:
    """Return the sentence-level signals that are picked for: some, or all but `content`."""
    known = [name for name in known if BY_NAME[name].level is not Level.ARTICLE]
    if missing := [name for name in in_order(given or ()) if name not in known]:
        what = f"{model} doesn't give it; it gives {', '.join(known)}"
        if BY_NAME[missing[0]].level is Level.ARTICLE:
            what = "is one of whole articles; sentences are picked"
        raise InputError(f"--signal {missing[0]}", what)
    return in_order(given) if given else tuple(name for name in known if name != "content")


def _sample(articles: Sequence[tuple[Any, ...]], seed: int) -> list[int]:
    """Sample of (outlet, sentences, name) positions, the outlets by turns, of `MOST` sentences."""
    total = sum(size for _, size, _ in articles)
    if total <= MOST:
        return list(range(len(articles)))
    lots = [hashlib.sha256(f"{seed}|{name}".encode()).digest() for *_, name in articles]
    turn: dict[Any, Iterator[int]] = defaultdict(count)
    drawn = sorted(range(len(articles)), key=lots.__getitem__)
    keyed = [(next(turn[articles[at][0]]), lots[at], at) for at in drawn]
    found, taken = [], 0
    for *_, at in sorted(keyed):
        if taken + articles[at][1] <= MOST:
            found.append(at)
            taken += articles[at][1]
    of_all = f"of {total:,} sentences {taken:,} are considered"
    output.tell(f"{of_all}, in articles sampled outlet by outlet")
    return sorted(found)


def second_proba(candidates: Candidates, bundle: bundles.Bundle) -> tuple[Floats, Floats]:
    """Score the candidates by another model; what it lacks keeps the first one's scores."""
    given = f"--second {bundle.path}"
    shared = [name for name in candidates.signals if name in bundle.signals]
    if bundle.digest == candidates.digest:
        raise InputError(given, "is the first model too; give another bundle")
    if not shared:
        raise InputError(given, f"gives none of {', '.join(candidates.signals)}")
    columns = [candidates.signals.index(name) for name in shared]
    proba, thresholds = candidates.proba.copy(), candidates.thresholds.copy()
    thresholds[columns] = [bundle.thresholds[name] for name in shared]
    scorer = Scorer(bundle, shared, bundle.registry, evidence=False)
    reports = list(scorer.score(iter(candidates.articles)))
    for row, (article, unit) in enumerate(candidates.rows):
        if isinstance(report := reports[article], ArticleReport) and report.note is None:
            proba[row, columns] = [report.sentences[unit].scores[name] for name in shared]
    return proba, thresholds


# Each model's probabilities of k signals for n candidates, shape (n, k), and thresholds.
Models = Sequence[tuple[Floats, Floats]]


def centred(proba: Floats, thresholds: Floats) -> Floats:
    """Stretch probabilities so that each threshold lies at one half, and 0 and 1 stay."""
    limit = np.clip(thresholds, _TINY, 1 - _TINY)
    below, above = 0.5 * proba / limit, 0.5 + 0.5 * (proba - limit) / (1 - limit)
    return np.asarray(np.clip(np.where(proba < limit, below, above), _TINY, 1 - _TINY))


def _entropy(proba: Floats) -> Floats:
    return np.asarray(-(proba * np.log2(proba) + (1 - proba) * np.log2(1 - proba)))


def uncertainty(models: Models) -> Floats:
    """Return the entropy of the decision (Lewis & Gale, 1994, doi:10.1007/978-1-4471-2099-5_1)."""
    return _entropy(centred(*models[0]))


def disagreement(models: Models) -> Floats:
    """Return how far two models disagree (Seung et al., 1992, doi:10.1145/130385.130417)."""
    one, two = (centred(*model) for model in models)
    return _entropy((one + two) / 2) - (_entropy(one) + _entropy(two)) / 2


def rare(models: Models) -> Floats:
    """Return rare signals' probability (Attenberg & Provost, 2010, doi:10.1145/1835804.1835859)."""
    proba, _ = models[0]
    wanted = proba.mean(axis=0) <= _RARE
    return np.where(wanted if wanted.any() else True, proba, -np.inf)


METHODS = {"uncertainty": uncertainty, "disagreement": disagreement, "rare": rare}


def _parts_of(by: str) -> tuple[str, ...]:
    """Return the methods that take turns under a name; raise `InputError` for an unknown one."""
    names: dict[str, tuple[str, ...]] = {"mix": ("uncertainty", "disagreement")}
    names |= {name: (name,) for name in (*METHODS, "random")}
    if by not in names:
        close = get_close_matches(by, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"give one of {', '.join(names)}"
        raise InputError(f"--by {by}", f"no such method; {hint}")
    return names[by]


class Ranking(NamedTuple):
    """The `order` in which a method takes n candidates; the score of each, and for which signal."""

    order: NDArray[np.intp]
    signals: tuple[str | None, ...]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats, signals: Sequence[str]) -> Self:
        """Rank candidates by scores of shape (n, k), the signals by turns."""
        n, k = scores.shape
        ranks = rankdata(-scores, method="ordinal", axis=0)
        ranks[np.isneginf(scores)] = n + 1
        best = ranks.argmin(axis=1) if k else np.zeros(n, np.intp)
        turns = np.lexsort((best, ranks[np.arange(n), best]))
        named = tuple(signals[column] if k == len(signals) else None for column in best)
        return cls(turns, named, scores[np.arange(n), best])


def rankings(by: str, models: Models, signals: Sequence[str], seed: int = 0) -> dict[str, Ranking]:
    """Rank the candidates by each method that takes turns under a name."""
    if by == "random":
        return {by: Ranking.of(np.random.default_rng(seed).random((len(models[0][0]), 1)), ())}
    return {name: Ranking.of(METHODS[name](models), signals) for name in _parts_of(by)}


class Pick(NamedTuple):
    """A chosen candidate, the method that chose it, and for which signal, if it looks at any."""

    row: int
    by: str
    signal: str | None
    score: float


class Picked(NamedTuple):
    """The picks, in the order they were chosen; their rows are those of the candidates."""

    candidates: Candidates
    picks: tuple[Pick, ...]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the articles of the picks without labels; only picked sentences have scores."""
        found, chosen = self.candidates, {pick.row: pick for pick in self.picks}
        limits = zip(found.signals, found.thresholds.tolist(), strict=True)
        thresholds = {name: round(value, 6) for name, value in limits}
        for article, rows in groupby(sorted(chosen), key=lambda row: found.rows[row][0]):
            record = to_record(found.articles[article])
            for row in rows:
                pick, scores = chosen[row], found.proba[row].round(_DIGITS).tolist()
                of = {} if pick.signal is None else {"signal": pick.signal}
                record["sentences"][found.rows[row][1]] |= {
                    "scores": dict(zip(found.signals, scores, strict=True)),
                    "flags": found.flags[row],
                    "picked": {"by": pick.by, **of, "score": round(pick.score, _DIGITS)},
                }
            yield {**record, "report": {"model": found.model, "thresholds": thresholds}}

    def summary(self) -> Table:
        """Return a table of the picks by outlet and method."""
        outlets = [self.candidates.outlets[article] for article, _ in self.candidates.rows]
        methods = list(dict.fromkeys(pick.by for pick in self.picks))
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for pick in self.picks:
            counts[outlets[pick.row]][pick.by] += 1
        free = Counter(outlets)
        table = Table("outlet", *methods, "picked", "of", box=None, pad_edge=False)
        ranked = sorted(counts, key=lambda name: (-counts[name].total(), name))
        lines = [(escape(printable(name)), [name], free[name]) for name in ranked[:_SHOWN]]
        if rest := ranked[_SHOWN:]:
            lines.append((f"{len(rest):,} more outlets", rest, sum(free[name] for name in rest)))
        for title, names, of in (*lines, ("all", ranked, len(outlets))):
            total = sum((counts[name] for name in names), Counter[str]())
            cells = (str(total[method]) for method in methods)
            table.add_row(title, *cells, str(total.total()), f"{of:,}")
        return table


def pick(
    inputs: Sequence[str],
    n: int,
    by: str = "mix",
    *,
    signals: Wanted = None,
    model: str = "transformer",
    second: str | None = None,
    per_outlet: float | None = None,
    known: Sequence[Path] = (),
    seed: int = 0,
) -> Picked:
    """Pick the sentences that are most worth labelling, from one run's folder or from files."""
    methods, labelled = _parts_of(by), _labelled_texts(known)
    if not any(map(is_run, inputs)):
        candidates = of_files(inputs, bundles.load(model), signals, seed)
    elif len(inputs) == 1:
        candidates = of_run(Path(inputs[0]), signals, seed)
    else:
        run = next(filter(is_run, inputs))
        raise InputError(run, "is a run; pick from it alone, or give files")
    if not (rows := candidates.rows):
        raise InputError(inputs[0], "holds no sentence that can be picked; give more")
    models = [(candidates.proba, candidates.thresholds)]
    if "disagreement" in methods and (other := second or _other(candidates)):
        models.append(second_proba(candidates, bundles.load(other)))
    elif by == "mix":
        by = "uncertainty"
        output.tell("no other model reads these languages: picked by uncertainty alone")
    elif "disagreement" in methods:
        reason = "no other model reads these languages; give --second, or --by uncertainty"
        raise InputError("--by disagreement", reason)
    ranked = rankings(by, models, candidates.signals, seed)
    articles = [article for article, _ in rows]
    outlets = [candidates.outlets[article] for article in articles]
    texts = [_words(candidates.articles[article], unit) for article, unit in rows]
    picks = choose(ranked, n, outlets, articles, texts, labelled, per_outlet)
    if not picks:
        reason = "every sentence is labelled or picked already, or nearly the same as one that is"
        raise InputError(inputs[0], f"{reason}; give other texts")
    if len(picks) < n:
        found = f"only {len(picks):,} of {n:,} sentences are picked: of {len(rows):,}, the others"
        over = "over the share of an outlet (--per-outlet) or article"
        output.tell(f"{found} are nearly the same as these, or {over}")
    return Picked(candidates, tuple(picks))


def _other(candidates: Candidates) -> str | None:
    """Return a shipped model that reads the candidates' languages, and didn't score them."""
    spoken = {article.lang for article in candidates.articles} - {None}
    for name in bundles.shipped():
        manifest = bundles.read_manifest(bundles.resolve(name))
        if spoken <= {*manifest["languages"]} and bundles.digest_of(manifest) != candidates.digest:
            return name
    return None


def _labelled_texts(files: Sequence[Path]) -> list[str]:
    """Read the sentences that have a label, or that were picked before."""
    found = []
    for where, record in chain.from_iterable(map(read_records, files)):
        article = read_record(record, where)
        for unit, item in zip(article.units or (), record.get("sentences") or (), strict=False):
            if unit.labels or item.get("picked") is not None:
                found.append(article.text[unit.start : unit.end])
    return found


def choose(
    ranked: Mapping[str, Ranking],
    n: int,
    outlets: Sequence[str],
    articles: Sequence[object],
    texts: Sequence[str],
    known: Sequence[str] = (),
    share: float | None = None,
) -> list[Pick]:
    """Choose n candidates: methods take turns, each its highest that may still be taken.

    An outlet gets at most its share of the candidates, rounded up, and of the picks at most `share`
    (None for a fifth, or equal shares of fewer outlets). Texts nearly the same are taken once.
    """
    first, alike, gone = _near_duplicates(texts, known)
    free = [row for row in range(len(texts)) if first[row] not in gone]
    sizes = Counter(outlets[row] for row in free)
    in_article = Counter((outlets[row], articles[row]) for row in free)
    per_article = max(_ARTICLE_MOST, ceil(2 * n / max(len(in_article), 1)))
    per_outlet = ceil(n * max(_OUTLET_MOST, 1 / max(len(sizes), 1)) - _ROUNDING)
    if share is not None:
        per_outlet = max(floor(share * n + _ROUNDING), 1)
    most: Counter[str] = Counter()
    for (outlet, _), size in in_article.items():
        most[outlet] = min(most[outlet] + min(size, per_article), per_outlet)
    of_outlet: Counter[str] = Counter()
    of_article: Counter[object] = Counter()

    def take(row: int, limits: Mapping[str, int]) -> bool:
        outlet, article = outlets[row], articles[row]
        full = of_article[article] >= per_article or of_outlet[outlet] >= limits.get(outlet, 0)
        if full or first[row] in gone:
            return False
        of_outlet[outlet] += 1
        of_article[article] += 1
        gone.update(alike[first[row]])
        return True

    chosen, asked = list[Pick](), n
    while len(chosen) < n:
        limits, before = shares(asked, sizes, most), len(chosen)
        queues = {name: iter(ranking.order.tolist()) for name, ranking in ranked.items()}
        while queues and len(chosen) < n:
            for name in list(queues)[: n - len(chosen)]:
                one, row = ranked[name], next((r for r in queues[name] if take(r, limits)), None)
                if row is None:
                    del queues[name]
                else:
                    chosen.append(Pick(row, name, one.signals[row], float(one.scores[row])))
        if len(chosen) == before and limits == most:
            break
        # Near-duplicates were counted as if all could be taken: others make up for them.
        asked += max(n - len(chosen), 1)
    return chosen


def _near_duplicates(
    texts: Sequence[str], known: Sequence[str]
) -> tuple[list[int], dict[int, set[int]], set[int]]:
    """Return the first text with the same words as each, what is nearly the same, what is known."""
    everything = (*texts, *known)
    same = {row: rows[0] for rows in splits.same_words(everything, 1) for row in rows}
    first = [same.get(row, row) for row in range(len(everything))]
    distinct = sorted(set(first))
    alike = {row: {row} for row in distinct}
    sets = [splits.shingles(everything[row], splits.SENTENCE_WORDS) for row in distinct]
    for one, two in splits.similar_pairs(sets, splits.SENTENCE_THRESHOLD):
        alike[distinct[one]].add(distinct[two])
        alike[distinct[two]].add(distinct[one])
    gone = {other for row in first[len(texts) :] for other in alike[row]}
    return first[: len(texts)], alike, gone


def shares(n: int, sizes: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    """Return each outlet's part of n: in proportion to its size, rounded up, and at most `most`."""

    def at(scale: float) -> dict[str, int]:
        return {key: min(most[key], ceil(scale * n - _ROUNDING)) for key, n in sizes.items()}

    low, high = 0.0, float(max([1, *most.values()]))  # at which each has all that it may
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if sum(at(middle).values()) >= n else (middle, high)
    return at(high)
