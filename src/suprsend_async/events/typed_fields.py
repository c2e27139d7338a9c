"""What typed events and typed triggers have in common: fields that are checked, and their form on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from suprsend_async.assignment import HiddenAssignment
from suprsend_async.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class TypedFields(HiddenAssignment, BaseModel):
    """Fields of one kind of event or trigger.

    A class has the configuration of Pydantic that it gives itself. Unless it says otherwise, an unknown field is
    refused, an object is fixed when it is made, and no error shows a value.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show the number of fields, never a person's value; every form of repr is made of this."""
        # A debugger may ask while it is made: it has no fields then.
        yield "fields", len(self.__dict__)


def check_class(kind: type[TypedFields], own_names: Iterable[str], is_reserved: Callable[[str], bool]) -> None:
    """Check the names of a new class's fields.

    Args:
        kind: The class.
        own_names: What the class itself calls by a name that a field would hide.
        is_reserved: Says of a name on the wire whether it is the platform's own.

    Raises:
        ValidationError: A field has a name that it cannot have.
    """
    hidden = set(own_names)
    for field, name in _names(kind):
        if field in hidden:
            raise ValidationError(
                f"class {kind.__name__}: the field {field!r} hides what the class itself uses; name the field "
                f'{field}_ and give it Field(serialization_alias="{field}")'
            )
        if is_reserved(name):
            named = f"the field {field!r}" if field == name else f"the name {name!r} of the field {field!r}"
            raise ValidationError(f"class {kind.__name__}: {named} is reserved by the platform; choose another name")


def _names(kind: type[TypedFields]) -> Iterator[tuple[str, str]]:
    """Yield each field's name and the one that is sent."""
    for name, field in kind.model_fields.items():
        if field.exclude is not True:
            yield name, field.serialization_alias or field.alias or name
    for name, computed in kind.model_computed_fields.items():
        yield name, computed.alias or name


def is_variant(kind: type[BaseModel]) -> bool:
    """Return whether Pydantic made this class of a generic one, by giving it the types of its parameters."""
    return kind.__pydantic_generic_metadata__["origin"] is not None
