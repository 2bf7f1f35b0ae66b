import pytest
from framescope.classifier import records
from framescope.classifier.inputs import page
from framescope.classifier.inputs.exchange import read_record, to_record
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.outlets.publisher.publisher import UNNAMED_MONITOR, publication
from framescope.classifier.records import Article, Basis, Domain, Imprint, Name, NameKind, Role
from outlets import cases

CASES = cases("publisher.jsonl")
BODY = (
    "The harbour council said on Tuesday that it had agreed to widen the eastern breakwater after "
    "two ferries were damaged in the winter storms, and that the work would take three years."
)


def outlet(id: str, name: str, *hosts: str, ambiguous: str = "", **known: object) -> records.Outlet:
    names = [Name(name, NameKind.MAIN), *([Name(ambiguous, ambiguous=True)] if ambiguous else [])]
    domains = [Domain(host) for host in hosts]
    if id == "ellery-gazette":
        domains.append(Domain("ellery-gazette.example", records.DomainRole.IMPOSTER))
    return records.Outlet(id, name, names=tuple(names), domains=tuple(domains), **known)  # type: ignore[arg-type]


INVENTED = [
    outlet("ellery-gazette", "Ellery Gazette", "ellerygazette.example", country="IS"),
    outlet("karst-post", "Karst Post", "karstpost.example", medium=records.Medium.NEWSPAPER),
    outlet("karsta", "KARSTA", "karsta.example", medium=records.Medium.AGENCY),
    outlet("kyllos-lantern", "Kyllos Lantern", "kylloslantern.example", ambiguous="Lantern"),
    outlet("norrhaven-lantern", "Norrhaven Lantern", ambiguous="Lantern"),
    outlet("tarn-press-watch", "Tarn Press Watch", "tarnpresswatch.example", role=Role.MONITOR),
    outlet("ellery-reader", "Ellery Reader", "reader.example", role=Role.AGGREGATOR),
    outlet("tarntube", "TarnTube", "tarntube.example", role=Role.PLATFORM),
]


@pytest.fixture(scope="module")
def outlets() -> Registry:
    return load_registry().with_outlets(INVENTED)


def links(found: records.Publication) -> list[dict[str, str | None]]:
    keys = ("relation", "name", "basis", "evidence")
    known = [{key: getattr(link, key) for key in keys} for link in found.chain]
    ids = [{"outlet": link.outlet and link.outlet.id} for link in found.chain]
    return [one | id for one, id in zip(known, ids, strict=True)]


def check_evidence(article: Article, found: records.Publication) -> None:
    """Every link's words stand where it says, or were no part of the text."""
    around = article.imprint or Imprint()
    known = [article.outlet, article.site_name, article.author, around.header, around.evidence]
    for link in found.chain:
        if link.place is not None:
            assert article.text[link.place.start : link.place.end] == link.evidence
        elif link.basis is Basis.URL:
            assert link.evidence in str(article.url)
        else:
            assert any(link.evidence in text for text in (*known, *around.lines) if text)


def read(case: dict[str, object]) -> Article:
    return read_record({"id": "a", **case["article"]}, "case, line 1")  # type: ignore[dict-item]


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c["name"]))
def test_the_chain_of_an_article(case: dict[str, object], outlets: Registry) -> None:
    article = read(case)
    found = publication(article, outlets)
    right = (found.relation.value, links(found)) == (case["relation"], case["chain"])
    assert right is ("known_failure" not in case), links(found)
    check_evidence(article, found)


PAGE = f"""Vestrian Paper Karst Post: 'The Harbour Is Lost'
According to the Karst Post, the harbour is lost and the council has known it for years.
Ferries in the harbour, June 3, 2024. (Source: Vestrian Ministry of Harbours).[1]
Below is the Karst Post's article:[2]
"The council [of Port Ellery] has no money for stones. {BODY}
"Its chairman [Orin Dask] knows it, and the fishermen know it too. {BODY}"
Try our AI tools
Discover what Quay9 AI can answer:
Comments
No comments yet...
Related Articles


Orra Lantern
4 hours ago
- Orra Lantern
Council opens a second quay
By Ann Ray. {BODY} (Source: Ministry of Harbours)


Kyllos Lantern
5 hours ago
- Kyllos Lantern
Mill strike ends
KYLLOS, July 3 (KARSTA) - {BODY}
© 2024 KARSTA
"""


def test_an_aggregators_page_gives_each_article_its_own_chain(outlets: Registry) -> None:
    articles = page.articles(PAGE, "a")
    found = [publication(article, outlets) for article in articles]
    assert [chain.relation for chain in found] == [records.Relation.AGGREGATOR] * 3
    assert [[(link.relation.value, link.name) for link in chain.chain] for chain in found] == [
        [("aggregator", "Quay9"), ("republished_from", UNNAMED_MONITOR), ("origin", "Karst Post")],
        [("aggregator", "Quay9"), ("origin", "Orra Lantern")],
        [("aggregator", "Quay9"), ("carried", "Kyllos Lantern"), ("origin", "KARSTA")],
    ]
    for article, chain in zip(articles, found, strict=True):
        check_evidence(article, chain)
        assert read_record(to_record(article), "f, line 1") == article


def test_a_footnotes_address_names_the_republished_outlet(outlets: Registry) -> None:
    article = Article(
        "a",
        f"Harbour\nBelow is the Karstpost's article:\n{BODY}\n{BODY}",
        imprint=Imprint(lines=("[2] Karstpost.example, June 4, 2024.",)),
    )
    author = publication(article, outlets).author
    assert author.name == "Karstpost"
    assert author.outlet == outlets["karst-post"]


def test_a_pages_name_for_itself_makes_it_the_publisher(outlets: Registry) -> None:
    [article] = page.articles(f"Harbour\n{BODY}\nDownload the Ellery Gazette app\n", "a")
    assert "Download" not in article.text
    [link] = publication(article, outlets).chain
    assert (link.outlet, link.basis) == (outlets["ellery-gazette"], Basis.SITE_NAME)
    assert link.evidence == "Download the Ellery Gazette app"


def test_a_byline_taken_off_the_text_keeps_its_agency(outlets: Registry) -> None:
    [article] = page.articles(f"Harbour\nBy Ann Ray, Associated Press\n{BODY}\n{BODY}\n", "a")
    assert (article.author, "Associated" in article.text) == ("Ann Ray", False)
    [link] = publication(article, outlets).chain
    assert link.outlet == outlets["associated-press"]
    assert link.evidence == "By Ann Ray, Associated Press"


def test_republications_that_a_record_gives_count(outlets: Registry) -> None:
    text = f"Harbour\nFrom our friends at the Karst Post\n{BODY}"
    start = text.index(BODY)
    given = records.Republication(start, len(text), "Karst Post", text[8 : start - 1])
    article = Article("a", text, outlet="Ellery Gazette", republications=(given,))
    found = publication(article, outlets)
    assert [link.name for link in found.chain] == ["Ellery Gazette", "Karst Post"]
    check_evidence(article, found)


def test_a_slogan_alone_names_no_publisher(outlets: Registry) -> None:
    article = Article("a", "Breakwater to be widened.", site_name=" | Local news for you")
    assert publication(article, outlets).chain == ()
