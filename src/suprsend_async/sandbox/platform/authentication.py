"""Who sends this request: the sandbox's own reading of the Authorization header.

It is written from the contract alone and shares nothing with the client's signing: so the two can disagree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING

from suprsend_async.sandbox.options import text
from suprsend_async.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WORKSPACE_KEY_MINIMUM = 20

# Day and month are English under every locale.
_HTTP_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class WorkspaceCredentials:
    """The two ways into the sandbox's one workspace.

    Attributes:
        workspace_key: The name of the workspace when requests are signed.
        workspace_secret: The secret that signs them.
        workspace_uid: The name of the workspace when an API key is sent.
        api_key: The API key.
    """

    workspace_key: str
    workspace_secret: str = field(repr=False)
    workspace_uid: str
    api_key: str = field(repr=False)


def check_given(given: Mapping[str, str | None]) -> None:
    """Check the credentials that somebody chose, by their names in `WorkspaceCredentials`; None is left to chance.

    Raises:
        ValueError: One is empty, or the workspace key too short.
    """
    for name, value in given.items():
        if value is not None and text(name, value) == "":
            raise ValueError(f"{name} must not be empty")
    key = given["workspace_key"]
    if key is not None and len(key) < WORKSPACE_KEY_MINIMUM:
        raise ValueError(f"workspace_key must have at least {WORKSPACE_KEY_MINIMUM} characters")


def complete(given: Mapping[str, str | None], stored: Callable[[str, str], str]) -> WorkspaceCredentials:
    """Return the credentials that are given, and for the others those that are stored.

    Args:
        given: The credentials by their names; None for one to be found.
        stored: Returns the one of a name that is stored; the new one that it gets, if there is none.
    """
    new = _random()
    return WorkspaceCredentials(**{name: value or stored(name, new[name]) for name, value in given.items()})


def _random() -> dict[str, str]:
    return {
        "workspace_key": f"sandbox-key-{token_hex(8)}",
        "workspace_secret": f"sandbox-secret-{token_hex(16)}",
        # The released SDK asks for 20 characters, though real ones are shorter.
        "workspace_uid": f"sandbox-uid-{token_hex(4)}",
        "api_key": f"sandbox-api-key-{token_hex(16)}",
    }


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace a request is authorized for.

    Attributes:
        env: What its events must carry in ``env``.
        env_minimum: The fewest characters that ``env`` may have. Only a workspace key has such a minimum.
    """

    env: str
    env_minimum: int


@dataclass(frozen=True, slots=True)
class Received:
    """What of a request the signature covers, exactly as it came on the wire.

    Attributes:
        method: The HTTP verb.
        target: The percent-encoded path, with ``?query`` if there is one.
        body: The body's bytes.
        authorization: The header, or None if it is missing.
        content_type: The header, or None if it is missing.
        date: The header, or None if it is missing.
    """

    method: str
    target: bytes
    body: bytes
    authorization: str | None = field(repr=False)
    content_type: str | None
    date: str | None


def authenticate(credentials: WorkspaceCredentials, request: Received) -> Workspace | Refusal:
    """Say which workspace a request is authorized for, or refuse it with what is wrong.

    Examples:
        >>> credentials = WorkspaceCredentials("k" * 20, "secret", "uid", "api-key")
        >>> request = Received("POST", b"/v2/event/", b"{}", "Bearer api-key", "application/json", None)
        >>> authenticate(credentials, request) == Workspace("uid", 1)
        True
    """
    header = request.authorization
    if not header:
        return _denied("The Authorization header is missing.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        if not _same(token.strip(), credentials.api_key):
            return _denied("The API key is not the workspace's.")
        return Workspace(credentials.workspace_uid, 1)
    return _check_signature(credentials, request, header)


def _check_signature(credentials: WorkspaceCredentials, request: Received, header: str) -> Workspace | Refusal:
    key, separator, signature = header.rpartition(":")
    if not separator:
        return _denied("The Authorization header is neither `Bearer <api_key>` nor `<workspace_key>:<signature>`.")
    if not _same(key, credentials.workspace_key):
        return _denied("The workspace key is unknown.")
    if not request.date:
        return _denied("The Date header is missing; the signature covers it.")
    if _HTTP_DATE.fullmatch(request.date) is None:
        return _denied("The Date header must look like `Tue, 02 Jan 2024 03:04:05 GMT`, in English.")
    if not request.content_type:
        return _denied("The Content-Type header is missing; the signature covers it.")
    if not _same(signature, _signature(credentials.workspace_secret, request)):
        return _denied(
            "The signature does not match. It is made with the workspace secret, over the verb, the MD5 of "
            "the body, the Content-Type and Date headers, and the request URI."
        )
    return Workspace(credentials.workspace_key, WORKSPACE_KEY_MINIMUM)


def _signature(secret: str, request: Received) -> str:
    digest = hashlib.md5(request.body, usedforsecurity=False).hexdigest() if request.body else ""
    fields = (
        request.method.upper().encode(),
        digest.encode(),
        # The server decodes header bytes as Latin-1; this gives the same bytes back.
        (request.content_type or "").encode("latin-1"),
        (request.date or "").encode("latin-1"),
        request.target,
    )
    return base64.b64encode(hmac.new(secret.encode(), b"\n".join(fields), hashlib.sha256).digest()).decode()


def _same(left: str, right: str) -> bool:
    # As bytes, because compare_digest takes no text beyond ASCII.
    return hmac.compare_digest(left.encode(), right.encode())


def _denied(message: str) -> Refusal:
    return Refusal(401, "authentication_error", message)
