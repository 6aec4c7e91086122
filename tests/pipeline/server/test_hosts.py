"""Which names a server answers to, and which web pages may ask it."""

import pytest
from preread.pipeline.server.hosts import HostRules


@pytest.mark.parametrize(
    ("host", "is_accepted"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("localhost.", True),
        ("127.0.0.1:8000", True),
        ("192.168.1.7", True),
        ("[::1]:8000", True),
        ("qa.example:8000", True),
        ("evil.example", False),
        ("qa.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("[evil", False),
        ("", False),
    ],
)
def test_without_keys_only_known_names_are_accepted(host: str, is_accepted: bool) -> None:
    assert HostRules(["QA.example"], has_keys=False).accept(host) == is_accepted


def test_with_keys_every_name_is_accepted_unless_some_are_given() -> None:
    assert HostRules([], has_keys=True).accept("any.example")
    assert not HostRules(["qa.example"], has_keys=True).accept("any.example")


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:3000"}, True),
        ({"origin": "http://127.0.0.1:8000"}, False),
        ({"origin": "http://127.0.0.1:3000"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://qa.example"}, False),
        ({"origin": "null"}, True),
        ({"origin": "http://[evil"}, True),
    ],
)
def test_pages_of_other_sites_are_known_by_what_browsers_say(
    headers: dict[str, str], is_foreign: bool
) -> None:
    rules = HostRules(["qa.example"], has_keys=False)
    assert rules.is_foreign({"host": "127.0.0.1:8000", **headers}) == is_foreign
