"""What the classes here have for programs that come from the released SDK: words for what is not as it was there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from suprsend_async.wrong_calls import explain_calls


class ReleasedNames:
    """What an object says that is asked for a name of its counterpart in the released SDK, or called as that is."""

    __slots__ = ()

    def __init_subclass__(cls, *, explained: bool = True, **options: Any) -> None:
        """Let its methods explain a call that does not fit; that costs each of them a coroutine more."""
        super().__init_subclass__(**options)
        if explained:
            explain_calls(cls)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            with suppress(AttributeError):  # of pydantic, which keeps some of a model's attributes aside
                return super().__getattr__(name)
            from suprsend_async.released_names import absent_name

            raise AttributeError(absent_name(type(self), name), name=name, obj=self)
