"""Hosts: what an address names, and where one owner's hosts end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry import hosts
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.tables import Tables
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/sources_hosts.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
REGISTRY = Registry(Tables(Path(__file__).parent / "cases/sources_tables"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["address"]))
def test_an_address_is_its_owners_and_nobody_elses(case):
    found = REGISTRY.at(case["address"])
    assert (found and found.outlet.id) == case["outlet"]
    if "host" in case:
        assert found is not None
        assert found.domain.host == case["host"]


def test_there_are_addresses_of_nobody_too():
    assert sum(case["outlet"] is None for case in CASES) > 25


@given(st.text())
def test_any_text_is_a_host_or_none(text):
    host = hosts.host(text)
    assert host is None or hosts.host(host) == host


@given(
    st.sampled_from(["", "https://", "HTTP://", "//"]),
    st.sampled_from(["", "www.", "WWW.", "a.b."]),
    st.sampled_from(["", "."]),
    st.sampled_from(["", ":443", ":"]),
    st.sampled_from(["", "/", "/a?b=http://x.example", "?q", "#f", "\\x"]),
)
def test_what_stands_around_a_host_changes_nothing(scheme, below, dot, port, path):
    found = REGISTRY.at(f"{scheme}{below}rt.com{dot}{port}{path}")
    assert found is not None
    assert found.outlet.id == "rt"


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8))
def test_letters_before_a_host_make_another(letters):
    assert REGISTRY.at(f"{letters}rt.com") is None


def test_the_address_of_a_mirror_and_of_an_imposter_say_so():
    mirror, imposter = REGISTRY.at("https://swentr.site/a"), REGISTRY.at("reuters.example")
    assert mirror is not None
    assert imposter is not None
    assert (mirror.outlet.id, str(mirror.domain.role)) == ("rt", "mirror")
    assert (imposter.outlet.id, str(imposter.domain.role)) == ("reuters", "imposter")


def test_a_networks_host_is_found_with_its_evidence():
    site = REGISTRY.network("https://www.reuters.cfd:443/world/")
    assert site is not None
    assert (site.network, site.impersonates) == ("Doppelganger", "reuters")
    assert site.evidence.url is not None
    below = REGISTRY.network("de.orrin-truth.example.net")
    assert below is not None
    assert (below.network, below.impersonates) == ("Orrin Network", None)
    assert REGISTRY.network("truth.example.net") is None
    assert REGISTRY.network("not a host") is None


def test_parents_end_before_the_last_label():
    found = list(hosts.parents("a.b.example.org"))
    assert found == ["a.b.example.org", "b.example.org", "example.org"]


@pytest.mark.parametrize(
    ("host", "registered", "label"),
    [
        ("news.bbc.co.uk", "bbc.co.uk", "bbc"),
        ("a.orrin.blogspot.com", "orrin.blogspot.com", "orrin"),
        ("co.uk", None, ""),
        ("x.invalid", "x.invalid", "invalid"),
    ],
)
def test_what_is_registered_ends_at_the_public_suffix(host, registered, label):
    assert hosts.registrable(host) == registered
    assert hosts.label(host) == label


def test_a_host_is_written_out_in_its_own_script():
    assert hosts.unicode("xn--e1afmkfd.xn--p1ai") == "пример.рф"
    assert hosts.unicode("xn--999999999.example") == "xn--999999999.example"


def test_nothing_is_fetched_or_kept():
    code = (
        "import socket, sys; from pathlib import Path\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from framescope.classifier.outlets.registry import hosts\n"
        "assert 'tldextract' not in sys.modules\n"
        "assert hosts.host('https://www.example.org/') == 'example.org'\n"
        "assert 'tldextract' not in sys.modules\n"
        "assert hosts.is_suffix('co.uk')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
