"""Answers that come a second time: which are noticed, and which a server may well give twice."""

from __future__ import annotations

import json
import uuid

import pytest

from suprsend_async.transport.answer import Answer
from suprsend_async.transport.copies import Copies
from suprsend_async.transport.request import Method, Request


def request(name: str, method: Method = "POST") -> Request:
    return Request(method, "v2/event/", body=json.dumps({"$insert_id": name, "padding": "x" * 500}).encode())


def answer(document: object) -> Answer:
    return Answer(202, {}, document if isinstance(document, bytes) else json.dumps(document).encode())


def yes(message_id: str = "01JQ7Z5C3V9M2K8R4T6W0XEYHB") -> Answer:
    return answer({"status": "success", "message_id": message_id})


def records(*message_ids: str) -> Answer:
    return answer({"status": "success", "records": [{"message_id": one} for one in message_ids]})


class Connection:
    """Stands for a connection."""


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


def test_a_part_of_a_bulk_may_have_the_answer_of_the_whole() -> None:
    """It begins with the same record, whose key the platform knows; what became of that stands first in both."""

    def bulk(*keys: str) -> Request:
        body = ",".join(f'{{"event":"a","$idempotency_key":"{key}"}}' for key in keys)
        return Request("POST", "v2/event/", body=f"[{body}]".encode(), has_records=True, record_count=len(keys))

    copies = Copies()
    assert not copies.is_copy(bulk("one", "two", "three", "four"), yes(), is_first=False)
    assert not copies.is_copy(bulk("one", "two"), yes(), is_first=False)
    assert copies.is_copy(bulk("two", "one"), yes(), is_first=False)


@pytest.mark.parametrize(
    "body",
    [b"", b"OK", {}, {"message_id": "message-12"}, {"message_id": None}, {"status": "success"}, b"\xff\x00"],
)
def test_what_names_no_message_may_come_again(body: object) -> None:
    copies = Copies()
    assert not any(copies.is_copy(request(name), answer(body), is_first=False) for name in ("one", "two"))


SENDS_NOTHING: list[Method] = ["GET", "PATCH", "DELETE"]


@pytest.mark.parametrize("method", SENDS_NOTHING)
@pytest.mark.parametrize("has_come", [True, False])
def test_what_sends_no_message_is_not_answered_with_one(method: Method, *, has_come: bool) -> None:
    copies = Copies()
    if has_come:
        assert not copies.is_copy(request("one"), yes(), is_first=True)
    assert copies.is_copy(request("two", method), yes(), is_first=False)
    # Said again over another connection, it is what the server says.
    assert not copies.is_copy(request("two", method), yes(), is_first=False)


@pytest.mark.parametrize("method", SENDS_NOTHING)
def test_what_sends_no_message_is_not_answered_like_a_bulk(method: Method) -> None:
    """A PATCH may be: of messages, whose ids it is answered with."""
    assert Copies().is_copy(request("one", method), records(str(uuid.uuid4())), is_first=False) is (method != "PATCH")


@pytest.mark.parametrize("method", SENDS_NOTHING)
def test_a_test_server_may_say_the_same_to_everything(method: Method) -> None:
    copies = Copies()
    assert not copies.is_copy(request("one", method), yes(), is_first=True)
    assert not copies.is_copy(request("two", method), yes(), is_first=False)
    assert not copies.is_copy(request("three"), yes(), is_first=False)


@pytest.mark.parametrize("method", SENDS_NOTHING)
def test_a_record_may_name_a_message_again(method: Method) -> None:
    sent, message_id = Copies(), "01JQ7Z5C3V9M2K8R4T6W0XEYHB"
    assert not sent.is_copy(request("one"), yes(message_id), is_first=True)
    for document in (
        {"results": [{"message_id": message_id, "status": "delivered"}]},
        {"records": [{"message_id": message_id, "status": "success"}]},
        {"message_id": message_id, "status": "delivered"},
        [{"status": "success", "message_id": message_id}],
    ):
        assert not sent.is_copy(request("two", method), answer(document), is_first=False)


def test_a_copy_is_noticed_on_its_connection_whatever_is_said_on_others() -> None:
    copies, first, other = Copies(), Connection(), Connection()
    assert not copies.is_copy(request("one"), yes(), first, is_first=True)
    for number in range(1000):
        assert not copies.is_copy(request(f"other {number}"), yes(str(uuid.uuid4())), other, is_first=False)
    assert not copies.is_copy(request("elsewhere"), yes(str(uuid.uuid4())), other, is_first=False)
    assert copies.is_copy(request("two"), yes(), first, is_first=False)
    assert copies.is_copy(request("three"), yes(), other, is_first=False)


def test_a_connection_remembers_a_few() -> None:
    copies, connection = Copies(), Connection()
    for number in range(1000):
        copies.is_copy(request(str(number)), yes(str(uuid.uuid4())), connection, is_first=False)
    (said,) = vars(connection).values()
    assert 1 < len(said) <= 4


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
