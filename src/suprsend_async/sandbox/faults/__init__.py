"""The faults that can be provoked, as they are given from Python and over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

MOST: int = 1_000_000
"""The largest count of a fault."""

# What a header can hold.
_Text: TypeAlias = Annotated[str, Field(max_length=100, pattern=r"^[!-~]([ -~]*[!-~])?$")]


def _is_number(value: object) -> object:
    # 2.0 is a whole number in JSON; "2" and true are none.
    if isinstance(value, str | bool):
        raise ValueError("Input should be a number")
    return value


_NUMBER = BeforeValidator(_is_number)


def _require_kind(schema: dict[str, Any]) -> None:
    # Python's callers need not name it; JSON has nothing else to tell the faults apart.
    schema["required"] = ["kind"]


class _Fault(BaseModel):
    """A fault; `count` is how often it strikes, None until it is cleared."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_extra=_require_kind
    )

    count: Annotated[int, Field(ge=1, le=MOST), _NUMBER] | None = None


class Status(_Fault):
    """The request is refused with an HTTP status; nothing of it is stored.

    Attributes:
        status: 400 to 599.
        retry_after: The `Retry-After` header: seconds, or any text as it is to be sent.
        body: The answer's body; the platform's JSON for errors if left out.
        content_type: What the body is.
    """

    kind: Literal["status"] = "status"
    status: Annotated[int, Field(ge=400, le=599), _NUMBER] = 503
    retry_after: _Text | Annotated[int, Field(ge=-MOST, le=MOST), _NUMBER] | None = None
    body: Annotated[str, Field(max_length=100_000)] | None = None
    content_type: _Text = "application/json"


class Html502(_Fault):
    """A gateway's page in HTML instead of the platform's answer; nothing is stored."""

    kind: Literal["html_502"] = "html_502"


class Latency(_Fault):
    """The answer comes late.

    Attributes:
        seconds: How late at least.
        jitter: Up to so many seconds more, at random.
    """

    kind: Literal["latency"] = "latency"
    seconds: Annotated[float, Field(ge=0, le=600), _NUMBER] = 1.0
    jitter: Annotated[float, Field(ge=0, le=600), _NUMBER] = 0.0


class Reset(_Fault):
    """The connection is reset instead of an answer.

    Attributes:
        when: "before" anything is stored, or "after" the events were accepted.
    """

    kind: Literal["reset"] = "reset"
    when: Literal["before", "after"] = "before"


class Silence(_Fault):
    """The request is read and never answered; nothing is stored."""

    kind: Literal["silence"] = "silence"


class RefuseRecords(_Fault):
    """Single events or triggers are refused, and those beside them in a bulk are not. `count` counts these here.

    Attributes:
        distinct_id: Only this recipient's.
        name: Only events of this name, and triggers of this workflow.
        status: What the record's own status is, 400 to 599.
    """

    kind: Literal["refuse_records"] = "refuse_records"
    distinct_id: Annotated[str, Field(max_length=1000)] | None = None
    name: Annotated[str, Field(max_length=1000)] | None = None
    status: Annotated[int, Field(ge=400, le=599), _NUMBER] = 422


class RateLimit(_Fault):
    """Requests are refused with 429 and `Retry-After` while more events come than this. `count` counts refusals.

    Attributes:
        events_per_second: How many events may come in a second on average. So many, at least one, may come at once.
    """

    kind: Literal["rate_limit"] = "rate_limit"
    events_per_second: Annotated[float, Field(gt=0, le=MOST), _NUMBER] = 100.0


class MessageStatus(_Fault):
    """Messages that a workflow makes get this status at once. `count` counts these.

    Attributes:
        status: "delivered", "seen", "clicked" and the like, or a failure such as "delivery_failure".
        reason: Why it failed; that a fault was planned, if left out.
        workflow: Only messages of this workflow, or of the event of this name.
        channel: Only messages on this channel.
        distinct_id: Only this recipient's.
    """

    kind: Literal["message_status"] = "message_status"
    status: Literal[
        "sent_by_vendor",
        "delivered",
        "seen",
        "read",
        "clicked",
        "dismissed",
        "trigger_failed",
        "trigger_blocked",
        "failure_by_vendor",
        "delivery_failure",
    ] = "delivery_failure"
    reason: Annotated[str, Field(max_length=1000)] | None = None
    workflow: Annotated[str, Field(max_length=1000)] | None = None
    channel: Annotated[str, Field(max_length=100)] | None = None
    distinct_id: Annotated[str, Field(max_length=1000)] | None = None


Ending: TypeAlias = Status | Html502 | Reset | Silence
"""What a request can come to instead of its answer."""
Simple: TypeAlias = Ending | Latency
_InMix: TypeAlias = Annotated[
    # For the description: what the validator below checks.
    Simple, Field(discriminator="kind", json_schema_extra={"properties": {"count": {"type": "null"}}})
]


class RandomMix(_Fault):
    """Some requests, drawn at random, run into one of several faults.

    Attributes:
        share: The share of the requests that are struck.
        seed: The same seed gives the same draws.
        of: What they run into; each is as likely as the others. Their own `count` must be left out.
    """

    kind: Literal["random"] = "random"
    share: Annotated[float, Field(ge=0, le=1), _NUMBER] = 0.2
    seed: Annotated[int, Field(ge=0, le=2**53 - 1), _NUMBER] = 0
    of: Annotated[tuple[_InMix, ...], Field(min_length=1, max_length=100)] = (
        Status(),
        Status(status=429, retry_after=1),
        Html502(),
        Reset(when="before"),
        Reset(when="after"),
        Latency(seconds=0.1, jitter=0.4),
    )

    @field_validator("of")
    @classmethod
    def _without_counts(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if any(fault.count is not None for fault in value):
            raise ValueError("leave out the count of the faults in the mix: the mix has its own")
        return value


Fault: TypeAlias = Simple | RefuseRecords | RateLimit | MessageStatus | RandomMix
