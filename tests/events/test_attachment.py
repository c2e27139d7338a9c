"""Attachments: a URL that the platform can reach, and a clear no to anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from suprsend_async import Attachment, Event, ValidationError
from suprsend_async.events.encoding import Encoder

URL = "https://example.com/invoice.pdf"


def event() -> Event:
    return Event("user-1", "invoice_ready", {"n": 1})


def wire(sent: Event) -> Any:
    return json.loads(Encoder("workspace", "sdk/1", 819_200).encode(sent))["properties"].get("$attachments")


def in_wire_form(url: str, filename: str | None = None, *, ignore_if_error: bool = False) -> dict[str, Any]:
    return {
        "filename": filename,
        "contentType": None,
        "data": None,
        "url": url,
        "ignore_if_error": ignore_if_error,
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((URL,), in_wire_form(URL)),
        ((URL, "a.pdf"), in_wire_form(URL, "a.pdf")),
        ((URL, " a.pdf ", True), in_wire_form(URL, "a.pdf", ignore_if_error=True)),
        ((URL, "  "), in_wire_form(URL)),
        ((f"  {URL}\n",), in_wire_form(URL)),
        (("http://example.com:8080/a?b=c#d",), in_wire_form("http://example.com:8080/a?b=c#d")),
        (("HTTPS://example.com/Ä",), in_wire_form("HTTPS://example.com/Ä")),
        (("https://[::1]/a",), in_wire_form("https://[::1]/a")),
    ],
)
def test_a_url_is_sent_as_the_platform_wants_it(arguments: tuple[Any, ...], expected: dict[str, Any]) -> None:
    sent = event()
    sent.add_attachment(*arguments)
    assert wire(sent) == [expected]
    assert list(wire(sent)[0]) == list(expected)


def test_attachments_keep_their_order() -> None:
    sent = event()
    for number in range(3):
        sent.add_attachment(f"{URL}?{number}")
    assert [attachment["url"] for attachment in wire(sent)] == [f"{URL}?{number}" for number in range(3)]
    assert sent.properties == {"n": 1}


def test_without_attachments_the_property_is_left_out() -> None:
    assert wire(event()) is None


@pytest.mark.parametrize(
    "bad",
    [
        "/home/user/invoice.pdf",
        "invoice.pdf",
        "C:\\invoice.pdf",
        "file:///home/user/invoice.pdf",
        "ftp://example.com/a",
        "data:text/plain,a",
        "https://",
        "https:///a.pdf",
        "http:a.pdf",
        "//example.com/a.pdf",
        "https://[::1",
        "",
        "  ",
    ],
)
def test_what_is_no_web_url_is_refused_with_the_reason(bad: str) -> None:
    sent = event()
    with pytest.raises(ValidationError, match=r"http\(s\) URL.*local path"):
        sent.add_attachment(bad)
    assert sent.attachments == ()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((None,), "file_path"),
        ((5,), "file_path"),
        ((Path("a.pdf"),), "file_path"),
        ((URL.encode(),), "file_path"),
        ((URL, 5), "file_name"),
        ((URL, b"a.pdf"), "file_name"),
        ((URL, "a.pdf", None), "ignore_if_error"),
        ((URL, "a.pdf", "yes"), "ignore_if_error"),
        ((URL + "\ud800",), "file_path"),
        ((URL, "\ud800"), "file_name"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[Any, ...], named: str) -> None:
    sent = event()
    with pytest.raises(ValidationError, match=named):
        sent.add_attachment(*arguments)
    assert sent.attachments == ()


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "invoice.pdf"])
def test_a_local_path_cannot_get_in_by_another_door(url: str) -> None:
    with pytest.raises((ValidationError, pydantic.ValidationError)):
        Attachment(url=url)
    with pytest.raises(ValidationError, match="attachments"):
        Event("user-1", "invoice_ready", attachments=({"url": url},))  # type: ignore[arg-type]
    with pytest.raises(pydantic.ValidationError):
        Event.model_validate({"distinct_id": "u", "event_name": "invoice_ready", "attachments": [{"url": url}]})


def test_an_attachment_cannot_be_changed() -> None:
    attachment = Attachment(url=URL)
    with pytest.raises(pydantic.ValidationError):
        attachment.url = "/etc/passwd"  # type: ignore[misc]
