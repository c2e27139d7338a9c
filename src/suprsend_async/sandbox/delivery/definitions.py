"""Definitions of workflows: which messages an event or a trigger makes, from a TOML file or a call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.file_names import files_of, shown
from suprsend_async.sandbox.platform.profiles import CHANNELS
from suprsend_async.toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

# What only some need is imported where they do: a sandbox starts in every test.
_KEYS = ("name", "category", "channels", "delay")
_PUSH = ("title", "body")
FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("subject", "body"),
    "inbox": ("header", "body"),
    "androidpush": _PUSH,
    "iospush": _PUSH,
    "webpush": _PUSH,
}
"""The texts of a template by channel; for a channel that is not named here, only the body."""
_BODY = ("body",)
_NUMBER = r"([0-9]{1,9})"
_DELAY = re.compile(rf"(?=.)(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")
_SECONDS = (86_400, 3_600, 60, 1)
_LONGEST_DELAY = 366 * 86_400.0
_LONGEST_SLUG = 255
MAX_BYTES = 1024 * 1024
"""How large a file of workflows may be."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What one workflow does.

    Attributes:
        slug: The workflow's slug, or the name of the event that starts it.
        name: What people call it.
        category: The preference category of its messages.
        channels: The channels it uses, in order.
        delay: How many seconds after the event or the trigger the messages are made.
        templates: For each channel, the text of each field.
    """

    slug: str
    name: str
    category: str
    channels: tuple[str, ...]
    delay: float
    templates: dict[str, dict[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as `read_definition` takes it."""
        head = {"name": self.name, "category": self.category, "channels": [*self.channels], "delay": self.delay}
        return head | self.templates


def read_definition(slug: str, given: Mapping[str, Any], categories: Collection[str]) -> Definition:
    """Read one definition.

    Args:
        slug: The workflow's slug, or the event's name.
        given: `channels`, `category`, `delay`, `name`, and for each channel an object with the texts of its template.
        categories: The preference categories that there are.

    Raises:
        ValueError: A key, a channel or the category is unknown, and the nearest names are said; or one holds what it
            cannot.

    Examples:
        >>> read_definition("welcome", {"sms": {"body": "Hello"}}, ["transactional"]).channels
        ('sms',)
    """
    if not slug.strip() or len(slug) > _LONGEST_SLUG:
        raise ValueError(f"the slug of a workflow has 1 to {_LONGEST_SLUG} characters")
    where = f"[{slug}]"
    for key in given:
        if key not in _KEYS and key not in CHANNELS:
            raise ValueError(f"{where} has an unknown key {key!r}; {nearest(key, [*_KEYS, *CHANNELS])}")
    templates = {key: _template(f"[{slug}.{key}]", key, given[key]) for key in CHANNELS if key in given}
    in_order = {key: templates[key] for key in given if key in templates}
    category = category_of(given)
    if category not in categories:
        advice = nearest(category, categories)
        raise ValueError(f"{where} has the unknown category {category!r}; {advice} Others are added with --category.")
    name = given.get("name", slug.replace("-", " ").replace("_", " ").capitalize())
    if not isinstance(name, str):
        raise ValueError(f"{where} name must be a text")
    channels = _channels(where, given.get("channels"), in_order)
    return Definition(slug, name, category, channels, _delay(where, given.get("delay", 0)), in_order)


def category_of(given: Mapping[str, Any]) -> Any:
    """Return the category that is given, or the one of those that name none."""
    return given.get("category", "transactional")


def _template(where: str, channel: str, given: object) -> dict[str, str]:
    fields = FIELDS.get(channel, _BODY)
    if not isinstance(given, dict):
        raise ValueError(f"{where} must hold the texts of a template: {', '.join(fields)}")
    texts = cast("dict[str, object]", given)
    for field, text in texts.items():
        if field not in fields:
            raise ValueError(f"{where} has an unknown key {field!r}; {nearest(field, fields)}")
        if not isinstance(text, str):
            raise ValueError(f"{where} {field} must be a text")
    if "body" not in texts:
        raise ValueError(f"{where} has no body: the text of the message")
    return {field: str(texts[field]) for field in fields if field in texts}


def _channels(where: str, given: object, templates: Mapping[str, object]) -> tuple[str, ...]:
    if given is None:
        given = [*templates]
    if not isinstance(given, list) or not given:
        raise ValueError(f"{where} channels must be a list of some of {', '.join(CHANNELS)}")
    channels = cast("list[object]", given)
    for channel in channels:
        if channel not in CHANNELS:
            raise ValueError(f"{where} channels has the unknown channel {channel!r}; {nearest(channel, CHANNELS)}")
        if channel not in templates:
            raise ValueError(f"{where} uses {channel}, for which there is no template: add [{where[1:-1]}.{channel}]")
    for channel in templates:
        if channel not in channels:
            raise ValueError(f"{where} has a template for {channel}, which is not among its channels")
    return tuple(dict.fromkeys(map(str, channels)))


def _delay(where: str, given: object) -> float:
    seconds = seconds_of(given)
    if seconds is None or not 0 <= seconds <= _LONGEST_DELAY:
        raise ValueError(f"{where} delay must be a text such as 10m or 1d2h30m, or seconds, for at most 366 days")
    return seconds


def seconds_of(delay: object) -> float | None:
    """Return a delay in seconds: a text such as `1d2h3m4s`, or a number; None if it is none.

    Examples:
        >>> seconds_of("2h30m"), seconds_of(5), seconds_of("soon")
        (9000.0, 5.0, None)
    """
    if isinstance(delay, str) and (found := _DELAY.fullmatch(delay)):
        return float(sum(int(number or 0) * unit for number, unit in zip(found.groups(), _SECONDS, strict=True)))
    return float(delay) if isinstance(delay, int | float) and not isinstance(delay, bool) else None


def delay_of(seconds: float) -> str:
    """Return seconds as a delay is written; those that are not whole as a number of seconds.

    Examples:
        >>> delay_of(9000), delay_of(0), delay_of(0.5)
        ('2h30m', '0s', '0.5s')
    """
    if not seconds or seconds % 1:
        return f"{seconds:g}s"
    rest, words = int(seconds), ""
    for unit, letter in zip(_SECONDS, "dhms", strict=True):
        number, rest = divmod(rest, unit)
        words += f"{number}{letter}" if number else ""
    return words


def nearest(name: object, known: Collection[str]) -> str:
    """Say which of the known names are most like one that is none of them, or else which there are.

    Examples:
        >>> nearest("emial", ["email", "sms"]), nearest("x", ["email", "sms"])
        ('did you mean email?', 'there are email, sms.')
    """
    from difflib import get_close_matches

    close = get_close_matches(str(name), known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}."


def load_definitions(folder: Path, categories: Collection[str]) -> dict[str, Definition]:
    """Read every `.toml` file of a folder: each table of a file is one workflow.

    Raises:
        ValueError: A file is no TOML or would be passed over, or a definition in it is wrong; the message names it.
        OSError: The folder or a file cannot be read.
    """
    found: dict[str, Definition] = {}
    for path in files_of(folder, ".toml"):
        try:
            for definition in _in_file(path, categories):
                if definition.slug in found:
                    raise ValueError(f"[{definition.slug}] is also in another file of the folder")
                found[definition.slug] = definition
        except ValueError as error:
            raise ValueError(f"{shown(path)}: {error}") from error
    return found


def _in_file(path: Path, categories: Collection[str]) -> Iterator[Definition]:
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")
    document = read_toml(path, "file of workflows", MAX_BYTES)
    slugs = {slug for slug, given in document.items() if isinstance(given, dict)}
    for slug, given in document.items():
        if slug not in slugs:
            raise ValueError(f"{slug!r} is outside of a table: begin with the workflow's slug, as [order-shipped]")
        yield read_definition(slug, given, categories)
