"""Hosts: what an address names, and where one owner's hosts end."""

import subprocess
import sys
from pathlib import Path

import pytest
from framescope.classifier.outlets import addresses
from hypothesis import given
from hypothesis import strategies as st
from outlets import SMALL, cases

ADDRESSES = cases("sources_hosts.jsonl")


@pytest.mark.parametrize("case", ADDRESSES, ids=lambda case: repr(case["address"]))
def test_an_address_is_its_owners_and_nobody_elses(case):
    found = SMALL.at(case["address"])
    assert (found and found.outlet.id) == case["outlet"]
    if "host" in case:
        assert found.domain.host == case["host"]


@given(st.text(max_size=30))
def test_any_text_is_a_host_or_none(text):
    host = addresses.host_in(text)
    assert host is None or addresses.host_in(host) == host


def test_a_networks_host_is_found_with_its_evidence():
    site = SMALL.network("https://www.reuters.cfd:443/world/")
    assert (site.network, site.impersonates) == ("Doppelganger", "reuters")
    assert site.evidence.url is not None
    below = SMALL.network("de.orrin-truth.example.net")
    assert (below.network, below.impersonates) == ("Orrin Network", None)
    assert SMALL.network("truth.example.net") is None
    assert SMALL.network("not a host") is None


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
    assert (addresses.registrable_host(host), addresses.host_label(host)) == (registered, label)


def test_nothing_is_fetched_and_what_may_not_be_needed_waits():
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import framescope.classifier.cli\n"
        "from framescope.classifier.outlets.registry.addresses import host_in, is_public_suffix\n"
        "assert host_in('https://www.example.org/') == 'example.org'\n"
        "heavy = {'tldextract', 'requests', 'rapidfuzz', 'ahocorasick_rs', 'rich', 'idna'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert is_public_suffix('co.uk')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
