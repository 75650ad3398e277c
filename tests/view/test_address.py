"""What VIEW names, and which names the page answers to."""

import socket

import pytest

from emotion.view.address import Address, parse, wrong_view


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8000", Address("127.0.0.1", 8000)),
        ("localhost:8000", Address("127.0.0.1", 8000)),
        ("0.0.0.0:8000", Address("0.0.0.0", 8000)),
        ("192.168.1.7:65535", Address("192.168.1.7", 65535)),
        ("[::]:8000", Address("::", 8000)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
    ],
)
def test_a_port_is_this_machines_own_and_an_address_is_that(text, found):
    assert parse(text) == found and wrong_view(text) is None


def test_0_is_no_page():
    assert parse("0") is None and wrong_view("0") is None


@pytest.mark.parametrize(
    "text",
    [
        *("65536", "-1", "yes", "8000:", "٨٠٠٠"),
        *(":8000", "0.0.0.0", "0.0.0.0:", "1.2.3:8000", "pi:8000", "http://127.0.0.1:8000"),
        *("::1:8000", "[::1:8000", "[1.2.3.4]:80"),
    ],
)
def test_anything_else_is_refused_with_what_is_needed(text):
    assert parse(text) is None
    assert wrong_view(text) == (
        "is neither a port, like 8000, nor an address with one, like 0.0.0.0:8000"
    )


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("127.3.2.1", True), ("0.0.0.0", False), ("::", False)],
)
def test_only_loopback_is_local(host, local):
    assert Address(host, 8000).is_local == local


@pytest.mark.parametrize(
    ("header", "local", "open_"),
    [
        ("127.0.0.1:8000", True, True),
        ("localhost:9000", True, True),  # through ssh -L 9000:127.0.0.1:8000
        ("LOCALHOST", True, True),
        ("[::1]:8000", True, True),
        ("192.168.1.7:8000", False, True),
        ("[2001:db8::7]:8000", False, True),
        ("mypi:8000", False, True),
        ("mypi.local:8000", False, True),
        ("evil.example:8000", False, False),
        ("mypi.evil.example@evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("localhost.evil.example", False, False),
        ("", False, False),
        ("[::1", False, False),
    ],
)
def test_it_answers_to_this_machines_names_only(monkeypatch, header, local, open_):
    monkeypatch.setattr(socket, "gethostname", lambda: "MyPi.lan")
    assert Address("127.0.0.1", 8000).answers_to(header) == local
    assert Address("0.0.0.0", 8000).answers_to(header) == open_


def test_the_url_holds_the_token_where_there_is_one():
    assert Address("127.0.0.1", 8000).url("") == "http://127.0.0.1:8000/"
    assert Address("192.168.1.7", 80).url("abc") == "http://192.168.1.7:80/abc/"
    assert Address("fe80::7", 80).url("abc") == "http://[fe80::7]:80/abc/"


def test_the_url_of_all_addresses_names_one():
    assert "0.0.0.0" not in Address("0.0.0.0", 8000).url("abc")
    assert "[::]" not in Address("::", 8000).url("abc")
