"""The shapes of the HTTP interface: what it is asked, and what it answers beside entries."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from suprsend_async.sandbox.faults import Fault
from suprsend_async.sandbox.state.entry import Stats, Verdict


class NoQuery(BaseModel):
    """No parameters."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class EventsQuery(NoQuery):
    """Which entries to return. A filter that is empty does not matter.

    Attributes:
        name: The event's name.
        distinct_id: The recipient.
        tenant_id: The tenant, or the brand under the older name.
        verdict: The verdict.
        q: Text somewhere in the event or the reason, the case of ASCII letters not mattering; or a message id.
        cursor: The `next_cursor` of the page before.
        limit: How many entries at most.
    """

    name: str = ""
    distinct_id: str = ""
    tenant_id: str = ""
    verdict: Verdict | Literal[""] = ""
    q: Annotated[str, Field(max_length=1000)] = ""
    cursor: Annotated[str, Field(pattern=r"^([0-9]{1,18})?$")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class RequestsQuery(EventsQuery):
    """Which requests to return: those with entries that match."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50


class FaultToProvoke(RootModel[Annotated[Fault, Field(discriminator="kind")]]):
    """One fault with its kind, and how often it strikes: `count` times, or until it is cleared."""


class PlannedFault(BaseModel):
    """A fault that is still to strike.

    Attributes:
        id: Its number.
        fault: The fault, as it was given.
        left: How often it still strikes; null until it is cleared.
    """

    id: int
    fault: Annotated[Fault, Field(discriminator="kind")]
    left: int | None


class PlannedFaults(BaseModel):
    """All faults that are still to strike, in order."""

    faults: list[PlannedFault]


class PropertySchema(RootModel[dict[str, Any]]):
    """A JSON Schema for the properties of an event, without `$ref` to anything outside of itself."""


class RegisteredSchemas(BaseModel):
    """The property schemas by the names of their events."""

    schemas: dict[str, PropertySchema]


class News(BaseModel):
    """The message to a listener of the stream: enough to know whether to fetch, and always complete.

    Attributes:
        latest_id: The newest entry.
        stats: The counts.
    """

    latest_id: int
    stats: Stats


class Environment(BaseModel):
    """What points a client at this sandbox.

    Attributes:
        variables: The environment variables by name, its credentials among them.
    """

    variables: dict[str, str]


class Health(BaseModel):
    """That the sandbox answers.

    Attributes:
        version: This package's version.
    """

    status: Literal["ok"] = "ok"
    version: str


class Problem(BaseModel):
    """What is wrong.

    Attributes:
        message: A sentence for people.
        type: A short name for programs.
    """

    message: str
    type: str


class ErrorAnswer(BaseModel):
    """The request was refused."""

    status: Literal["error"] = "error"
    error: Problem
