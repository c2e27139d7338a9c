"""Signing: the released SDK's own signatures, and dates that no locale changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from suprsend_async.transport.authentication import ApiKey, WorkspaceSecret, sign

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

DATA = json.loads((Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text("utf-8"))
VECTORS = DATA["vectors"]
TIME = 1_704_164_645.0


def uri_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_signatures_of_the_released_sdk(vector: dict[str, Any]) -> None:
    method, uri, body = vector["method"], uri_of(vector["url"]), vector["body"].encode()
    assert sign(DATA["workspace_secret"], method, uri, body, DATA["date"]) == vector["signature"]
    assert WorkspaceSecret(DATA["workspace_key"], DATA["workspace_secret"]).headers(method, uri, body, TIME) == {
        "Date": DATA["date"],
        "Authorization": vector["authorization"],
    }


def test_there_are_eight_vectors() -> None:
    assert len({vector["signature"] for vector in VECTORS}) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "another"},
        {"method": "PUT"},
        {"uri": "/v2/bulk/event/"},
        {"body": b"{} "},
        {"body": b""},
        {"date": "Tue, 02 Jan 2024 03:04:06 GMT"},
        {"content_type": "application/json"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_request_is_signed(change: dict[str, Any]) -> None:
    request: dict[str, Any] = {
        "secret": "secret",
        "method": "POST",
        "uri": "/v2/event/",
        "body": b"{}",
        "date": DATA["date"],
    }
    assert sign(**request) != sign(**{**request, **change})


def test_the_verb_is_signed_in_upper_case() -> None:
    assert sign("s", "post", "/", b"{}", DATA["date"]) == sign("s", "POST", "/", b"{}", DATA["date"])


def test_an_api_key_is_a_bearer_token_without_a_date() -> None:
    credentials = ApiKey("uid", "key")
    assert credentials.headers("POST", "/v2/event/", b"{}", TIME) == {"Authorization": "Bearer key"}
    assert credentials.workspace == "uid"


def test_the_date_is_english_under_every_locale(
    run_python: Callable[..., subprocess.CompletedProcess[str]], german_locale: dict[str, str]
) -> None:
    source = f"""
import locale, time
from suprsend_async.transport.authentication import WorkspaceSecret
locale.setlocale(locale.LC_ALL, "")
print(time.strftime("%a %b", time.gmtime(1_709_694_245)))  # a Wednesday in March
print(WorkspaceSecret("key", "secret").headers("POST", "/", b"", 1_709_694_245)["Date"])
print(WorkspaceSecret("key", "secret").headers("POST", "/", b"", {TIME})["Date"])
"""
    local, *dates = run_python(source, **german_locale).stdout.splitlines()
    assert local == "Mi Mrz"
    assert dates == ["Wed, 06 Mar 2024 03:04:05 GMT", DATA["date"]]
