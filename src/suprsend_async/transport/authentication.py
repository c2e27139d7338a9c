"""Signing requests: the workspace's key and secret, or an API key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Protocol

CONTENT_TYPE = "application/json; charset=utf-8"


class Credentials(Protocol):
    """What a request is authorized with."""

    @property
    def workspace(self) -> str:
        """The workspace's name in an event's `env` and in paths."""
        ...

    def headers(self, method: str, uri: str, body: bytes, now: float) -> dict[str, str]:
        """Return the headers that authorize this request at this time (seconds since the epoch)."""
        ...


@dataclass(frozen=True, slots=True)
class WorkspaceSecret:
    """Workspace key and secret: each request is signed with HMAC-SHA256."""

    workspace: str
    secret: str = field(repr=False)

    def headers(self, method: str, uri: str, body: bytes, now: float) -> dict[str, str]:
        """Return `Date` and `Authorization`; the signature covers the body's exact bytes."""
        date = _date(int(now))
        signature = sign(self.secret, method, uri, body, date)
        return {"Date": date, "Authorization": f"{self.workspace}:{signature}"}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A workspace uid and an API key, sent as a Bearer token."""

    workspace: str
    api_key: str = field(repr=False)

    def headers(self, method: str, uri: str, body: bytes, now: float) -> dict[str, str]:
        """Return `Authorization`; nothing is signed."""
        return {"Authorization": f"Bearer {self.api_key}"}


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    # Once for all requests of a second. formatdate is English under every locale; strftime is not. Imported here, as
    # aiohttp has imported it by then, and `import suprsend_async` need not.
    from email.utils import formatdate

    return formatdate(second, usegmt=True)


def sign(secret: str, method: str, uri: str, body: bytes, date: str, content_type: str = CONTENT_TYPE) -> str:
    """Return the signature of one request, in standard Base64.

    Args:
        secret: The workspace secret.
        method: The HTTP verb.
        uri: The percent-encoded path as it is sent, with `?query` if there is one.
        body: The exact bytes of the body; empty when there is none.
        date: The `Date` header, byte for byte.
        content_type: The `Content-Type` header.
    """
    digest = ""
    if body:
        of_body = _begun_md5().copy()
        of_body.update(body)
        digest = of_body.hexdigest()
    signature = _begun_hmac(secret).copy()
    signature.update("\n".join((method.upper(), digest, content_type, date, uri)).encode())
    return base64.b64encode(signature.digest()).decode("ascii")


# Each begun anew would have OpenSSL look for the algorithm, which takes as long as the rest of the signature.
_begun_md5 = cache(partial(hashlib.md5, usedforsecurity=False))


@lru_cache(maxsize=8)
def _begun_hmac(secret: str) -> hmac.HMAC:
    return hmac.new(secret.encode(), digestmod="sha256")
