"""What a client is configured with: arguments first, the environment for what they leave out."""

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from suprsend_async.callers import caller_depth
from suprsend_async.errors import ConfigurationError, address
from suprsend_async.transport.authentication import CONTENT_TYPE, ApiKey, Credentials, WorkspaceSecret
from suprsend_async.transport.origin import DEFAULT_BASE_URL, Origin, parse_base_url
from suprsend_async.version import __version__

if TYPE_CHECKING:
    import httpx

SDK_NAME = "suprsend-async"


class ClientOptions(TypedDict, total=False):
    """The options of a client, for those who pass them on; `AsyncSuprsend` says what each means and its default."""

    base_url: str | None
    timeout: float
    max_retries: int | None
    max_connections: int
    concurrency: int
    max_event_bytes: int
    http_client: httpx.AsyncClient | None
    app_info: Mapping[str, str] | None


def resolve_credentials(workspace_key: str | None, workspace_secret: str | None) -> Credentials:
    """Return the credentials that the arguments or the environment give.

    Raises:
        ConfigurationError: Something is missing or cannot be a credential; the message says which variable to set.
    """
    key = workspace_key or os.environ.get("SUPRSEND_WORKSPACE_KEY")
    secret = workspace_secret or os.environ.get("SUPRSEND_WORKSPACE_SECRET")
    if not key and not secret:
        if os.environ.get("SUPRSEND_WORKSPACE_UID") and os.environ.get("SUPRSEND_API_KEY"):
            return resolve_api_key(None, None)
        raise ConfigurationError(
            "no credentials: pass workspace_key and workspace_secret, or set the variables SUPRSEND_WORKSPACE_KEY "
            "and SUPRSEND_WORKSPACE_SECRET (or SUPRSEND_WORKSPACE_UID and SUPRSEND_API_KEY)"
        )
    try:
        return WorkspaceSecret(
            _credential("workspace_key", key, "SUPRSEND_WORKSPACE_KEY"),
            _credential("workspace_secret", secret, "SUPRSEND_WORKSPACE_SECRET"),
        )
    finally:
        # Reporters of crashes record the variables of every frame that an error passes; so in all that follows.
        del key, secret, workspace_key, workspace_secret


def resolve_api_key(workspace_uid: str | None, api_key: str | None) -> Credentials:
    """Return the credentials for Bearer authentication that the arguments or the environment give.

    Raises:
        ConfigurationError: One is missing or cannot be a credential.
    """
    try:
        return ApiKey(
            _credential(
                "workspace_uid", workspace_uid or os.environ.get("SUPRSEND_WORKSPACE_UID"), "SUPRSEND_WORKSPACE_UID"
            ),
            _credential("api_key", api_key or os.environ.get("SUPRSEND_API_KEY"), "SUPRSEND_API_KEY"),
        )
    finally:
        del workspace_uid, api_key


def resolve_origin(base_url: str | None) -> Origin:
    """Return where requests go; warns if credentials would travel readable for others.

    Raises:
        ConfigurationError: The base URL is none.
    """
    text = base_url if base_url is not None else os.environ.get("SUPRSEND_BASE_URL") or DEFAULT_BASE_URL
    if not isinstance(text, str):
        raise ConfigurationError(f"base_url must be a string, not {type(text).__name__}")
    try:
        origin = parse_base_url(text)
    finally:
        del text, base_url
    if origin.scheme == "http" and not origin.is_loopback:
        warnings.warn(
            f"base_url is plain http to {origin.host}: events can be read on the way; use https "
            f"({address('plain-http')})",
            stacklevel=caller_depth(),
        )
    return origin


def request_headers(app_info: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers that tell the platform who is calling.

    Args:
        app_info: `{"name": …, "version": …}` of the application, version optional.

    Raises:
        ConfigurationError: `app_info` has no name, or text that a header cannot carry.
    """
    system, release = platform.system().lower(), platform.release().lower()
    user_agent = f"{SDK_NAME}/{__version__} (python/{platform.python_version()}; {system})"
    if app_info is not None:
        if not isinstance(app_info, Mapping) or not all(map(_is_header_text, [*app_info, *app_info.values()])):
            raise ConfigurationError("app_info must be {'name': …, 'version': …} in printable ASCII, version optional")
        name, version = app_info.get("name"), app_info.get("version")
        if not name:
            raise ConfigurationError("app_info must have a name: {'name': …, 'version': …}")
        user_agent += f" ({name}/{version})" if version else f" ({name})"
    details = {
        "sdk": SDK_NAME,
        "sdk_version": __version__,
        "lang": "python",
        "lang_version": platform.python_version(),
        "platform": "server",
        "os": system,
        "os_version": release,
        "app_info": dict(app_info) if app_info is not None else None,
    }
    return {
        "Content-Type": CONTENT_TYPE,
        "Accept": "application/json",
        # An answer is small; a coding would only cost time, and could hide a bomb.
        "Accept-Encoding": "identity",
        "User-Agent": user_agent,
        "X-Suprsend-Client-User-Agent": json.dumps(details),
    }


def check_http_client(http_client: object) -> None:
    """Refuse what is no asynchronous httpx client.

    Raises:
        ConfigurationError: It is of another kind.
    """
    # Who has such a client has imported httpx; here nothing is imported for it.
    httpx = sys.modules.get("httpx")
    if http_client is not None and (httpx is None or not isinstance(http_client, httpx.AsyncClient)):
        raise ConfigurationError(f"http_client must be an httpx.AsyncClient, not {type(http_client).__name__}")


def _credential(name: str, value: object, variable: str) -> str:
    if problem := _problem(value):
        del value
        raise ConfigurationError(f"{name} {problem.format(variable=variable)}")
    return str(value).strip()


def _problem(value: object) -> str | None:
    if not value:
        return "is missing: pass it, or set the variable {variable}"
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    text = value.strip()
    if not text or not _is_header_text(text):
        return "must be printable ASCII without line breaks; copy it again from the dashboard, or see {variable}"
    return None


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()
