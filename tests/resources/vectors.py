"""The golden requests of all resources, and how a call of the released SDK is written here."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suprsend_async import ObjectEdit, SubscriberListBroadcast, UserEdit, WorkflowTriggerRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parents[1] / "data"
VECTORS_FILE, ANSWERS_FILE = DATA / "platform-vectors.json", DATA / "platform-answers.json"
EXCEPTIONS: dict[str, dict[str, Any]] = tomllib.loads((DATA / "vectors-exceptions.toml").read_text("utf-8"))

# Deprecated forms that this package does not offer; the design names what replaces them.
LEFT_OUT = ("workflows.trigger_dynamic", "workflows.bulk_trigger_dynamic", "legacy.user.save", "legacy.bulk_users.save")

# These take what a query may hold in one mapping: no parameter of theirs is documented.
_WITH_QUERY = ("get", "upsert", "edit", "create")
# The released SDK's names, where a vector has another.
_RENAMED = {
    ("tenants", "upsert"): {"payload": "tenant_payload"},
    ("brands", "upsert"): {"payload": "brand_payload"},
}
# What these send once the server has answered DELETE with 405.
VIA_PATCH = {
    "subscriber_lists.delete_via_patch": "delete",
    "subscriber_lists.delete_version_via_patch": "delete_version",
}


def vectors() -> list[dict[str, Any]]:
    """Return the vectors, but for those of calls that are left out."""
    found = json.loads(VECTORS_FILE.read_text("utf-8"))["vectors"]
    return [vector for vector in found if vector["call"]["op"] not in LEFT_OUT]


def exception_of(vector: dict[str, Any]) -> dict[str, Any]:
    """Return what is meant to differ from a vector: by its own name, or by its call's."""
    return EXCEPTIONS.get(vector["name"], EXCEPTIONS.get(vector["call"]["op"], {}))


def answer_to(op: str) -> tuple[int, object]:
    """Return the documented success for a method: its status, and its body."""
    answers = json.loads(ANSWERS_FILE.read_text("utf-8"))["answers"]
    success = next(answer["success"] for answer in answers if op in answer["ops"])
    return success["status"], success["body_text"].encode() if "body_text" in success else success["body"]


def expanded(value: Any, number: int | None = None) -> Any:
    """Return a value with its short forms written out."""
    if isinstance(value, dict):
        if "$repeat" in value:
            return [expanded(value["item"], index) for index in range(value["$repeat"])]
        if "$text" in value:
            return value["$text"] * value["times"]
        return {key: expanded(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded(item, number) for item in value]
    if number is not None and isinstance(value, str):
        return number if value == "{i:int}" else value.replace("{i}", str(number))
    return value


def edit_of(args: dict[str, Any]) -> UserEdit | ObjectEdit:
    """Return the edit that the steps of a vector build."""
    if "object_type" in args:
        edit: UserEdit | ObjectEdit = ObjectEdit(args["object_type"], args["object_id"])
    else:
        edit = UserEdit(args["distinct_id"], args.get("tenant_id"))
    for method, positional, *named in args["edits"]:
        getattr(edit, method)(*positional, **(named[0] if named else {}))
    return edit


def occurrence_of(
    kind: type[WorkflowTriggerRequest | SubscriberListBroadcast], args: dict[str, Any], folder: Path
) -> WorkflowTriggerRequest | SubscriberListBroadcast:
    """Return the trigger or broadcast of a vector; its files are written to a folder first."""
    attachments = args.pop("attachments", [])
    occurrence = kind(**args)
    for attachment in attachments:
        named = {name: attachment[name] for name in ("file_name", "ignore_if_error") if name in attachment}
        if file := attachment.get("file"):
            path = folder / file["name"]
            path.write_bytes(base64.b64decode(file["content_base64"]))
            occurrence.add_attachment(str(path), **named)
        else:
            occurrence.add_attachment(attachment["url"], **named)
    return occurrence


def call_of(vector: dict[str, Any], folder: Path) -> tuple[str, str, tuple[Any, ...], dict[str, Any]]:
    """Return resource, method and arguments of the call, as it is written here."""
    resource, method = vector["call"]["op"].split(".")
    args = expanded(vector["call"]["args"])
    if vector["call"]["op"] == "workflows.trigger":
        return resource, method, (occurrence_of(WorkflowTriggerRequest, args, folder),), {}
    if vector["call"]["op"] == "workflows.bulk_trigger":
        requests = [occurrence_of(WorkflowTriggerRequest, request, folder) for request in args["requests"]]
        return resource, "send", (requests,), {}
    if vector["call"]["op"] == "subscriber_lists.broadcast":
        return resource, method, (occurrence_of(SubscriberListBroadcast, args, folder),), {}
    method = VIA_PATCH.get(vector["call"]["op"], method)
    renamed = _RENAMED.get((resource, method), {})
    args = {renamed.get(name, name): value for name, value in args.items()}
    if method == "bulk_edit":
        return resource, "send_edits", ([edit_of(user) for user in args["users"]],), {}
    if "edits" in args:
        return resource, method, (edit_of(args),), {}
    options = args.pop("options", {})
    named = {"query": options} if options and method in _WITH_QUERY else options
    return resource, method, (), {**args, **named}


def same(expected: Any, sent: Any, user_agent: str) -> bool:
    """Whether a body is the golden one, placeholders apart."""
    match expected:
        case "<uuid>":
            return isinstance(sent, str) and len(sent) == 36
        case "<epoch_ms>":
            return isinstance(sent, int) and sent > 1_700_000_000_000
        case "<user_agent>":
            return bool(sent == user_agent)
        case dict():
            return (
                isinstance(sent, dict)
                and expected.keys() == sent.keys()
                and all(same(item, sent[key], user_agent) for key, item in expected.items())
            )
        case list():
            return (
                isinstance(sent, list)
                and len(expected) == len(sent)
                and all(same(*pair, user_agent) for pair in zip(expected, sent, strict=True))
            )
    return type(expected) is type(sent) and bool(expected == sent)


def names() -> Iterator[str]:
    """Yield the names of the vectors."""
    return (vector["name"] for vector in vectors())
