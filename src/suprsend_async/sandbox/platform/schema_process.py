"""JSON Schemas applied in separate processes, and the reports of those that take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import validation
from suprsend_async.sandbox.platform.bounded_process import OUT_OF_TIME, BoundedProcesses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ADVICE = (
    "look for a `pattern` that repeats a repetition, such as `(a+)+`, for `$ref`s that multiply, and for `uniqueItems` "
    "of long lists of objects"
)


class SchemaProcesses(BoundedProcesses):
    """The processes that apply JSON Schemas.

    Args:
        seconds: How long a schema may take for one event, or to be read. All events of a request get a little more
            than two of them would.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(validation.__file__, seconds)

    def problem(self, name: str, schema: Mapping[str, Any]) -> str | None:
        """Say why a schema cannot be used, if it cannot; the text goes on after "the schema for 'name'".

        Raises:
            Stopped: The processes were closed.
        """
        try:
            said = self.read(name, schema)
        except OSError as error:
            return f"cannot be used: no process can be started that applies it ({error.strerror})"
        if said == OUT_OF_TIME:
            return f"cannot be used: reading it takes longer than {self._seconds:g} s; {_ADVICE}"
        if isinstance(said, int):
            return f"cannot be used: the process that applies it ended (exit status {said})"
        return said

    def check(self, name: str, schema: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Say for the properties of each event what breaks the schema, if anything, or why it cannot be checked.

        An event that takes too long, or ends the process, does not harm those after it.

        Raises:
            Stopped: The processes were closed.
        """
        try:
            return self.do(name, schema, events, _cut_off)
        except OSError as error:
            problem = f"`properties` cannot be checked: no process can be started for that ({error.strerror})."
            return [problem] * len(events)


def _cut_off(status: int, seconds: float) -> str:
    if status == OUT_OF_TIME:
        return f"`properties` could not be checked by the event's schema within {seconds:.3g} s; {_ADVICE}."
    return f"`properties` could not be checked: the process that applies the schema ended (exit status {status})."
