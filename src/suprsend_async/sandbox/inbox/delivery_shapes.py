"""The shapes of the HTTP interface to messages, webhooks and workflows."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from suprsend_async.sandbox.inbox.shapes import NoQuery

# Built when they are first used: building all of them takes longer than the rest of a start.
_LATER = ConfigDict(defer_build=True)
_Cursor = Annotated[str, Field(pattern=r"^([0-9]{1,18})?$")]
_Limit = Annotated[int, Field(ge=1, le=500)]


class PageQuery(NoQuery):
    """Which page to return.

    Attributes:
        cursor: The `next_cursor` of the page before.
        limit: How many at most.
    """

    model_config: ClassVar[ConfigDict] = _LATER | ConfigDict(extra="forbid")

    cursor: _Cursor = ""
    limit: _Limit = 50


class MessagesQuery(PageQuery):
    """Which messages to return. A filter that is empty does not matter.

    Attributes:
        status: The message's status.
        channel: The channel.
        distinct_id: The recipient.
        workflow: The workflow's slug.
        idempotency_key: The key of the trigger or the event.
    """

    status: str = ""
    channel: str = ""
    distinct_id: str = ""
    workflow: str = ""
    idempotency_key: str = ""


class WebhooksQuery(PageQuery):
    """Which webhooks to return.

    Attributes:
        message_id: Only those of this message.
        state: Only those in this state.
    """

    message_id: str = ""
    state: Literal["", "waiting", "delivered", "failed"] = ""


class MessageDocument(BaseModel):
    """A message as the platform's API has it, with its content."""

    model_config: ClassVar[ConfigDict] = _LATER | ConfigDict(extra="allow")

    message_id: str
    status: str
    channel: str


class MessagePage(BaseModel):
    """Some messages, newest first.

    Attributes:
        messages: The messages.
        next_cursor: What gives those after these; None if there are none.
    """

    model_config: ClassVar[ConfigDict] = _LATER

    messages: list[MessageDocument]
    next_cursor: str | None


class NewStatus(BaseModel):
    """What a message is to become: "delivered", "seen", "clicked" and the like, or a failure and why."""

    model_config: ClassVar[ConfigDict] = _LATER | ConfigDict(extra="forbid")

    status: Literal[
        "triggered",
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
        "not_to_be_triggered",
    ]
    reason: Annotated[str, Field(max_length=1000)] | None = None


class WebhookAttempt(BaseModel):
    """One attempt to post a webhook.

    Attributes:
        at: Seconds since the epoch.
        status_code: The status of the answer; None if there was none.
        error: Why there was none.
    """

    model_config: ClassVar[ConfigDict] = _LATER

    at: float
    status_code: int | None
    error: str | None


class WebhookDocument(BaseModel):
    """One change of a message's status, and the result of posting it.

    Attributes:
        id: Its number.
        message_id: The message.
        status: What it became.
        state: "waiting", "delivered" or "failed".
        next_at: When it is posted next, in seconds since the epoch; None if it is not.
        attempts: The attempts so far, those before a replay included.
        body: What is posted.
    """

    model_config: ClassVar[ConfigDict] = _LATER

    id: int
    message_id: str
    status: str
    state: Literal["waiting", "delivered", "failed"]
    next_at: float | None
    attempts: list[WebhookAttempt]
    body: dict[str, Any]


class WebhookPage(BaseModel):
    """Some webhooks, newest first."""

    model_config: ClassVar[ConfigDict] = _LATER

    webhooks: list[WebhookDocument]
    next_cursor: str | None


class SkippedRecipient(BaseModel):
    """For whom or on which channel there is no message, and why."""

    model_config: ClassVar[ConfigDict] = _LATER

    recipient: str | None
    channel: str | None
    reason: str


class DeliveryDocument(BaseModel):
    """What was accepted and has a workflow.

    Attributes:
        id: Its number.
        of: "event", "trigger" or "broadcast".
        workflow: The workflow's slug.
        message_id: What was answered to it.
        due_at: When its messages are made, in seconds since the epoch.
        done_at: When they were made; None before that.
        messages: The ids of the messages.
        skipped: For whom or on which channel there is none.
        body: What was accepted.
    """

    model_config: ClassVar[ConfigDict] = _LATER

    id: int
    of: Literal["event", "trigger", "broadcast"]
    workflow: str
    message_id: str
    due_at: float
    done_at: float | None
    messages: list[str]
    skipped: list[SkippedRecipient]
    body: dict[str, Any]


class DeliveryPage(BaseModel):
    """Some deliveries, newest first."""

    model_config: ClassVar[ConfigDict] = _LATER

    deliveries: list[DeliveryDocument]
    next_cursor: str | None


class WorkflowDocument(RootModel[dict[str, Any]]):
    """A workflow: `channels`, `category`, `delay`, `name`, and for each channel the texts of its template."""

    model_config: ClassVar[ConfigDict] = _LATER


class DefinedWorkflows(BaseModel):
    """The workflows by their slugs."""

    model_config: ClassVar[ConfigDict] = _LATER

    workflows: dict[str, WorkflowDocument]


class SavedState(BaseModel):
    """All records by kind, as `sandbox --load` takes them."""

    model_config: ClassVar[ConfigDict] = _LATER

    version: int
    records: dict[str, list[dict[str, Any]]]


class Passing(BaseModel):
    """How much time is to pass at once."""

    model_config: ClassVar[ConfigDict] = _LATER | ConfigDict(extra="forbid", allow_inf_nan=False)

    seconds: Annotated[float, Field(ge=0, le=10 * 366 * 86_400)]


class Now(BaseModel):
    """The sandbox's time, in seconds since the epoch."""

    model_config: ClassVar[ConfigDict] = _LATER

    now: float
