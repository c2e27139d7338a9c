"""Secrets that are planted, and the search for them in all that comes out."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.exchange import WORKSPACE_SECRET

if TYPE_CHECKING:
    import logging

API_KEY = "planted-api-key-5c1d"
VALUE = "planted-property-value-77a0"
INNER_VALUE = "planted-inner-value-09be"
IDEMPOTENCY_KEY = "planted-idempotency-key-d2f4"
PROXY_PASSWORD = "planted-proxy-password-31ce"

PLANTED = [WORKSPACE_SECRET, API_KEY, VALUE, INNER_VALUE, IDEMPOTENCY_KEY, PROXY_PASSWORD]


@dataclass(slots=True)
class Search:
    """Everything that a program could see or keep, and what must not be in it.

    Attributes:
        planted: What is searched for; signatures are added as they are made.
        found: Where something was found: the secret, and the beginning of the text around it.
        looked_at: How many texts were searched.
    """

    planted: set[str] = field(default_factory=lambda: set(PLANTED))
    texts: list[tuple[str, str]] = field(default_factory=list)

    def look_at(self, where: str, thing: object) -> None:
        """Search an object as it would be printed."""
        self.texts += [(where, str(thing)), (where, repr(thing))]

    def look_at_error(self, where: str, error: BaseException) -> None:
        """Search an exception, those that hang on it, its traceback and its pickle."""
        self.texts.append((f"{where}: traceback", "".join(traceback.format_exception(error))))
        self.texts.append((f"{where}: pickle", pickle.dumps(error).decode("latin-1")))
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.look_at(f"{where}: exception", one)
            self.look_at(f"{where}: arguments", one.args)
            self.look_at(f"{where}: attributes", vars(one))
            todo += [one.__cause__, one.__context__]

    def look_at_record(self, record: logging.LogRecord) -> None:
        """Search a log record: what is printed, and what it was made of."""
        where = f"log of {record.name}"
        self.texts.append((where, record.getMessage()))
        self.look_at(where, record.args)
        if record.exc_info is not None and record.exc_info[1] is not None:
            self.texts.append((where, "".join(traceback.format_exception(record.exc_info[1]))))
        self.look_at(where, {name: value for name, value in vars(record).items() if name not in ("args", "msg")})

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """What was found: the secret, where it was, and the text."""
        return [(secret, where, text[:500]) for where, text in self.texts for secret in self.planted if secret in text]
