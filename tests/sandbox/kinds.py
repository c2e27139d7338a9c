"""Records of the kinds, as the sandbox's page gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Get = Callable[..., Any]


def only(get: Get, kind: str) -> Any:
    """Return the detail of the newest record of a kind."""
    return get(f"kinds/{kind}/{get(f'kinds/{kind}')['records'][0]['id']}")


def facts(detail: Any) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in detail["facts"]}


def sections(detail: Any) -> dict[str, Any]:
    return {section["title"]: section["value"] for section in detail["sections"]}


def names(page: Any) -> list[str]:
    return [record["name"] for record in page["records"]]


def part(get: Get, detail: Any, name: str, **query: object) -> Any:
    return get(f"kinds/{detail['kind']}/{detail['record']['id']}/{name}", **query)
