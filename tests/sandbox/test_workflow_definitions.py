"""Definitions of workflows: what is taken, and what is refused with the nearest names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given as supposed
from hypothesis import strategies as st

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.delivery.definitions import delay_of, load_definitions, read_definition, seconds_of

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = ("system", "transactional", "promotional")
SMS = {"body": "Hello"}
SHIPPED = """
[order-shipped]
category = "transactional"
channels = ["email", "sms"]
delay = "10m"

[order-shipped.email]
subject = "Order {{ data.order }} is on its way"
body = "Hello {{ recipient.name }}"

[order-shipped.sms]
body = "On its way"

["Cart Left"]
[ "Cart Left".inbox]
body = "Your cart is waiting"
"""


def test_a_file_holds_several(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(SHIPPED)
    (tmp_path / "notes.txt").write_text("no workflow")
    found = load_definitions(tmp_path, CATEGORIES)
    assert list(found) == ["order-shipped", "Cart Left"]
    shipped = found["order-shipped"]
    assert (shipped.channels, shipped.delay, shipped.name) == (("email", "sms"), 600.0, "Order shipped")
    assert shipped.templates["email"]["subject"] == "Order {{ data.order }} is on its way"
    assert (found["Cart Left"].channels, found["Cart Left"].category) == (("inbox",), "transactional")
    assert read_definition("order-shipped", shipped.to_dict(), CATEGORIES) == shipped


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sms": SMS, "chanels": []}, "[w] has an unknown key 'chanels'; did you mean channels?"),
        ({"emial": SMS}, "[w] has an unknown key 'emial'; did you mean email?"),
        ({"sms": SMS, "channels": ["smss"]}, "[w] channels has the unknown channel 'smss'; did you mean sms?"),
        ({"email": {**SMS, "subjekt": ""}}, "[w.email] has an unknown key 'subjekt'; did you mean subject?"),
        ({"sms": {**SMS, "subject": ""}}, "[w.sms] has an unknown key 'subject'; there are body."),
        ({"sms": SMS, "category": "promotion"}, "[w] has the unknown category 'promotion'; did you mean promotional?"),
        ({"sms": SMS, "channels": ["email"]}, "[w] uses email, for which there is no template: add [w.email]"),
        (
            {"sms": SMS, "email": SMS, "channels": ["sms"]},
            "[w] has a template for email, which is not among its channels",
        ),
        ({"email": {"subject": "x"}}, "[w.email] has no body"),
        ({"sms": {"body": 1}}, "[w.sms] body must be a text"),
        ({"sms": "Hello"}, "[w.sms] must hold the texts of a template: body"),
        ({"sms": SMS, "channels": "sms"}, "[w] channels must be a list of some of"),
        ({"sms": SMS, "delay": "soon"}, "[w] delay must be a text such as 10m"),
        ({"sms": SMS, "delay": -1}, "[w] delay must be"),
        ({"sms": SMS, "delay": "400d"}, "[w] delay must be"),
        ({"sms": SMS, "delay": True}, "[w] delay must be"),
        ({"sms": SMS, "name": 1}, "[w] name must be a text"),
        ({}, "[w] channels must be a list of some of"),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_names(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        read_definition("w", given, CATEGORIES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x", "it is not valid TOML"),
        ('delay = "10m"', "'delay' is outside of a table: begin with the workflow's slug"),
        ('[a]\nsms = {body = "x"}\n[b]\nsmss = {body = "x"}', "[b] has an unknown key 'smss'; did you mean sms?"),
    ],
)
def test_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "shop.toml").write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / 'shop.toml'))}: {re.escape(said)}"):
        load_definitions(tmp_path, CATEGORIES)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes(b"\xff")
    with pytest.raises(ValueError, match="it is not in UTF-8"):
        load_definitions(tmp_path, CATEGORIES)


def test_a_file_that_would_be_passed_over_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop.TOML").write_text(SHIPPED)
    with pytest.raises(ValueError, match=r"shop\.TOML is passed over: name it shop\.toml$"):
        load_definitions(tmp_path, CATEGORIES)


def test_a_slug_stands_once(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text('[w]\nsms = {body = "x"}')
    with pytest.raises(ValueError, match=r"b\.toml: \[w\] is also in another file of the folder"):
        load_definitions(tmp_path, CATEGORIES)


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("1d2h3m4s", 93_784.0), ("90s", 90.0), (1.5, 1.5), ("", None), ("m", None), ("1h1d", None), (None, None)],
)
def test_delays(delay: object, seconds: float | None) -> None:
    assert seconds_of(delay) == seconds


@supposed(st.integers(0, 366 * 86_400))
def test_a_delay_is_written_as_it_is_read(seconds: int) -> None:
    assert seconds_of(delay_of(seconds)) == seconds


def test_a_template_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('[w]\nsms = {body = "Hello {{ name"}')
    with pytest.raises(ValueError, match=r"\[w\] sms\.body, line 1: unexpected end of template"):
        Sandbox(workflows=tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        # What would take seconds and gigabytes, or end with a traceback.
        (b"a" + b".a" * 20_000 + b" = 1", "a key of more than 50 parts"),
        (b"[a.sms]\nbody = {" + b"'a' . " * 20_000 + b"a = 1}", "a key of more than 50 parts"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b"[a]\ndelay = " + b"9" * 5_000, "a number with too many digits"),
        (b"[a]\ndelay = '" + b"9" * 5_000 + b"d'\n[a.sms]\nbody = 'x'", r"\[a\] delay must be a text such as 10m"),
        (b"# " + b"a" * 1_048_576, "larger than 1024 KiB"),
    ],
)
def test_a_file_that_holds_no_workflows_is_refused_by_its_name(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "shop.toml").write_bytes(content)
    with pytest.raises(ValueError, match=rf"shop\.toml: .*{said}"):
        load_definitions(tmp_path, CATEGORIES)


def test_a_long_template_is_no_long_key(tmp_path: Path) -> None:
    link = "<a href='https://www.shop.example/a.b.c'>...</a> 1.5.2026. "
    (tmp_path / "shop.toml").write_text(f'[a.email]\nbody = """{link * 2_000}"""\n')
    assert load_definitions(tmp_path, CATEGORIES)["a"].templates["email"]["body"] == link * 2_000


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes(b"\xef\xbb\xbf[a.sms]\r\nbody = 'x'\r\n")
    assert list(load_definitions(tmp_path, CATEGORIES)) == ["a"]


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "shop.toml")
    with pytest.raises(ValueError, match=r"shop\.toml: it is no file"):
        Sandbox(workflows=tmp_path)
