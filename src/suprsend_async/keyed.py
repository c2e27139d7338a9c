"""What is read by key, as the dicts that the released SDK returns."""

from __future__ import annotations

from typing import Any, cast

from suprsend_async.released import ReleasedNames


class Keyed(ReleasedNames, explained=False):
    """What answers to `[...]`, and so to `in`, `get` and `to_dict`."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key.

        Raises:
            KeyError: There is no such key.
        """
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        """Whether `[key]` has a value; without this, `in` would look among the fields as pairs, and find none."""
        try:
            self[cast("str", key)]
        except KeyError:
            return False
        return True

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or the default if there is none, or a record came without it."""
        return self[key] if key in self and self._came(key) else default

    def to_dict(self) -> dict[str, Any]:
        """Return all that there is, as a dict; what it holds of this kind is a dict in it, too."""
        return {key: plain(self[key]) for key in self._keys()}

    def _came(self, key: str) -> bool:
        """Whether the value of a key is known, and not only that it might have come."""
        return key in self

    def _keys(self) -> list[str]:
        """Return the keys of what there is."""
        return []


def plain(value: Any) -> Any:
    """Return the dict of what is read by key, alone or in a list; anything else as it is."""
    if isinstance(value, Keyed):
        return value.to_dict()
    return [*map(plain, cast("list[object]", value))] if isinstance(value, list) else value
