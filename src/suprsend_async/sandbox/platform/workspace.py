"""What a workspace has before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.sandbox.platform.categories import provide_categories
from suprsend_async.sandbox.platform.tenants import provide_default
from suprsend_async.sandbox.platform.triggers import provide_workflows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.sandbox.state.records import Records


def provide_workspace(records: Records, categories: Iterable[str], workflows: Iterable[str] | None, now: float) -> None:
    """Make what is not there of what a workspace has.

    Args:
        records: Where it is.
        categories: The slugs of preference categories.
        workflows: The slugs of workflows; None for every one that is asked for.
        now: The time in seconds.
    """
    provide_default(records, now)
    provide_categories(records, categories, now)
    provide_workflows(records, workflows, now)
