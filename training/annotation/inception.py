"""INCEpTION: a document an article, as UIMA CAS in XMI, with layers of its own.

Formats: "UIMA CAS XMI (XML 1.0)" and "UIMA CAS JSON 0.4.0" of INCEpTION's user guide, read and
written by dkpro-cassis, which turns UIMA's UTF-16 offsets into code points and back. Annotators'
files of a project's export (``annotation/DOCUMENT/USER.zip``) are read too.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from framescope.classifier.errors import need
from framescope.classifier.records import Article, SourceKind
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.marking import FLAGS, Marked, Marking, MarkRole, to_marking
from framescope.training.annotation.scheme import (
    KINDS,
    ON_TOP,
    ROLES,
    Question,
    Scheme,
    guidance,
    scheme_for,
)
from framescope.training.annotation.streams import about_article
from framescope.training.annotation.task import AnnotationError, Assignment
from framescope.training.annotation.tool import README, File, Gathered, Returned, Tool, as_json

TITLE = "INCEpTION"
SENTENCE, TECHNIQUE, PART, LINK, ARTICLE = (
    f"webanno.custom.{name}"
    for name in ("Sentence", "Technique", "Part", "CitationLink", "Article")
)
"""Names of the layers; INCEpTION asks for the prefix."""
_DKPRO_SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
TYPES = "TypeSystem.xml"
_RECORD, _BY = "framescope", "annotator"  # features of the article's layer
_UNMAPPED = re.compile(r"(?<=external offset )\[\d+\]")
_NOBODY = ("INITIAL_CAS", "CURATION_USER")
# Characters that XML 1.0 has no way to write.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_STEPS = """\
1. In INCEpTION make a project; under *Settings, Layers* import `TypeSystem.xml`: layers *Sentence*,
   *Technique*, *Part* and *CitationLink*, and *Article* for the document as a whole.
2. Under *Settings, Tag sets* import `tagsets/*.json` where you want lists to choose from, and under
   *Settings, Documents* the `*.xmi`, as "UIMA CAS XMI (XML 1.0)". What is labelled in them is there
   for every annotator.
3. Label. Link the parts of a citation with its content by *CitationLink*.
4. Export the project (or single documents, as XMI or JSON), and run
   `framescope annotate import EXPORT.zip --from inception --articles articles.jsonl -o mine.jsonl`.
"""


def _cassis() -> Any:
    return need("cassis", "INCEpTION's files need", "annotate")


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write a file an article, the layers, tag sets, and what to do with them.

    Raises
    ------
    AnnotationError
        When a text holds a character that XML can't: which.
    FramescopeError
        Without dkpro-cassis.
    """
    types = _types(scheme)
    xml = types.to_xml()
    files = {TYPES: xml if isinstance(xml, bytes) else xml.encode()}
    for name, tagset in _tagsets(scheme).items():
        files[f"tagsets/{name}.json"] = as_json(tagset)
    named = names(tasks)
    for task in tasks:
        files[named[task.article.id]] = _document(task, types, scheme)
    return {**files, README: guidance(scheme, _STEPS)}


def names(tasks: Sequence[Assignment]) -> dict[str, str]:
    """Give the name of each article's file, by id."""
    return {
        task.article.id: f"{number:05}-{slug(task.article.id)}.xmi"
        for number, task in enumerate(tasks, start=1)
    }


def slug(name: str) -> str:
    """Give a name as every file system takes it; it need not be unique."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "article"


def _types(scheme: Scheme) -> Any:
    types = _cassis().load_dkpro_core_typesystem()
    string = "uima.cas.String"

    def layer(name: str, parent: str, meaning: str, asked: Sequence[Question]) -> Any:
        made = types.create_type(name, parent, meaning)
        for one in asked:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", one.name):
                raise AnnotationError(
                    f"'{one.name}' can't be a feature in INCEpTION, which takes letters, digits "
                    "and underscores; give the signal another name"
                )
            offered = f"{one.meaning} ({', '.join(one.answers)})" if one.answers else one.meaning
            types.create_feature(made, one.name, string, description=offered)
        return made

    annotation = "uima.tcas.Annotation"
    layer(SENTENCE, annotation, ROLES[MarkRole.SENTENCE], scheme.of_sentences)
    meanings = "; ".join(f"{one.name}: {one.meaning}" for one in scheme.techniques)
    layer(TECHNIQUE, annotation, meanings, [Question("signal", (), "the technique's name")])
    roles = "; ".join(f"{role}: {ROLES[role]}" for role in scheme.roles)
    kinds = "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
    asked = [
        Question("role", tuple(scheme.roles), roles),
        Question("kind", tuple(KINDS), f"of a content's source. {kinds}"),
        *(Question(flag, ("yes", "no"), ON_TOP[flag]) for flag in FLAGS),
    ]
    part = layer(PART, annotation, "a part of a citation", asked)
    link = types.create_type(LINK, annotation, "leads from a content to what belongs to it")
    for end in ("Governor", "Dependent"):
        types.create_feature(link, end, part)
    own = [Question(_RECORD, (), "what framescope needs"), Question(_BY, (), "whose labels")]
    layer(ARTICLE, "uima.cas.AnnotationBase", "the whole article", [*scheme.of_article, *own])
    return types


def _tagsets(scheme: Scheme) -> dict[str, dict[str, Any]]:
    """Write tag sets as INCEpTION imports them: names, and what they mean."""
    sets = {
        "roles": {role.value: ROLES[role] for role in scheme.roles},
        "techniques": {one.name: one.meaning for one in scheme.techniques},
        "kinds": {kind.value: meaning for kind, meaning in KINDS.items()},
        "yes-no": {"yes": "", "no": ""},
    }
    sets |= {
        one.name: dict.fromkeys(one.answers, one.meaning)
        for one in scheme.of_sentences
        if one.answers != ("yes", "no")
    }
    return {
        name: {
            "name": f"framescope {name}",
            "language": "en",
            "description": "",
            "tags": [{"tag_name": tag, "tag_description": text} for tag, text in tags.items()],
            "create_tag": False,
        }
        for name, tags in sets.items()
        if tags
    }


def _document(task: Assignment, types: Any, scheme: Scheme) -> bytes:
    article, begun = task.article, task.begun
    about = json.dumps(about_article(article), ensure_ascii=True)
    bad = _NO_XML.search(article.text)
    if bad is not None:
        raise AnnotationError(
            f"article '{article.id}': holds the character U+{ord(bad.group()):04X} at "
            f"{bad.start()}, which XML can't write; take it out, or use another tool"
        )
    cas = _cassis().Cas(types)
    cas.sofa_string, cas.sofa_mime = article.text, "text/plain"
    kinds = {name: types.get_type(name) for name in (SENTENCE, TECHNIQUE, PART, LINK, ARTICLE)}
    marking = to_marking(begun)
    by = begun.by if task.labelled else None
    cas.add(kinds[ARTICLE](**{_RECORD: about, _BY: by}, **marking.answers))
    made: dict[str, Any] = {}
    for mark in marking.marks:
        place = {"begin": mark.start, "end": mark.end}
        if mark.role is MarkRole.SENTENCE:
            cas.add(types.get_type(_DKPRO_SENTENCE)(**place))
            made[mark.id] = kinds[SENTENCE](**place, **mark.answers)
        elif mark.role is MarkRole.SPAN:
            made[mark.id] = kinds[TECHNIQUE](**place, signal=mark.signal)
        else:
            made[mark.id] = kinds[PART](**place, role=mark.role.value, **mark.answers)
        cas.add(made[mark.id])
    for one, other in marking.links:
        first, last = made[one], made[other]
        # A relation stands where its target does, as INCEpTION writes it.
        cas.add(kinds[LINK](begin=last.begin, end=last.end, Governor=first, Dependent=last))
    written = cas.to_xmi()
    assert isinstance(written, str)
    return written.encode()


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read documents: XMI with its type system beside it, or JSON."""
    found: list[Returned] = []
    for file in given.of(".xmi", ".json"):
        if file.stem in _NOBODY or _is_about_the_project(file):
            continue
        cas = _cas(file, given)
        where = file.name
        if not (cas.sofa_string or "").strip():
            raise AnnotationError(f"{where}: a document without text; take it out of the export")
        article, by, answers = _article(cas, file, given, where)
        marking = _marking(cas, article, where)
        found.append(
            Returned(article, Marking(marking.marks, marking.links, answers, by=by), "", where)
        )
    return found


def _is_about_the_project(file: File) -> bool:
    """Tell a project's settings, and tag sets, from documents."""
    if not file.base.endswith(".json"):
        return False
    return "%FEATURE_STRUCTURES" not in file.data.decode("utf-8", errors="replace")


def _cas(file: File, given: Gathered) -> Any:
    cassis = _cassis()
    damaged = f"{file.name}: damaged, or no UIMA CAS; export it from INCEpTION as XMI or JSON"
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if file.base.endswith(".json"):
                cas = cassis.load_cas_from_json(file.text())
            else:
                types = _types_beside(file, given)
                cas = cassis.load_cas_from_xmi(file.text(), typesystem=types, lenient=True)
    except AnnotationError:
        raise
    except Exception as error:  # whatever lxml and cassis meet in what isn't theirs
        reason = " ".join(str(error).split())[:120]
        raise AnnotationError(f"{damaged} ({reason})") from None
    # cassis leaves an offset as it is that no character begins at, and only warns of it.
    wrong = [found[0] for one in told if (found := _UNMAPPED.search(str(one.message)))]
    if wrong:
        raise AnnotationError(
            f"{file.name}: the offset {wrong[0].strip('[]')} is none of its text's UTF-16 units, "
            "which UIMA counts; export it from INCEpTION again"
        )
    return cas


def _types_beside(file: File, given: Gathered) -> Any:
    """Give the type system nearest to a document; ours where there is none."""
    found = [one for one in given.files if one.base == TYPES]
    if not found:
        return _types(scheme_for(()))
    folder = file.name[: -len(file.base)]
    nearest = max(found, key=lambda one: (one.name[: -len(TYPES)] == folder, -len(one.name)))
    return _cassis().load_typesystem(nearest.data.decode("utf-8"))


def _select(cas: Any, name: str) -> list[Any]:
    try:
        return list(cas.select(name))
    except Exception:  # the document's type system has no such layer
        return []


def _article(
    cas: Any, file: File, given: Gathered, where: str
) -> tuple[Article, str | None, dict[str, str]]:
    """Give the article, the annotator, and what is said of the whole."""
    by, name = _named(file, given)
    answers: dict[str, str] = {}
    about: Mapping[str, Any] = {}
    for one in _select(cas, ARTICLE):
        for feature in one.type.all_features:
            value = one.get(feature.name) if hasattr(one, "get") else getattr(one, feature.name)
            if feature.name == _RECORD and isinstance(value, str):
                about = json.loads(value) if value.startswith("{") else {}
            elif feature.name == _BY and isinstance(value, str):
                by = by or value
            elif isinstance(value, str) and feature.name not in ("sofa", "xmiID"):
                answers[feature.name] = value
    name = str(about.get("id") or name)
    known = given.articles.get(name)
    text = str(cas.sofa_string)
    if known is not None and known.text != text:
        raise AnnotationError(
            f"{where}: its text is not that of the article '{name}'; annotate and import the "
            "articles that were exported"
        )
    if known is None:
        known = given.article({**about, "text": text}, where) if about else Article(name, text)
    return known, by, answers


def _named(file: File, given: Gathered) -> tuple[str | None, str]:
    """Give annotator and article by the name of a file: ``DOCUMENT/USER.xmi``, or ``DOCUMENT``."""
    parts = re.split(r"[/\\!]", file.name)
    documents = {name.rsplit(".", 1)[0]: given.ids[name] for name in given.ids}
    for at, part in reversed(list(enumerate(parts))):
        known = given.ids.get(part) or documents.get(part.rsplit(".", 1)[0])
        if known is not None:
            further = [one.rsplit(".", 1)[0] for one in parts[at + 1 :]]
            return (further[0] if further else None), known
    return None, file.stem


def _marking(cas: Any, article: Article, where: str) -> Marking:
    found: list[tuple[Any, MarkRole, str, dict[str, str]]] = []
    for one in _select(cas, SENTENCE):
        found.append((one, MarkRole.SENTENCE, "", _answers(one, ())))
    for one in _select(cas, TECHNIQUE):
        found.append((one, MarkRole.SPAN, str(one.signal or ""), {}))
    for one in _select(cas, PART):
        role = str(one.role or "")
        if role not in (MarkRole.SOURCE, MarkRole.CUE, MarkRole.CONTENT, MarkRole.ANTECEDENT):
            raise AnnotationError(
                f"{where}: a part {one.begin}-{one.end} of the role '{role}'; "
                "it must be one of source, cue, content, antecedent"
            )
        found.append((one, MarkRole(role), "", _answers(one, ("role",))))
    regions = [Region(one.begin, one.end, None, "annotation") for one, *_ in found]
    places = fitted(article.text, regions, where)
    ids = {one.xmiID: f"m{at}" for at, (one, *_) in enumerate(found)}
    marks = tuple(
        Marked(ids[one.xmiID], role, place.start, place.end, signal,
             answers if role in (MarkRole.SENTENCE, MarkRole.CONTENT) else {})
        for (one, role, signal, answers), place in zip(found, places, strict=True)
    )  # fmt: skip
    return Marking(marks, tuple(_links(cas, ids, where)))


def _links(cas: Any, ids: Mapping[Any, str], where: str) -> Iterator[tuple[str, str]]:
    for one in _select(cas, LINK):
        ends = [one.Governor, one.Dependent]
        if any(end is None or end.xmiID not in ids for end in ends):
            raise AnnotationError(f"{where}: a link {one.begin}-{one.end} that leads nowhere")
        yield ids[ends[0].xmiID], ids[ends[1].xmiID]


def _answers(one: Any, but: Sequence[str]) -> dict[str, str]:
    given = {
        feature.name: getattr(one, feature.name)
        for feature in one.type.all_features
        if feature.name not in ("begin", "end", "sofa", *but)
    }
    return {name: value for name, value in given.items() if isinstance(value, str) and value}


assert set(KINDS) == set(SourceKind)

TOOL = Tool(
    "inception",
    TITLE,
    write,
    read,
    lacks=("texts with control characters, which XML can't write: they are refused",),
    names=names,
)
