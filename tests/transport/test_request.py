"""Requests as values: ids and queries in the form that is signed and sent."""

from __future__ import annotations

import string
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.transport.user_requests import USER, user

from suprsend_async import AsyncSuprsend, ValidationError
from suprsend_async.api.call import fetch
from suprsend_async.transport.request import Request, encode_query, path_segment

if TYPE_CHECKING:
    from tests.conftest import Server


UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")


# Ids


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("user-1", "user-1"),
        ("  user-1\t\n", "user-1"),
        ("\u00a0user-1\u3000", "user-1"),
        ("user@example.com", "user%40example.com"),
        ("a b/c", "a%20b%2Fc"),
        ("a+b", "a%2Bb"),
        ("a%2Fb", "a%252Fb"),
        ("../v1/event", "..%2Fv1%2Fevent"),
        ("...", "..."),
        (".a", ".a"),
        ("?#[]&=;:,!$'()*", "%3F%23%5B%5D%26%3D%3B%3A%2C%21%24%27%28%29%2A"),
        ("Zoë", "Zo%C3%AB"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("\x00\x7f", "%00%7F"),
        ("~_-.", "~_-."),
        ("{distinct_id}", "%7Bdistinct_id%7D"),
    ],
)
def test_an_id_is_one_segment(value: str, segment: str) -> None:
    assert path_segment("distinct_id", value) == segment
    assert user(value).target == f"v1/user/{segment}/"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_other_character_is_escaped_and_nothing_is_lost(value: str) -> None:
    if value.strip() in ("", ".", ".."):
        return
    segment = path_segment("distinct_id", value)
    assert set(segment) <= UNRESERVED | {"%"}
    assert unquote(segment, errors="strict") == value.strip()
    assert all(character == "%" or character in UNRESERVED for character in segment)


class Plan(StrEnum):
    PRO = "pro"


class Team(str, Enum):  # noqa: UP042 - what programs had before there was a StrEnum
    SHOP = "shop"


@pytest.mark.parametrize(("value", "segment"), [(Plan.PRO, "pro"), (Team.SHOP, "shop")])
def test_a_member_of_an_enumeration_of_texts_is_its_text(value: str, segment: str) -> None:
    assert path_segment("plan", value) == segment


REFUSED: list[tuple[object, str]] = [
    ("", "object_id is empty"),
    ("   ", "object_id is empty"),
    ("\u2003", "object_id is empty"),
    (".", r"object_id must not be '\.' or '\.\.'"),
    ("..", r"object_id must not be '\.' or '\.\.'"),
    (" .. ", r"object_id must not be '\.' or '\.\.'"),
    ("\n.\t", r"object_id must not be '\.' or '\.\.'"),
    (None, "object_id must be a string, not NoneType"),
    (5, "object_id must be a string, not int"),
    (True, "object_id must be a string, not bool"),
    (b"user-1", "object_id must be a string, not bytes"),
    (["user-1"], "object_id must be a string, not list"),
    ("planted\ud800", "object_id holds a character that UTF-8 cannot carry"),
    ("planted\udce9", "object_id holds a character that UTF-8 cannot carry"),
]


@pytest.mark.parametrize(("value", "words"), REFUSED)
async def test_what_cannot_stand_in_a_path_is_refused_before_anything_is_sent(
    client: AsyncSuprsend, server: Server, value: Any, words: str
) -> None:
    ids = {"object_type": "department", "object_id": value}
    with pytest.raises(ValidationError, match=words) as caught:
        await fetch(client.sender.transport, Request("DELETE", "v1/object/{object_type}/{object_id}/", ids), "delete")
    assert caught.value.outcome == "rejected"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "planted" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize(
    ("route", "ids", "words"),
    [
        (USER, {}, "distinct_id is in the route and missing in ids"),
        (USER, {"user_id": "planted"}, "distinct_id is in the route and missing in ids"),
        (USER, {"distinct_id": "user-1", "tenant_id": "planted"}, "tenant_id is not in the route"),
        ("v1/user/", {"distinct_id": "planted"}, "distinct_id is not in the route"),
        (
            "v1/object/{object_type}/{object_id}/",
            {"object_type": "planted"},
            "object_id is in the route and missing in ids",
        ),
    ],
)
def test_ids_and_the_routes_names_for_them_are_the_same(route: str, ids: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        Request("GET", route, ids)
    assert "planted" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("name", ["distinct_id.__class__", "0", "", "distinct_id!r", "distinct_id[0]"])
def test_a_name_in_a_route_is_a_name_and_nothing_is_formatted(name: str) -> None:
    with pytest.raises(ValidationError, match="route"):
        Request("GET", f"v1/user/{{{name}}}/", {"distinct_id": "user-1"})


# Queries


QUERIES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"limit": 20}, "limit=20"),
    ({"score": 0.5}, "score=0.5"),
    ({"is_active": True, "is_deleted": False}, "is_active=true&is_deleted=false"),
    ({"after": None}, ""),
    ({"after": None, "limit": 5, "before": None}, "limit=5"),
    ({"status[]": ["delivered", "seen"]}, "status%5B%5D=delivered&status%5B%5D=seen"),
    ({"status[]": ("delivered",)}, "status%5B%5D=delivered"),
    ({"status[]": []}, ""),
    ({"status[]": ["a", None, "b"]}, "status%5B%5D=a&status%5B%5D=b"),
    ({"flags": [True, 1]}, "flags=true&flags=1"),
    ({"tenant_id": "t 1"}, "tenant_id=t+1"),
    ({"tenant_id": "t+1"}, "tenant_id=t%2B1"),
    ({"tags": '{"or":["a",{"not":"b"}]}'}, "tags=%7B%22or%22%3A%5B%22a%22%2C%7B%22not%22%3A%22b%22%7D%5D%7D"),
    ({"q": "Zoë & Co = 100 %"}, "q=Zo%C3%AB+%26+Co+%3D+100+%25"),
    ({"q": ""}, "q="),
    ({"q": "a;b#c?d"}, "q=a%3Bb%23c%3Fd"),
]


@pytest.mark.parametrize(("query", "text"), QUERIES)
def test_a_query_is_form_encoded(query: dict[str, Any], text: str) -> None:
    assert encode_query(query) == text
    assert Request("GET", "v1/user/", query=query).target == ("v1/user/?" + text if text else "v1/user/")


@given(st.dictionaries(st.text("abc[]", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_query_can_be_read_back(query: dict[str, str]) -> None:
    assert dict(parse_qsl(encode_query(query), keep_blank_values=True, strict_parsing=bool(query))) == query


@pytest.mark.parametrize("value", ["planted\ud800", ["fine", "planted\udfff"]])
def test_a_query_that_utf_8_cannot_carry_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValidationError, match="tenant_id holds a character that UTF-8 cannot carry") as caught:
        Request("GET", "v1/user/", query={"limit": 5, "tenant_id": value})
    assert "planted" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


# As values


def test_a_request_is_a_value() -> None:
    one, other = user("user-1"), user("user-1")
    assert one == other
    assert one != user("user-2")
    with pytest.raises(AttributeError):
        one.method = "DELETE"  # type: ignore[misc]
