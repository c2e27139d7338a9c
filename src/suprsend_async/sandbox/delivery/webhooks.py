"""Webhooks: changes of a message's status, posted to the application until it takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pydantic_core import to_json

from suprsend_async.sandbox.delivery.due import DueQueue
from suprsend_async.sandbox.options import text, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.sandbox.state.records import Records
    from suprsend_async.sandbox.state.transaction import Transaction

KIND = "webhook"
WAITS = (1.0, 5.0, 25.0, 125.0)
"""Seconds between one attempt and the next. The platform documents no schedule; this is the sandbox's own."""
TIMEOUT = 5.0
"""Seconds for one attempt."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_URL = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class Post(Protocol):
    """Posts a body, and returns the status of the answer."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post.

        Raises:
            OSError: There was no answer; the message says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks go.

    Attributes:
        url: The application's address.
        headers: What is sent beside the content's type, such as a shared token.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def target_of(url: str | None, headers: Mapping[str, str] | None) -> Target | None:
    """Return where webhooks go; None for nowhere.

    Raises:
        ValueError: The address is none, or a header cannot be sent.
    """
    if url is None:
        if headers:
            raise ValueError("webhook_headers are for a webhook: give its address as well")
        return None
    if not _is_address(text("webhook", url)):
        raise ValueError(f"webhook must be an address such as http://127.0.0.1:8000/webhooks, not {url!r}")
    given = texts("webhook_headers", headers or {})
    for name, value in given.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"webhook_headers: {name!r} is not a header that can be sent")
    return Target(url, given)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # The port is read when it is asked for.
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and parts.scheme in {"http", "https"} and _URL.fullmatch(url) is not None


def webhook_body(
    message_id: str, message: Mapping[str, Any], status: str, at: float, workspace_uid: str
) -> dict[str, Any]:
    """Return what is posted when a message comes to a status, in the shape that the platform documents."""
    vendor: Mapping[str, Any] = message["vendor"] or {"name": "sandbox"}
    address: Mapping[str, Any] = message["channel_identity"] or {}
    template: Mapping[str, Any] = message["template"] or {}
    workflow: Mapping[str, Any] = message["workflow"] or {}
    return {
        "channel": message["channel"],
        "channel_value": next(iter(address.values()), None),
        "distinct_id": message["recipient"]["distinct_id"],
        "event_type": "status",
        "reference": {
            "idempotency_key": message["idempotency_key"],
            "supr_execution_id": message["execution_id"],
            "supr_ngid": message["execution_id"],
            "supr_nid": message_id,
            "vendor_ack_id": f"ack-{message_id}",
            "workspace_name": "sandbox",
            "workspace_uid": workspace_uid,
        },
        "suprsend_status": {"status": status, "timestamp": int(at * 1000)},
        "template": template.get("slug"),
        "vendor_name": vendor["name"],
        "vendor_response": {vendor["name"]: {}},
        "version": "1.0",
        "workflow_name": workflow.get("name"),
    }


class Webhooks:
    """Webhooks to be posted, and their results.

    Args:
        target: Where it goes; None for nowhere.
        workspace_uid: The workspace's name in what is posted.
        change: Lets something change the state, as a whole or not at all.
        clock: Gives the time in seconds.
        post: Posts.
    """

    def __init__(
        self,
        target: Target | None,
        workspace_uid: str,
        change: Callable[[Callable[[Transaction], Any]], Any],
        clock: Callable[[], float],
        post: Post,
    ) -> None:
        self.target: Target | None = target
        self.queue: DueQueue = DueQueue()
        self._workspace_uid = workspace_uid
        self._change = change
        self._clock = clock
        self._post = post

    def load(self, records: Records) -> None:
        """Note what the records hold that was not posted yet."""
        self.queue.clear()
        for record in records.each(KIND, ""):
            if record.content["state"] == "waiting":
                self.queue.push(record.content["next_at"], record.name)

    def note(self, transaction: Transaction) -> None:
        """Note the messages whose status a transaction changed."""
        if self.target is None:
            return
        for message_id, status in transaction.moved:
            found = transaction.records.get("message", "", message_id)
            # It may have made room in the same transaction.
            if found is not None:
                self._add(transaction, message_id, found.content, status)

    def _add(self, transaction: Transaction, message_id: str, message: Mapping[str, Any], status: str) -> None:
        content: dict[str, Any] = {
            "message_id": message_id,
            "status": status,
            "body": webhook_body(message_id, message, status, transaction.now, self._workspace_uid),
            "state": "waiting",
            "next_at": transaction.now,
            "tries": 0,
            "attempts": [],
        }
        self.queue.push(transaction.now, transaction.append(KIND, content))

    def replay(self, transaction: Transaction, name: str) -> bool:
        """Let a webhook be posted again, unchanged; False if there is none of this name."""
        found = transaction.records.get(KIND, "", name)
        if found is None:
            return False
        content = found.content | {"state": "waiting", "next_at": transaction.now, "tries": 0}
        transaction.records.put(KIND, "", name, content, transaction.now)
        self.queue.push(transaction.now, name)
        return True

    def send(self) -> bool:
        """Post what has been due for longest; False if nothing is."""
        due = None if self.target is None else self.queue.pop(self._clock())
        if self.target is not None and due is not None:
            self._send(self.target, *due)
        return due is not None

    def _send(self, target: Target, due_at: float, name: str) -> None:
        body = self._change(lambda transaction: _waiting(transaction, name, due_at))
        if body is None:
            return
        attempt: dict[str, Any] = {"at": self._clock(), "status_code": None, "error": None}
        try:
            headers = {**target.headers, "Content-Type": "application/json"}
            attempt["status_code"] = self._post(target.url, to_json(body), headers)
        except OSError as error:
            attempt["error"] = str(error) or type(error).__name__
        next_at = self._change(lambda transaction: _note_attempt(transaction, name, due_at, attempt))
        if next_at is not None:
            self.queue.push(next_at, name)


def _waiting(transaction: Transaction, name: str, due_at: float) -> dict[str, Any] | None:
    """Return the body of a webhook that waits since then; None if that was another one."""
    found = transaction.records.get(KIND, "", name)
    if found is None or found.content["state"] != "waiting" or found.content["next_at"] != due_at:
        return None
    body: dict[str, Any] = found.content["body"]
    return body


def _note_attempt(transaction: Transaction, name: str, due_at: float, attempt: dict[str, Any]) -> float | None:
    """Note an attempt, and return when the next one is due; None if there is to be none."""
    found = transaction.records.get(KIND, "", name)
    # All was cleared meanwhile, or somebody replayed it: then it is posted once more anyway.
    if found is None or found.content["state"] != "waiting" or found.content["next_at"] != due_at:
        return None
    content = found.content
    tries: int = content["tries"]
    taken = attempt["status_code"] is not None and 200 <= attempt["status_code"] < 300
    state = "delivered" if taken else "waiting" if tries < len(WAITS) else "failed"
    next_at = transaction.now + WAITS[tries] if state == "waiting" else None
    content |= {"state": state, "next_at": next_at, "tries": tries + 1, "attempts": [*content["attempts"], attempt]}
    transaction.records.put(KIND, "", name, content, transaction.now)
    return next_at


def post_over_http(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post over a new connection, and return the status of the answer.

    Raises:
        OSError: There was no answer.
    """
    # Not on import: only who has webhooks needs it.
    import httpx

    try:
        return httpx.post(url, content=body, headers={**headers}, timeout=TIMEOUT, trust_env=False).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # Of a host that no name server can be asked for, such as `xn--a`, it is one of the latter two.
        raise OSError(f"{type(error).__name__}: {error}") from error
