"""Dicts of options, as the released SDK takes them, written as named arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.migration.calls import Parameters

_NO_SPACE = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))


@dataclass(frozen=True)
class Options:
    """What a call gives beyond what its method takes by position.

    Attributes:
        at: The place of the argument.
        problem: Why it cannot be written by name; None if it can.
    """

    at: int
    problem: str | None = None


def named(name: str, argument: cst.Arg) -> cst.Arg:
    """Return an argument that is given by name."""
    return argument.with_changes(keyword=cst.Name(name), equal=_NO_SPACE)


def find_options(arguments: Sequence[cst.Arg], takes: Parameters) -> Options | None:
    """Return the argument that is a dict of options; None if a call has none that could be."""
    if any(argument.star for argument in arguments):
        return None
    by_position = [number for number, argument in enumerate(arguments) if argument.keyword is None]
    surplus = by_position[len(takes.positional) :]
    known = (*takes.positional, *takes.named)
    surplus += [
        number
        for number, argument in enumerate(arguments)
        if argument.keyword is not None and argument.keyword.value == "options" and "options" not in known
    ]
    if not surplus:
        return None
    at = surplus[0]
    if len(surplus) > 1:
        return Options(at, f"takes no more than {counted(len(takes.positional), 'argument')} by position")
    value = arguments[at].value
    if is_nothing(value):
        return Options(at)
    names = _takes(takes)
    if not names:
        return Options(at, "takes no options; client.request(method, route, query={…}) takes any")
    if isinstance(value, cst.Dict):
        unknown = [key for key in _keys(value) if key is not None and key not in names]
        if unknown and "query" not in names:
            return Options(at, f"takes no option {', '.join(unknown)}")
    return Options(at)


def _takes(takes: Parameters) -> list[str]:
    # What the released SDK knows nothing of is no option of it.
    return [name for name in takes.named if name != "batch_size"]


def is_nothing(value: cst.BaseExpression) -> bool:
    """Whether options are none: `None`, or an empty dict."""
    return (isinstance(value, cst.Name) and value.value == "None") or (
        isinstance(value, cst.Dict) and not value.elements
    )


def _keys(value: cst.Dict) -> list[str | None]:
    return [_key(element) for element in value.elements]


def _key(element: cst.BaseDictElement) -> str | None:
    if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString):
        text = element.key.evaluated_value
        return text if isinstance(text, str) else None
    return None


def write_options(call: cst.Call, at: int, takes: Parameters, *, may_be_none: bool) -> cst.Call:
    """Return the call with its options by name.

    Args:
        call: The call.
        at: The place of the options among its arguments.
        takes: What the method takes.
        may_be_none: Whether the value of what is no dict here may be None when the program runs.
    """
    argument = call.args[at]
    value = argument.value
    if is_nothing(value):
        kept = [*call.args[:at], *call.args[at + 1 :]]
        if kept and at == len(kept):
            kept[-1] = kept[-1].with_changes(comma=argument.comma)
        return call.with_changes(args=kept)
    names = _takes(takes)
    keys = _keys(value) if isinstance(value, cst.Dict) else []
    if not isinstance(value, cst.Dict) or (None in keys and "query" not in names):
        if names == ["query"]:
            return _with(call, at, [named("query", argument)])
        either = cst.BooleanOperation(value, cst.Or(), cst.Dict([]), lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        star = argument.with_changes(star="**", keyword=None, equal=cst.MaybeSentinel.DEFAULT)
        return _with(call, at, [star.with_changes(value=either if may_be_none and not keys else value)])
    written: list[cst.Arg] = []
    rest: list[cst.BaseDictElement] = []
    for element in value.elements:
        key = _key(element)
        if key is None or key not in names:
            rest.append(element)
        else:
            written.append(named(key, cst.Arg(element.value, comma=element.comma)))
    if rest:
        rest[-1] = rest[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        written.append(named("query", cst.Arg(value.with_changes(elements=rest))))
        return _with(call, at, [*written[:-1], written[-1].with_changes(comma=argument.comma)])
    return _with(_in_place_of_braces(call, at, value), at, _closed(written, value, argument))


def _with(call: cst.Call, at: int, arguments: Sequence[cst.Arg]) -> cst.Call:
    return call.with_changes(args=[*call.args[:at], *arguments, *call.args[at + 1 :]])


def _in_place_of_braces(call: cst.Call, at: int, value: cst.Dict) -> cst.Call:
    """Keep the line break, and the comment, after the opening brace."""
    before = value.lbrace.whitespace_after
    if not isinstance(before, cst.ParenthesizedWhitespace):
        return call
    if at == 0:
        return call.with_changes(whitespace_before_args=before)
    previous = call.args[at - 1]
    if isinstance(previous.comma, cst.Comma):
        comma = previous.comma.with_changes(whitespace_after=before)
        arguments = [*call.args]
        arguments[at - 1] = previous.with_changes(comma=comma)
        return call.with_changes(args=arguments)
    return call


def _closed(written: list[cst.Arg], value: cst.Dict, argument: cst.Arg) -> list[cst.Arg]:
    """Keep what stands before the closing brace, and what follows the dict."""
    last = written[-1]
    after = value.rbrace.whitespace_before
    if isinstance(argument.comma, cst.Comma):
        comma: cst.Comma | cst.MaybeSentinel = argument.comma
    elif isinstance(last.comma, cst.Comma) and isinstance(after, cst.ParenthesizedWhitespace):
        comma, after = last.comma.with_changes(whitespace_after=after), argument.whitespace_after_arg
    else:
        comma = cst.MaybeSentinel.DEFAULT
    if not isinstance(after, cst.ParenthesizedWhitespace):
        after = argument.whitespace_after_arg
    return [*written[:-1], last.with_changes(comma=comma, whitespace_after_arg=after)]
