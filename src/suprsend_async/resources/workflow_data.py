"""Typed triggers: a class for each workflow, whose fields are the trigger's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from suprsend_async.errors import ValidationError
from suprsend_async.events.json_values import form_of_model
from suprsend_async.events.typed_fields import TypedFields, check_class, is_variant
from suprsend_async.resources.occurrence import required
from suprsend_async.resources.trigger import WorkflowTriggerRequest
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from suprsend_async.resources.recipients import RecipientLike


class WorkflowData(TypedFields):
    """The data of one workflow's triggers, as fields that Pydantic, type checkers and editors know.

    Make a class for each workflow and give it the workflow's slug; all else is as for `EventProperties`.

    Attributes:
        workflow: The workflow's slug.

    Raises:
        ValidationError: A class names no workflow, or has a field that begins with `$`.

    Examples:
        >>> class OrderShipped(WorkflowData, workflow="order-shipped"):
        ...     order_id: str
        >>> OrderShipped(order_id="41").trigger(["user-1"], idempotency_key="shipped-41")
        WorkflowTriggerRequest(workflow='order-shipped', recipients=1, data=1, attachments=0)
    """

    workflow: ClassVar[str]

    def __init_subclass__(cls, *, workflow: str | None = None, **config: Any) -> None:
        """Take the workflow's slug, which is checked when Pydantic knows the fields."""
        super().__init_subclass__(**config)

    @classmethod
    def __pydantic_init_subclass__(cls, *, workflow: str | None = None, **config: Any) -> None:
        super().__pydantic_init_subclass__(**config)
        if workflow is not None or not is_variant(cls):
            cls.workflow = _checked_slug(cls.__name__, workflow)
        check_class(cls, ("trigger", "workflow"), _is_reserved)

    @explained
    def trigger(
        self,
        recipients: Iterable[RecipientLike],
        *,
        actor: RecipientLike | None = None,
        metadata: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
        idempotency_key: str | None = None,
        cancellation_key: str | None = None,
    ) -> WorkflowTriggerRequest:
        """Make the request.

        Args:
            recipients: Who it runs for; this and all else as for `WorkflowTriggerRequest`.
            actor: Who acts.
            metadata: What else the request says of itself.
            tenant_id: The tenant.
            idempotency_key: The key by which the platform recognises a repeat.
            cancellation_key: Passed on as it is.

        Raises:
            ValidationError: An argument is not valid, or JSON cannot carry a value; the message names it.

        Examples:
            >>> class Incident(WorkflowData, workflow="incident"):
            ...     severity: int
            >>> Incident(severity=2).trigger(["user-1"], tenant_id="acme").data
            {'severity': 2}
        """
        return WorkflowTriggerRequest(
            self.workflow,
            recipients,
            form_of_model(self, "data", "the trigger"),
            actor=actor,
            metadata=metadata,
            tenant_id=tenant_id,
            idempotency_key=idempotency_key,
            cancellation_key=cancellation_key,
        )


def _is_reserved(name: str) -> bool:
    return name.startswith("$")


def _checked_slug(class_name: str, slug: object) -> str:
    if slug is None:
        raise ValidationError(
            f'class {class_name} names no workflow; write class {class_name}(WorkflowData, workflow="..."), and put '
            "fields that several workflows share in a class of pydantic.BaseModel beside it"
        )
    try:
        return required("workflow", slug, "the workflow's slug")
    except ValidationError as error:
        raise ValidationError(f"class {class_name}: {error.message}") from None
