"""An assignment that a model refuses is an error without the value, as the making of one is."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict

import suprsend_async
from suprsend_async import EventProperties, WorkflowData
from suprsend_async.ingest import EventMapping

EXPORTED = [getattr(suprsend_async, name) for name in suprsend_async.__all__]
MODELS = [kind for kind in EXPORTED if inspect.isclass(kind) and issubclass(kind, BaseModel)]


class Paid(EventProperties, event_name="paid"):
    card: int


class Shipped(WorkflowData, workflow="shipped"):
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=False, validate_assignment=True)
    card: int


@pytest.mark.parametrize("kind", [*MODELS, EventMapping, Paid, Shipped])
def test_a_refused_assignment_shows_no_value(kind: type[BaseModel]) -> None:
    name = next(iter(kind.model_fields), "another")
    with pytest.raises((pydantic.ValidationError, suprsend_async.ValidationError)) as caught:
        setattr(kind.model_construct(), name, "planted")
    assert "planted" not in str(caught.value)
    assert name in str(caught.value)


def test_what_may_be_assigned_is() -> None:
    shipped: Any = Shipped(card=1)
    shipped.card = 2
    assert shipped.card == 2
