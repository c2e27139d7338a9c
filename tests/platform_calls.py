"""Every call of the platform that is known, as `tests/data/platform_calls.toml` lists them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "platform_calls.toml"
_NOWHERE = "501"


@dataclass(frozen=True, kw_only=True)
class PlatformCall:
    """One call.

    Attributes:
        section: What it is about.
        call: What it is called there.
        method: The HTTP verb.
        route: The path without the leading slash, ids in braces.
        sandbox: The route of the sandbox's endpoint, or 501 where there is none.
        ours: The methods of our client that make it.
        released: The methods of the released SDK's client that make it.
        not_offered: Why we have none.
    """

    section: str
    call: str
    method: str
    route: str
    sandbox: str
    ours: tuple[str, ...]
    released: tuple[str, ...]
    not_offered: str = ""

    def __str__(self) -> str:
        return f"{self.section}: {self.call}"

    @property
    def is_simulated(self) -> bool:
        return self.sandbox != _NOWHERE

    def has_path(self, path: str) -> bool:
        """Whether a path, percent-encoded, is one of this route."""
        parts = [r"[^/]+" if part.startswith("{") else re.escape(part) for part in self.route.split("/")]
        return re.fullmatch("/" + "/".join(parts), path) is not None


def _call(section: str, entry: dict[str, object]) -> PlatformCall:
    return PlatformCall(
        section=section, **{name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    )  # type: ignore[arg-type]


CALLS = [
    _call(section["name"], entry)
    for section in tomllib.loads(_FILE.read_text("utf-8"))["section"]
    for entry in section["calls"]
]
OURS = {name for call in CALLS for name in call.ours}
RELEASED = {name for call in CALLS for name in call.released}
