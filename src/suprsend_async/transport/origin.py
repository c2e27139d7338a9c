"""Where requests go: a base URL, checked once and taken apart."""

from __future__ import annotations

import ipaddress
import re
import string
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from suprsend_async.errors import ConfigurationError

DEFAULT_BASE_URL = "https://hub.suprsend.com/"

# What may stand unescaped in a path; the signature covers the path as it is sent.
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
# What is written without an escape although it could have one.
_PLAIN = frozenset(string.ascii_letters + string.digits + ":@!$&'()*,;=~-._")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})?")


class Origin(NamedTuple):
    """A base URL in parts.

    Attributes:
        scheme: "http" or "https".
        host: The host name, without the port.
        authority: Host and port as they stand in the URL.
        prefix: The path, percent-encoded, beginning and ending with a slash.
    """

    scheme: str
    host: str
    authority: str
    prefix: str

    def uri(self, path: str) -> str:
        """Return the request URI of a path below this origin: what is signed."""
        return self.prefix + path

    def url(self, path: str) -> str:
        """Return the whole URL of a path below this origin."""
        return f"{self.scheme}://{self.authority}{self.prefix}{path}"

    @property
    def port(self) -> int:
        """The port that requests go to, written in the URL or not."""
        return urlsplit(f"//{self.authority}").port or (443 if self.scheme == "https" else 80)

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")


def parse_base_url(text: str) -> Origin:
    """Check a base URL and take it apart; a missing slash at its end is added.

    Raises:
        ConfigurationError: It is not an http(s) URL with a host, or carries credentials, a query or a fragment.
    """
    origin = _parsed(text)
    del text  # it may hold a password, and reporters of crashes record the variables of every frame
    if isinstance(origin, str):
        raise ConfigurationError(f"{origin}; correct the argument base_url or the variable SUPRSEND_BASE_URL")
    return origin


def _parsed(text: str) -> Origin | str:
    """Return the URL in parts, or what is wrong with it."""
    try:
        text.encode()  # a lone surrogate is a ValueError, too
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    is_place = port != 0 and not any(character.isspace() for character in parts.netloc)
    if parts.scheme not in ("http", "https") or not host or not is_place:
        return "base_url must be an http(s) URL such as 'https://hub.suprsend.com/'"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "base_url must not hold credentials, a query or a fragment"
    authority = f"[{host}]" if ":" in host else host
    if port is not None:
        authority = f"{authority}:{port}"
    return Origin(parts.scheme, host, authority, _normal_path(parts.path.rstrip("/")) + "/")


def _normal_path(path: str) -> str:
    """Return a path in the one spelling that the HTTP libraries leave as it is: what is signed is what is sent."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]  # the empty segment before the first slash stays
        elif segment != ".":
            kept.append(_ESCAPE.sub(_normal_escape, segment))
    return quote("/".join(kept), safe=_PATH_SAFE)


def _normal_escape(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return "%25"
    character = chr(int(escape[1], 16))
    return character if character in _PLAIN else f"%{escape[1].upper()}"
