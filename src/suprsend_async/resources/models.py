"""What the platform says of a record: lenient models that keep all that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, Strict
from pydantic import ValidationError as PydanticValidationError
from pydantic_core import core_schema

from suprsend_async.assignment import HiddenAssignment
from suprsend_async.errors import TransportError
from suprsend_async.keyed import Keyed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core.core_schema import ValidatorFunctionWrapHandler

M = TypeVar("M", bound="Record")


def _as_it_came(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except PydanticValidationError:
        return value


def _unchanged(value: object) -> object:
    # pydantic up to 2.12 cannot write a model that it meets as a value before it is built.
    for record in list_in(value) or [value]:
        if isinstance(record, Record) and not record.__pydantic_complete__:
            type(record).model_rebuild()
    return value


class _Lenient:
    """Keeps a key of another type than documented as it came, and writes it as it is.

    One object in place of pydantic's `WrapValidator` and `PlainSerializer`, which look at the signatures of their
    functions again for each key: a third of what it takes to make these models.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(
            _unchanged, return_schema=core_schema.any_schema(), when_used="unless-none"
        )
        return core_schema.no_info_wrap_validator_function(_as_it_came, handler(source), serialization=written)


LENIENT = _Lenient()

Text = Annotated[str, Strict(), LENIENT]
OptionalText = Annotated[str | None, Strict(), LENIENT]
OptionalNumber = Annotated[int | None, Strict(), LENIENT]
OptionalFlag = Annotated[bool | None, Strict(), LENIENT]
OptionalMap = Annotated[dict[str, Any] | None, LENIENT]
OptionalTexts = Annotated[list[str] | None, LENIENT]
OptionalMaps = Annotated[list[dict[str, Any]] | None, LENIENT]


class Record(Keyed, HiddenAssignment, BaseModel):
    """A record as the platform sent it; what is not documented is kept, too.

    `record["$email"]` reads any key, and so do `in` and `get`; `to_dict()` returns all that came. `repr` shows names
    and counts, no values.
    """

    # Each is built when the first of its kind comes: all at once would hold a loop up when a resource is first used.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the hash away that a frozen model gets: its values may be lists."""
        type.__setattr__(cls, "__hash__", None)

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key.

        Raises:
            KeyError: It is neither documented nor did it come.
        """
        extra = self.model_extra or {}
        if key in extra:
            return extra[key]
        if key in type(self).model_fields:
            return getattr(self, key)
        raise KeyError(key)

    def _came(self, key: str) -> bool:
        return key in self.model_fields_set

    def _keys(self) -> list[str]:
        return [*(name for name in type(self).model_fields if name in self.model_fields_set), *(self.model_extra or {})]

    def __repr__(self) -> str:
        """Show the keys that came, and how many items there are in a list or an object; never a value."""
        return f"{type(self).__name__}({', '.join(_shown(key, self[key]) for key in self._keys())})"

    __str__ = __repr__


def _shown(key: str, value: Any) -> str:
    held = list_in(value)
    if held is None and isinstance(value, dict):
        held = [*object_in(value)]
    return key if held is None else f"{key}[{len(held)}]"


def object_in(document: Any) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return cast("Mapping[str, Any]", document) if isinstance(document, dict) else {}


def list_in(document: Any) -> Sequence[Any] | None:
    """Return a JSON array; None for anything else."""
    return cast("Sequence[Any]", document) if isinstance(document, list) else None


def read_record(model: type[M], document: Any, operation: str) -> M:
    """Return the record in an answer.

    Raises:
        TransportError: The answer was a yes, but holds no such record.
    """
    if isinstance(document, dict):
        try:
            return model.model_validate(document)
        except PydanticValidationError:
            pass  # its text would show values
    raise TransportError(
        f"{operation} was accepted, but its answer holds no {model.__name__}; read the record again", outcome="accepted"
    )


class TenantProfile(Record):
    """The values of a user in one tenant: the block `tenant` of a user.

    Examples:
        >>> TenantProfile.model_validate({"tenant_id": "acme", "properties": {"role": "admin"}}).tenant_id
        'acme'
    """

    tenant_id: Text
    properties: OptionalMap = None


class User(Record):
    """A user's profile. Channels are keys such as `"$email"`: a list of objects with `value` and `status`.

    Attributes:
        distinct_id: The user's id.
        properties: Its properties.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last, in ISO 8601.
        tenant: Its values in the tenant, where one was asked for.

    Examples:
        >>> user = User.model_validate({"distinct_id": "user-1", "$email": [{"value": "a@example.com"}]})
        >>> user
        User(distinct_id, $email[1])
        >>> [channel["value"] for channel in user["$email"]]
        ['a@example.com']
    """

    distinct_id: Text
    properties: OptionalMap = None
    created_at: OptionalText = None
    updated_at: OptionalText = None
    tenant: Annotated[TenantProfile | None, LENIENT] = None


class SuprsendObject(Record):
    """An object, such as a team or a project. Its channels are keys, as a user's are.

    Attributes:
        object_type: Its type, such as "teams".
        id: Its id within the type.
        subscriptions_count: How many subscribe to it.
        properties: Its properties.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last, in ISO 8601.

    Examples:
        >>> team = SuprsendObject.model_validate({"object_type": "teams", "id": "sre", "subscriptions_count": 2})
        >>> team.id, team["subscriptions_count"]
        ('sre', 2)
    """

    object_type: Text
    id: Text
    subscriptions_count: OptionalNumber = None
    properties: OptionalMap = None
    created_at: OptionalText = None
    updated_at: OptionalText = None


class Subscription(Record):
    """That a user or an object subscribes to an object.

    Attributes:
        user: The user that subscribes; None if it is an object.
        object: The object: the one that subscribes, or the one that is subscribed to, by the call.
        properties: The properties of the subscription.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last, in ISO 8601.

    Examples:
        >>> Subscription.model_validate({"user": {"distinct_id": "user-1"}, "object": None}).user.distinct_id
        'user-1'
    """

    user: Annotated[User | None, LENIENT] = None
    object: Annotated[SuprsendObject | None, LENIENT] = None
    properties: OptionalMap = None
    created_at: OptionalText = None
    updated_at: OptionalText = None


class SubscriberList(Record):
    """A list of users.

    Attributes:
        list_id: Its id.
        list_name: Its name.
        list_description: What it is for.
        list_type: "static_list" or another kind.
        subscribers_count: How many users are in it.
        source: Where its users come from.
        status: "active", or "draft" for a version that is not finished.
        version_id: The version's id; None for the list itself.
        is_readonly: Whether its users cannot be changed by these calls.
        track_user_entry: Whether a workflow runs for users who enter.
        track_user_exit: Whether a workflow runs for users who leave.
        created_at: When it was made, in ISO 8601.
        updated_at: When it was changed last, in ISO 8601.

    Examples:
        >>> SubscriberList.model_validate({"list_id": "beta-users", "subscribers_count": 2}).subscribers_count
        2
    """

    list_id: Text
    list_name: OptionalText = None
    list_description: OptionalText = None
    list_type: OptionalText = None
    subscribers_count: OptionalNumber = None
    source: OptionalText = None
    status: OptionalText = None
    version_id: OptionalText = None
    is_readonly: OptionalFlag = None
    track_user_entry: OptionalFlag = None
    track_user_exit: OptionalFlag = None
    created_at: OptionalText = None
    updated_at: OptionalText = None


class ListSubscription(Record):
    """That a user is in a list.

    Attributes:
        list: The list.
        created_at: When the user was added, in ISO 8601.

    Examples:
        >>> ListSubscription.model_validate({"list": {"list_id": "beta-users"}}).list.list_id
        'beta-users'
    """

    list: Annotated[SubscriberList | None, LENIENT] = None
    created_at: OptionalText = None
