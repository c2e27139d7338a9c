"""A state that somebody gives: checked as a whole before any record of it is written."""

from __future__ import annotations

from typing import Any

from suprsend_async.sandbox.delivery.definitions import category_of, read_definition
from suprsend_async.sandbox.plain_json import check_plain
from suprsend_async.sandbox.platform.record_forms import problem_of
from suprsend_async.sandbox.state import snapshot


def checked(document: object) -> dict[str, Any]:
    """Return a state that can be restored, and that all which reads its records can read.

    Raises:
        ValueError: It is none; the message names the kind, the record and the field.
    """
    check_plain(document)
    state = snapshot.check(document)
    for kind, records in state["records"].items():
        met: dict[tuple[str, str], int] = {}
        for place, record in enumerate(records):
            where, scope, name = f"records.{kind}[{place}]", record.get("scope", ""), record["name"]
            if (problem := problem_of(kind, scope, name, record["content"])) is not None:
                raise ValueError(f"{where}{problem}")
            if (first := met.setdefault((scope, name), place)) != place:
                raise ValueError(f"{where} has the name of records.{kind}[{first}]; give each record once")
            if kind == "workflow":
                _check_workflow(where, name, record["content"])
    return state


def _check_workflow(where: str, slug: str, content: dict[str, Any]) -> None:
    try:
        # Its category may come with the sandbox that takes the state.
        read_definition(slug, content, {category_of(content)})
    except ValueError as error:
        raise ValueError(f"{where}.content: {error}") from None
