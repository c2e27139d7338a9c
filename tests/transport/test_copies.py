"""Answers that come a second time: which are noticed, and which a server may well give twice."""

from __future__ import annotations

import json
import uuid

import pytest

from suprsend_async.transport.copies import Copies
from suprsend_async.transport.request import Method, Request


def request(name: str, method: Method = "POST") -> Request:
    return Request(method, "v2/event/", body=json.dumps({"$insert_id": name, "padding": "x" * 500}).encode())


def yes(message_id: str = "01JQ7Z5C3V9M2K8R4T6W0XEYHB") -> bytes:
    return json.dumps({"status": "success", "message_id": message_id}).encode()


def records(*message_ids: str) -> bytes:
    return json.dumps({"status": "success", "records": [{"message_id": one} for one in message_ids]}).encode()


def test_an_answer_that_was_anothers_is_a_copy() -> None:
    copies = Copies()
    assert not copies.is_copy(request("one"), yes(), is_first=True)
    assert copies.is_copy(request("two"), yes(), is_first=False)
    assert copies.is_copy(request("three"), yes(), is_first=False)


def test_the_answer_of_a_bulk_is_known_by_its_first_record() -> None:
    copies = Copies()
    ids = [str(uuid.uuid4()) for _ in range(100)]
    assert not copies.is_copy(request("one"), records(*ids), is_first=True)
    assert copies.is_copy(request("two"), records(*ids), is_first=False)


def test_a_copy_is_noticed_with_others_in_between() -> None:
    copies = Copies()
    first = yes()
    assert not copies.is_copy(request("one"), first, is_first=True)
    for number in range(100):
        assert not copies.is_copy(request(f"other {number}"), yes(str(uuid.uuid4())), is_first=False)
    assert copies.is_copy(request("two"), first, is_first=False)


def test_the_same_request_may_have_the_same_answer() -> None:
    copies = Copies()
    assert not any(copies.is_copy(request("one"), yes(), is_first=False) for _ in range(3))


def test_a_repeated_idempotency_key_may_have_the_same_answer() -> None:
    """A test of an application's own keys makes two events with one of them."""

    def keyed(insert_id: str, key: str) -> Request:
        return Request("POST", "v2/event/", body=f'{{"$insert_id":"{insert_id}","$idempotency_key":"{key}"}}'.encode())

    copies = Copies()
    assert not any(copies.is_copy(keyed(insert_id, "order-41"), yes(), is_first=False) for insert_id in "abc")
    assert copies.is_copy(keyed("d", "order-42"), yes(), is_first=False)


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", b"{}", yes("m-1"), yes("message-12"), b'{"message_id": null}', b'{"status": "success"}', b"\xff\x00"],
)
def test_what_names_no_message_may_come_again(body: bytes) -> None:
    copies = Copies()
    assert not any(copies.is_copy(request(name), body, is_first=False) for name in ("one", "two"))


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_sends_no_message_may_have_the_same_answer(method: Method) -> None:
    copies = Copies()
    assert not any(copies.is_copy(request(name, method), yes(), is_first=False) for name in ("one", "two"))


def test_an_id_that_a_server_gives_again_is_no_sign_of_a_copy() -> None:
    """As in a server that is made for tests."""
    copies = Copies()
    assert not copies.is_copy(request("one"), yes(), is_first=True)
    assert not copies.is_copy(request("two"), yes(), is_first=True)
    assert not copies.is_copy(request("three"), yes(), is_first=False)
    # Other ids still are.
    other = yes(str(uuid.uuid4()))
    assert not copies.is_copy(request("four"), other, is_first=False)
    assert copies.is_copy(request("five"), other, is_first=False)


def test_what_is_said_again_on_another_connection_is_no_copy() -> None:
    """However many connections there are, of which none is new: the second attempt settles it."""
    copies = Copies()
    assert not copies.is_copy(request("one"), yes(), is_first=False)
    assert copies.is_copy(request("two"), yes(), is_first=False)
    assert not copies.is_copy(request("two"), yes(), is_first=False)
    assert not copies.is_copy(request("three"), yes(), is_first=False)


def test_no_more_is_remembered_than_is_of_use() -> None:
    copies = Copies()
    for number in range(10_000):
        copies.is_copy(request(str(number)), yes(str(uuid.uuid4())), is_first=False)
    assert len(copies) <= 256
