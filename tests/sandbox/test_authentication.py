"""The sandbox's own reading of the Authorization header, against signatures of the released SDK."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from suprsend_async.sandbox.platform.authentication import Received, Workspace, WorkspaceCredentials, authenticate
from suprsend_async.sandbox.refusal import Refusal

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text(encoding="utf-8")
)
CREDENTIALS = WorkspaceCredentials(
    workspace_key=RECORDED["workspace_key"],
    workspace_secret=RECORDED["workspace_secret"],
    workspace_uid="uid-of-15-chars",
    api_key="the-api-key",
)
SIGNED = Workspace(RECORDED["workspace_key"], 20)


def received(vector: dict[str, Any]) -> Received:
    url = urlsplit(vector["url"])
    return Received(
        method=vector["method"],
        target=(url.path + (f"?{url.query}" if url.query else "")).encode("ascii"),
        body=vector["body"].encode(),
        authorization=vector["authorization"],
        content_type=RECORDED["content_type"],
        date=RECORDED["date"],
    )


REQUEST = received(RECORDED["vectors"][0])


def denial(request: Received) -> str:
    verdict = authenticate(CREDENTIALS, request)
    assert isinstance(verdict, Refusal)
    assert (verdict.status_code, verdict.type) == (401, "authentication_error")
    return verdict.message


def test_there_are_eight_vectors() -> None:
    assert len(RECORDED["vectors"]) == 8


@pytest.mark.parametrize("vector", RECORDED["vectors"], ids=lambda vector: vector["name"])
def test_signatures_of_the_released_sdk_verify(vector: dict[str, Any]) -> None:
    assert authenticate(CREDENTIALS, received(vector)) == SIGNED


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"target": b"/v2/event"},
        {"target": b"/v2/event/?a=b"},
        {"body": REQUEST.body + b" "},
        {"body": b""},
        {"content_type": "application/json"},
        {"date": "Tue, 02 Jan 2024 03:04:06 GMT"},
    ],
    ids=lambda change: str(next(iter(change))),
)
def test_each_signed_field_counts(change: dict[str, Any]) -> None:
    assert denial(dataclasses.replace(REQUEST, **change)).startswith("The signature does not match.")


def test_another_secret_does_not_verify() -> None:
    other = dataclasses.replace(CREDENTIALS, workspace_secret="another")
    assert isinstance(authenticate(other, REQUEST), Refusal)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"authorization": None}, "The Authorization header is missing."),
        ({"authorization": ""}, "The Authorization header is missing."),
        ({"authorization": "Basic dXNlcg=="}, "The Authorization header is neither"),
        ({"authorization": "another-key:c2ln"}, "The workspace key is unknown."),
        ({"authorization": "schlüssel:c2ln"}, "The workspace key is unknown."),
        ({"authorization": f"{SIGNED.env}:"}, "The signature does not match."),
        ({"authorization": f"{SIGNED.env}:ü"}, "The signature does not match."),
        ({"date": None}, "The Date header is missing"),
        ({"date": "mar., 02 janv. 2024 03:04:05 GMT"}, "The Date header must look like"),
        ({"date": "Tue, 02 Jan 2024 03:04:05 +0000"}, "The Date header must look like"),
        ({"content_type": None}, "The Content-Type header is missing"),
        ({"authorization": "Bearer another"}, "The API key is not the workspace's."),
        ({"authorization": "Bearer"}, "The API key is not the workspace's."),
        ({"authorization": "Bearer the-api-ke\xfd"}, "The API key is not the workspace's."),
    ],
)
def test_what_is_wrong_is_told(change: dict[str, Any], message: str) -> None:
    assert denial(dataclasses.replace(REQUEST, **change)).startswith(message)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_an_api_key_needs_neither_date_nor_signature(scheme: str) -> None:
    request = Received("POST", b"/v2/event/", b"{}", f"{scheme} the-api-key", None, None)
    assert authenticate(CREDENTIALS, request) == Workspace("uid-of-15-chars", 1)


def test_no_secret_shows() -> None:
    wrong = dataclasses.replace(REQUEST, body=b"other")
    shown = repr(CREDENTIALS) + repr(REQUEST) + denial(wrong)
    for secret in (CREDENTIALS.workspace_secret, CREDENTIALS.api_key, RECORDED["vectors"][0]["signature"]):
        assert secret not in shown
