"""What a record of each kind has to hold: a state that somebody wrote by hand may hold anything."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from suprsend_async.sandbox.platform.message_status import BLOCKED, RANKS
from suprsend_async.sandbox.state.records import key_of, parts_of

_Preference: TypeAlias = Literal["opt_in", "opt_out", "cant_unsubscribe"]
_Names: TypeAlias = list[str] | None
_Text: TypeAlias = str | None


class _Form(BaseModel):
    """Further fields may be anything: those are compared with nothing."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", strict=True, hide_input_in_errors=True)


class _Tenant(_Form):
    name: _Text = None
    timezone: _Text = None
    blocked_channels: _Names = None
    social_links: dict[str, str] = {}
    properties: dict[str, Any] = {}


class _Category(_Form):
    name: str
    root_category: str
    default_preference: _Preference
    description: _Text = None
    tags: _Names = None
    mandatory_channels: _Names = None
    opt_in_channels: _Names = None


class _TenantCategory(_Form):
    preference: _Preference | None = None
    visible_to_subscriber: bool | None = None
    enabled_for_tenant: bool | None = None
    mandatory_channels: _Names = None
    opt_in_channels: _Names = None
    blocked_channels: _Names = None
    digest_schedule: dict[str, Any] | None = None
    properties: list[Any] | None = None


class _Address(_Form):
    value: Any
    status: str


class _Profile(_Form):
    properties: dict[str, Any]
    channels: dict[str, list[_Address]]


class _Choice(_Form):
    preference: _Text = None
    opt_out_channels: _Names = None
    opt_in_channels: _Names = None


class _Choices(_Form):
    channels: dict[str, bool | None]
    categories: dict[str, _Choice]


class _List(_Form):
    list_name: _Text
    list_description: _Text
    list_type: str
    source: Any
    is_readonly: bool
    query: _Text = None


class _Template(_Form):
    name: str
    description: _Text
    is_active: bool
    is_archived: bool
    tags: list[str]
    channels: dict[str, Any]


class _Workflow(_Form):
    category: str = "transactional"


class _TriggerForm(_Form):
    data: dict[str, Any] | None = None
    tenant_id: _Text = None
    brand_id: _Text = None
    idempotency_key: _Text = Field(default=None, alias="$idempotency_key")


class _TriggerBody(_TriggerForm):
    workflow: _Text = None
    name: _Text = None
    recipients: list[str | dict[str, Any]] | None = None
    users: list[str | dict[str, Any]] | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if not (self.workflow or self.name):
            raise ValueError("needs workflow, or the name of a dynamic one")
        return self


class _BroadcastBody(_TriggerForm):
    list_id: str
    template: str
    notification_category: str


class _Run(_Form):
    message_id: str
    runs: int = Field(ge=0)
    cancelled: list[int]
    more: dict[str, Any]


class _Trigger(_Run):
    body: _TriggerBody


class _Broadcast(_Run):
    body: _BroadcastBody


class _Delivery(_Form):
    of: Literal["event", "trigger", "broadcast"]
    name: _Text
    workflow: str
    message_id: str
    body: dict[str, Any]
    due_at: float
    done_at: float | None
    messages: list[str]
    skipped: list[dict[str, Any]]


class _Recipient(_Form):
    distinct_id: _Text


class _NamedForm(_Form):
    slug: str


class _Message(_Form):
    created_at: str
    updated_at: str
    triggered_at: _Text
    delivered_at: _Text
    seen_at: _Text
    clicked_at: _Text
    dismissed_at: _Text
    read_at: _Text
    unread_at: _Text
    archived_at: _Text
    unarchived_at: _Text
    is_read: bool
    is_archived: bool
    status: str
    channel: str
    category: str
    idempotency_key: _Text
    failure_reason: _Text
    recipient: _Recipient
    parent_entity_id: _Text
    parent_entity_type: _Text
    vendor: dict[str, Any] | None
    execution_id: _Text
    parent_execution_id: _Text
    is_campaign: bool
    tenant_id: _Text
    workflow: _NamedForm | None
    template: _NamedForm | None
    channel_identity: dict[str, Any] | None
    content: dict[str, Any] | None

    @model_validator(mode="after")
    def _has_a_status(self) -> Self:
        if self.status not in {*RANKS, *BLOCKED}:
            raise ValueError(f"has the unknown status {self.status!r}; there are {', '.join([*RANKS, *BLOCKED])}")
        return self


class _Attempt(_Form):
    at: float
    status_code: int | None
    error: _Text


class _Webhook(_Form):
    message_id: str
    status: str
    body: dict[str, Any]
    state: Literal["waiting", "delivered", "failed"]
    next_at: float | None
    tries: int = Field(ge=0)
    attempts: list[_Attempt]

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.state == "waiting" and self.next_at is None:
            raise ValueError("is waiting and needs next_at, a number of seconds since 1970")
        return self


FORMS: dict[str, type[BaseModel]] = {
    "tenant": _Tenant,
    "category": _Category,
    "tenant_category": _TenantCategory,
    "user": _Profile,
    "tenant_profile": _Profile,
    "object": _Profile,
    "subscription": _Form,
    "preference": _Choices,
    "list": _List,
    "list_member": _Form,
    "list_version": _Form,
    "version_member": _Form,
    "template": _Template,
    "workflow": _Workflow,
    "trigger": _Trigger,
    "broadcast": _Broadcast,
    "delivery": _Delivery,
    "message": _Message,
    "webhook": _Webhook,
}
"""What a record's content has to be, by its kind."""

_USER, _OBJECT = '["user","ada"]', '["object","teams","sre"]'
# Of the kinds whose names or scopes have parts: how many, by what they begin with, and one as an example.
_KEYS: dict[tuple[str, str], tuple[dict[str | None, int], str]] = {
    ("subscription", "scope"): ({None: 2}, '["teams","sre"]'),
    ("subscription", "name"): ({"user": 2, "object": 3}, f"{_USER} or {_OBJECT}"),
    ("preference", "scope"): ({"user": 2, "object": 3}, f"{_USER} or {_OBJECT}"),
    ("list_member", "name"): ({"user": 2}, _USER),
    ("version_member", "name"): ({"user": 2}, _USER),
}
_NUMBERED = frozenset({"trigger", "broadcast", "delivery", "webhook"})
_SAID = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "finite_number": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be 0 or more",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is missing",
    "model_type": "must be an object",
    "string_type": "must be a text",
}


def problem_of(kind: str, scope: str, name: str, content: dict[str, Any]) -> str | None:
    """Say what of a record is wrong, as the end of a sentence that begins with its place; None if nothing is.

    Examples:
        >>> problem_of("user", "", "ada", {"properties": {}, "channels": {"$email": [{"value": "ada@example.com"}]}})
        '.content.channels.$email[0].status is missing'
    """
    if kind in _NUMBERED and not (name.isascii() and name.isdecimal() and int(name) > 0):
        return ".name must be a whole number above 0, as a text"
    for part, value in (("scope", scope), ("name", name)):
        if (kind, part) in _KEYS:
            counts, example = _KEYS[kind, part]
            if not _has_parts(value, counts):
                return f".{part} must be a text with parts, such as {example}"
    try:
        FORMS[kind].model_validate(content)
    except ValidationError as error:
        # The fewer steps lead to it, the more it says.
        detail = min(error.errors(include_url=False, include_input=False), key=lambda each: len(each["loc"]))
        # What stands behind a union's type or a dict's key is no step in the record.
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in _steps(detail["loc"]))
        said = _SAID.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        return f".content{place} {said[0].lower()}{said[1:]}"
    return None


def _steps(location: tuple[int | str, ...]) -> list[int | str]:
    return [step for step in location if step not in {"str", "dict[str,any]"}]


def _has_parts(key: str, counts: dict[str | None, int]) -> bool:
    try:
        parts: Any = parts_of(key)
    except (ValueError, TypeError):
        return False
    if not parts or not all(isinstance(part, str) for part in parts) or key_of(*parts) != key:
        return False
    return len(parts) == counts.get(parts[0], counts.get(None))
