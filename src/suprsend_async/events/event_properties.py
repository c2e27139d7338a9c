"""Typed events: a class for each event, whose fields are the event's properties."""

from __future__ import annotations

from typing import Any, ClassVar

from suprsend_async.errors import ValidationError
from suprsend_async.events.event import EARLIEST_TIME, Event, is_reserved
from suprsend_async.events.json_values import form_of_model
from suprsend_async.events.typed_fields import TypedFields, check_class, is_variant
from suprsend_async.wrong_calls import explained


class EventProperties(TypedFields):
    """The properties of one kind of event, as fields that Pydantic, type checkers and editors know.

    Make a class for each event and give it the event's name. Fields, defaults, validators, aliases and serializers
    are Pydantic's own, and so is the error of a value that is not valid. A name on the wire is a field's alias, in
    models that are fields as well. An unknown field is refused, unless the class has `extra="allow"` or "ignore".

    Attributes:
        event_name: The event's name.

    Raises:
        ValidationError: A class names no event, or has a field that begins with `$` or `ss_`.

    Examples:
        >>> from decimal import Decimal
        >>> class OrderPlaced(EventProperties, event_name="order_placed"):
        ...     order_id: str
        ...     amount: Decimal
        >>> event = OrderPlaced(order_id="41", amount=Decimal("9.50")).event("user-1", idempotency_key="order-41")
        >>> event.event_name, event.properties
        ('order_placed', {'order_id': '41', 'amount': '9.50'})
    """

    event_name: ClassVar[str]

    def __init_subclass__(cls, *, event_name: str | None = None, **config: Any) -> None:
        """Take the event's name, which is checked when Pydantic knows the fields."""
        super().__init_subclass__(**config)

    @classmethod
    def __pydantic_init_subclass__(cls, *, event_name: str | None = None, **config: Any) -> None:
        super().__pydantic_init_subclass__(**config)
        if event_name is not None or not is_variant(cls):
            cls.event_name = _checked_name(cls.__name__, event_name)
        check_class(cls, ("event", "event_name"), is_reserved)

    @explained
    def event(
        self,
        distinct_id: str,
        *,
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        insert_id: str | None = None,
        time: int | None = None,
    ) -> Event:
        """Make the event.

        Args:
            distinct_id: Whom it happened to; this and all else as for `Event`.
            idempotency_key: The key by which the platform recognises a repeat.
            tenant_id: The tenant.
            insert_id: The event's own id.
            time: When it happened, in epoch milliseconds.

        Raises:
            ValidationError: An argument is not valid, or JSON cannot carry a value; the message names it.

        Examples:
            >>> class SignedUp(EventProperties, event_name="signed_up"):
            ...     plan: str = "free"
            >>> SignedUp(plan="pro").event("user-1").properties
            {'plan': 'pro'}
        """
        return Event(
            distinct_id,
            self.event_name,
            form_of_model(self),
            idempotency_key,
            tenant_id,
            insert_id=insert_id,
            time=time,
        )


def _checked_name(class_name: str, name: Any) -> str:
    if name is None:
        raise ValidationError(
            f'class {class_name} names no event; write class {class_name}(EventProperties, event_name="..."), and '
            "put fields that several events share in a class of pydantic.BaseModel beside it"
        )
    try:
        return Event("user", name, time=EARLIEST_TIME).event_name
    except ValidationError as error:
        raise ValidationError(f"class {class_name}: {error.message}") from None
