"""What a model says of an assignment that it refuses: no value, as when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import InitErrorDetails


class HiddenAssignment:
    """Keeps values out of errors of assignments: of what is fixed, Pydantic shows them even if it is to hide them."""

    __slots__ = ()

    if not TYPE_CHECKING:  # checkers would take it for leave to assign anything

        def __setattr__(self, name: str, value: object) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                refused = _without_values(error)
            else:
                return
            del value
            raise refused


def _without_values(error: ValidationError) -> ValidationError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if not all(problem["type"].startswith("frozen") for problem in problems):
        return error  # of validation, for which the configuration of the class counts
    details = [InitErrorDetails(type=problem["type"], loc=problem["loc"], input=None) for problem in problems]
    return ValidationError.from_exception_data(error.title, details, hide_input=True)
