"""Request schemas, and how a request becomes articles, as `framescope score` reads a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import detect_language, read_input, read_value
from framescope.classifier.records import Article, Origin, Skipped
from framescope.classifier.service.limits import RequestError
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

_MARK = "\ufeff"
_WHOLE = ("<!doctype", "<html", "<?xml", "<!--")  # what a page begins with
_PRIVATE = "; add --allow-private if that is meant"

_EXAMPLE = (
    "The ferry to Orrin will cost more from Monday.\n\nObservers say the wicked new fare is only "
    "the beginning. “Nobody asked us,” said Ann Ray, the mayor of Karst."
)
_PAGE = (
    "<html><head><title>Ferry fares rise</title></head><body><article><h1>Ferry fares rise</h1>"
    "<p>The ferry to Orrin will cost more from Monday, the council of Karst decided after a long "
    "debate in which nobody spoke against it. Observers say the new fare is only the beginning."
    "</p></article></body></html>"
)

_CALLED = "What the article is called in the report; a file's name, say."
Id = Annotated[str | None, Field(min_length=1, max_length=300, description=_CALLED)]


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class _ScoreRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextRequest(_ScoreRequest):
    """A text, or whatever else a file may hold that `framescope score` reads: told by content."""

    model_config = _example({"text": _EXAMPLE})

    text: str = Field(min_length=1, description="The article, or the page it was copied from.")
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Read the articles; raises `InputError`."""
        name = self.id or "text"
        text = self.text.removeprefix(_MARK)
        # The mark, which reading takes off, keeps a line from being taken for a file's name or an
        # address. One that still looks like such a name is the article as it stands.
        mark = _MARK if len(text.strip().splitlines()) == 1 else ""
        try:
            yield from read_value(mark + text, name)
        except InputError as error:
            if error.source == name:
                raise
            yield Article(name, text, lang=detect_language(text), origin=Origin(name))


class PageRequest(_ScoreRequest):
    """A web page."""

    model_config = _example({"html": _PAGE, "id": "fares"})

    html: str = Field(min_length=1, description="The page's source, or a part of it.")
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Read the articles; raises `InputError`."""
        page = self.html.removeprefix(_MARK)
        if not page.lstrip().lower().startswith(_WHOLE):
            page = f"<!doctype html>\n{page}"
        # On two lines at least, so that it isn't taken for a file's name.
        return read_value(f"{page}\n<!-- -->", self.id or "page")


class AddressRequest(_ScoreRequest):
    """The address of a page, which is fetched where the service was started with --allow-urls."""

    model_config = _example({"url": "https://karst.example/ferry-fares"})

    url: str = Field(
        min_length=9,
        max_length=2000,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://",
        description="Of a page.",
    )
    id: Id = None

    def articles(self) -> Iterator[Article | Skipped]:
        """Fetch the page and read its articles; raises `InputError`.

        Addresses of this machine and its network are refused, by whichever name or redirect.
        """
        try:
            for number, item in enumerate(read_input(self.url), start=1):
                if self.id and isinstance(item, Article):
                    item = replace(item, id=self.id if number == 1 else f"{self.id}-{number}")
                yield item
        except InputError as error:
            raise InputError(error.source, error.reason.removesuffix(_PRIVATE)) from None


KINDS = ("text", "html", "url")


def _kind(value: Any) -> str | None:
    """Return the kind of a request, by the one key that tells it."""
    if isinstance(value, _ScoreRequest):
        return next(kind for kind in KINDS if hasattr(value, kind))
    found = [kind for kind in KINDS if isinstance(value, Mapping) and kind in value]
    return found[0] if len(found) == 1 else None


ScoreRequest: TypeAlias = Annotated[
    Annotated[TextRequest, Tag("text")]
    | Annotated[PageRequest, Tag("html")]
    | Annotated[AddressRequest, Tag("url")],
    Discriminator(
        _kind,
        custom_error_type="posted",
        custom_error_message="give an object with one of 'text', 'html' or 'url'",
    ),
]


class BatchRequest(_ScoreRequest):
    """Several articles."""

    model_config = _example({"articles": [{"text": _EXAMPLE}, {"html": _PAGE, "id": "fares"}]})

    articles: list[ScoreRequest] = Field(
        min_length=1, description="As many as --max-waiting at most."
    )


AnyRequest: TypeAlias = TextRequest | PageRequest | AddressRequest
SAMPLE = PageRequest(html=_PAGE)


def read(posted: AnyRequest, most: int) -> list[Article | Skipped]:
    """Read a request, skipping articles of more than `most` characters; raises `RequestError`."""
    try:
        found = list(posted.articles())
    except InputError as error:
        raise RequestError(422, str(error)) from None
    return [
        Skipped(item.id, f"longer than {most:,} characters ({len(item.text):,}); divide it")
        if isinstance(item, Article) and len(item.text) > most
        else item
        for item in found
    ]
