"""Calls on records over HTTP, whatever the record: ids in paths, signatures, bodies, and what is not simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from jsonschema.exceptions import ValidationError

from suprsend_async.sandbox.platform.body import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

USER = "/v1/user/user-1/"


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json == {"code": status, "message": message}


@pytest.mark.parametrize(
    "distinct_id", ["a b", "org/1?x#y%", "zoë-日本 🎉", "a+b@example.com", "%2F", "..", "x" * 255, "\x00"]
)
def test_any_id_can_be_written_read_and_deleted_signed(wire: Wire, distinct_id: str) -> None:
    path = f"/v1/user/{quote(distinct_id, safe='')}/"
    assert wire.signed(path, {"a": 1}).json["distinct_id"] == distinct_id
    operations = {"operations": [{"$add": {"a": 1}}]}
    assert wire.signed(path, operations, method="PATCH").json["properties"] == {"a": 2}
    assert wire.signed(path, None, method="GET").json["properties"] == {"a": 2}
    assert wire.signed("/v1/user/?limit=1", None, method="GET").json["results"][0]["distinct_id"] == distinct_id
    assert wire.signed(path, None, method="DELETE").status == 204
    assert wire.get(path).status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_the_signature_covers_the_path_as_sent(wire: Wire, method: str) -> None:
    body = {"operations": [{"$set": {"a": 1}}]} if method == "PATCH" else None
    wire.post("/v1/user/a%2Fb/", {})
    reply = wire.signed("/v1/user/a%2fb/", body, target="/v1/user/a%2Fb/", method=method)
    assert reply.status == 401
    assert reply.json["code"] == 401
    assert "The signature does not match" in reply.json["message"]
    assert wire.signed("/v1/user/a%2Fb/?a=1", body, target="/v1/user/a%2Fb/", method=method).status == 401
    assert wire.signed("/v1/user/a%2fb/?a=1", body, method=method).status in (200, 202, 204)


def test_a_body_on_a_get_is_signed_and_ignored(wire: Wire) -> None:
    wire.post(USER, {})
    assert wire.signed(USER, {"a": 1}, method="GET").json["properties"] == {}
    assert wire.call("GET", USER, b"{").status == 400


@pytest.mark.parametrize("path", ["/v1/user/%ff/", "/v1/user/%C3/", "/v1/user/%ed%a0%80/"])
def test_two_ids_that_are_no_text_are_not_one(wire: Wire, path: str) -> None:
    reply = wire.post(path, {})
    assert reply.status == 400
    assert "percent-encoded UTF-8" in reply.message


@pytest.mark.parametrize("distinct_id", ["%20", "x" * 256])
def test_an_id_that_is_none(wire: Wire, distinct_id: str) -> None:
    path = f"/v1/user/{distinct_id}/"
    for reply in (wire.post(path, {}), wire.patch(path, {"operations": [{"$set": {"a": 1}}]})):
        assert_refused(reply, 400, "distinct_id must have 1 to 255 characters.")


def test_bodies_that_are_none(wire: Wire) -> None:
    for method, path in (("PATCH", USER), ("POST", USER), ("DELETE", "/v1/bulk/user/")):
        assert_refused(wire.call(method, path), 400, "Request body must not be empty")
        assert_refused(wire.call(method, path, []), 400, "Request body must be an object")
        assert_refused(wire.call(method, path, b"null"), 400, "Request body must be an object")
        assert "not valid JSON" in wire.call(method, path, b"{} {}").json["message"]
    assert_refused(wire.patch(USER, {}), 400, "Request body must not be empty")
    assert_refused(wire.patch(USER, {"operations": []}), 400, "operations: must not be empty")
    assert_refused(wire.patch(USER, {"operations": {}}), 400, "operations: must be a list")
    assert_refused(wire.patch(USER, {"a": 1}), 400, "operations: missing")
    assert_refused(wire.delete("/v1/bulk/user/", {"distinct_ids": []}), 400, "distinct_ids: must not be empty")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", None):
        assert wire.post(USER, {}, content_type=kind).status == 415
    assert wire.post(USER, {}, content_type="Application/JSON").status == 201


def test_a_body_that_could_be_read_but_not_read_again(wire: Wire) -> None:
    bodies = {depth: b'{"a": ' + b"[" * depth + b"]" * depth + b"}" for depth in (199, 200)}
    assert_refused(wire.post(USER, bodies[200]), 400, "Request body is nested too deeply to be kept")
    assert wire.get(USER).status == 404
    assert wire.post(USER, bodies[199]).status == 201
    assert wire.get(USER).status == wire.get("/v1/user/").status == 200


def test_of_many_errors_the_first_ones_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counting:
        """Counts the errors that are looked at."""

        seen = 0

        def iter_errors(self, items: list[Any]) -> Iterator[ValidationError]:
            for place, _ in enumerate(items):
                self.seen += 1
                error = ValidationError("", validator="type", validator_value="string", path=[place], schema={})
                yield error

    validator = Counting()
    monkeypatch.setattr("suprsend_async.sandbox.platform.body._validator", lambda _: validator)
    found = problem_of([1] * 100_000, {"a": 1})
    assert found is not None
    assert found.message == "[0]: must be a text"
    assert validator.seen == 20


def test_a_body_beyond_the_limit(wire: Wire) -> None:
    payload = {"a": "x" * (819_200 - len('{"a": ""}'))}
    assert wire.post(USER, payload).status == 201
    reply = wire.post(USER, {"a": payload["a"] + "x"})
    assert_refused(reply, 413, "The body is larger than 819200 bytes.")


def test_not_authorized_in_the_shape_of_the_endpoint(wire: Wire) -> None:
    assert_refused(wire.get("/v1/user/", authorization="Bearer wrong"), 401, "The API key is not the workspace's.")
    assert_refused(wire.get("/v1/user/", authorization=None), 401, "The Authorization header is missing.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/trigger/nothing/"),
        ("GET", "/v1/message/m/"),
        ("GET", "/v1/user/u/nothing/"),
        ("POST", "/v1/subscriber_list/~/dry_run/"),
        ("POST", "/v1/tenant/acme/vendor/"),
    ],
)
def test_what_is_not_simulated_is_said(wire: Wire, method: str, path: str) -> None:
    reply = wire.call(method, path, {} if method == "POST" else None)
    assert reply.status == 501
    assert reply.json["error"] == {
        "message": f"The sandbox does not simulate {method} {path}.",
        "type": "not_simulated",
    }


def test_what_is_no_path_of_the_platform(wire: Wire) -> None:
    assert wire.get("/v1/user/u").status == 404
    assert wire.get("/v1/user/u%2F").status == 404
    assert wire.get("/nothing/").status == 404
    reply = wire.call("PUT", USER, {})
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE, GET, PATCH, POST")
