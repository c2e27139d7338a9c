"""Templates applied to a message's data: `bounded_program.py` runs this in a separate process.

It imports nothing of this package, so that the process starts soon. `rendering.py` is the other side.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2 import Template

IMPORTS = ("jinja2.sandbox",)
NOT_REACHED = {"error": "it was not rendered: other messages of this delivery took all the time that a template has"}

_SHOWN = 200  # characters
_LONGEST = 200_000  # characters of a rendered text
_METHODS = ("get", "items", "keys", "values")
_MEMORY = 1024**3  # bytes, with all that the interpreter has


def prepare(definition: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Template]]:
    """Compile the templates of a workflow: for each channel, the text of each field.

    Raises:
        ValueError: One is no template; the message names its place, and goes on after the workflow's name.
    """
    from jinja2 import TemplateError

    _bound_memory()
    environment = _environment()
    compiled: dict[str, dict[str, Template]] = {}
    for channel, fields in definition.items():
        for name, text in fields.items():
            try:
                compiled.setdefault(channel, {})[name] = environment.from_string(text)
            except TemplateError as error:
                line = getattr(error, "lineno", None)
                where = f", line {line}" if line else ""
                raise ValueError(f"{channel}.{name}{where}: {_shorten(str(error))}") from None
            except RecursionError:
                raise ValueError(f"{channel}.{name}: it is nested too deeply") from None
    return compiled


prepare_known = prepare


def apply(prepared: dict[str, dict[str, Template]], task: Mapping[str, Any]) -> dict[str, Any]:
    """Render all fields of one channel; whatever a template does, the reason for a failure is said in a sentence."""
    content: dict[str, str] = {}
    for name, template in prepared[task["channel"]].items():
        try:
            content[name] = template.render(_named(task["about"], ""))
        except Exception as error:  # noqa: BLE001 - whatever a template does, the sandbox goes on
            return {"error": f"{name}: {_trouble(error)}"}
        if len(content[name]) > _LONGEST:
            return {"error": f"{name}: the text has more than {_LONGEST:,} characters"}
    return {"content": content}


def _trouble(error: Exception) -> str:
    match error:
        case MemoryError():
            return "it takes too much memory"
        case RecursionError():
            return "it refers to itself without end"
        case _:
            return f"{_shorten(str(error)) or 'no reason is given'} ({type(error).__name__})"


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


class _Named(dict[str, Any]):
    """An object of the data that knows its path, so that it can be said what is missing in it."""

    path: str = ""


def _named(value: Any, path: str) -> Any:
    if isinstance(value, list):
        items = enumerate(cast("Iterable[Any]", value))
        return [_named(each, f"{path}[{place}]") for place, each in items]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value).items()
    named = _Named({key: _named(each, f"{path}.{key}".removeprefix(".")) for key, each in members})
    named.path = path
    return named


def _environment() -> Any:
    # In here, since this module is imported where Jinja2 need not be.
    from jinja2 import ChainableUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Missing(ChainableUndefined):
        """Shows in the text that something is missing, and what; for `default` and `if` it is undefined as usual."""

        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            if name[:2] == "__":
                raise AttributeError(name)
            return self[name]

        def __getitem__(self, name: Any) -> Any:
            return Missing(name=f"{self._undefined_name}.{name}")

        def __str__(self) -> str:
            return f"[missing: {self._undefined_name}]"

    class Method(Missing):
        """A method of objects, which is as good as missing until it is called."""

        __slots__ = ("method",)
        method: Callable[..., Any]

        def __call__(self, *args: Any, **options: Any) -> Any:
            return self.method(*args, **options)

    class Environment(ImmutableSandboxedEnvironment):
        """Looks into data for what was sent; its own methods are found after that, and only those that read."""

        def getattr(self, obj: Any, attribute: str) -> Any:
            return self.getitem(obj, attribute) if isinstance(obj, _Named) else super().getattr(obj, attribute)

        def getitem(self, obj: Any, argument: Any) -> Any:
            if not isinstance(obj, _Named) or argument in obj:
                return super().getitem(obj, argument)
            name = f"{obj.path}.{argument}"
            if argument not in _METHODS:
                return Missing(name=name)
            found = Method(name=name)
            found.method = getattr(obj, argument)
            return found

    return Environment(undefined=Missing, autoescape=False)


def _bound_memory() -> None:
    try:
        import resource
    except ModuleNotFoundError:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
