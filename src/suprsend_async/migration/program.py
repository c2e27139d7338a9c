"""The modules of a program, moved together: they share clients, and a client is either blocking or asynchronous."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from suprsend_async.migration.awaiting import Awaiting
from suprsend_async.migration.edits import Edits, Remark
from suprsend_async.migration.kinds import RELEASED, Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from suprsend_async.migration.kinds import Meaning

ClientChoice = Literal["auto", "async", "blocking"]

# How often kinds go from one module to the next: a client is imported from where it is imported.
_ROUNDS = 5


@dataclass(frozen=True)
class Moved:
    """A module and its edits.

    Attributes:
        source: As it was.
        result: As it is to be; the same if nothing has to be edited.
        remarks: What is left to do by hand, and what to look at, by the line of the module as it was.
        problem: Why it was left alone; None if it was read, or has nothing to do with the SDK.
    """

    source: bytes
    result: bytes
    remarks: tuple[Remark, ...] = ()
    problem: str | None = None

    @property
    def is_edited(self) -> bool:
        """Whether something has to be edited."""
        return self.result != self.source


def move(sources: Mapping[str, bytes], client: ClientChoice = "auto") -> dict[str, Moved]:
    """Return the edits of a program's modules.

    Args:
        sources: The modules as they are in their files, by their dotted names.
        client: Which client the program is to have. "auto": the asynchronous one where all calls that send stand in
            asynchronous functions, and the blocking one elsewhere; modules that share a client have the same.
    """
    moved: dict[str, Moved] = {}
    programs: dict[str, Program] = {}
    exports: dict[str, Meaning] = {}
    trees: dict[str, cst.Module] = {}
    concerned = _concerned(sources)
    for name, source in sources.items():
        if name not in concerned:
            moved[name] = Moved(source, source)
            continue
        try:
            tree = cst.parse_module(source)
            if tree.bytes != source:  # as with the ends of lines of old Macs
                raise SyntaxError("its ends of lines cannot be kept")
            trees[name] = tree
        except (cst.ParserSyntaxError, SyntaxError, UnicodeDecodeError) as error:
            moved[name] = Moved(source, source, problem=_reason(error))
    for name, tree in trees.items():
        programs[name] = Program(name, tree, exports)
    _share(programs, exports)
    edits = {name: Edits(program) for name, program in programs.items()}
    for group in _groups(programs):
        is_async = _is_async([edits[name] for name in group], client)
        for name in group:
            moved[name] = _moved(sources[name], edits[name], is_async=is_async)
    return {name: moved[name] for name in sources}


def _concerned(sources: Mapping[str, bytes]) -> set[str]:
    """Return the modules that name the SDK, or may import from one that does; the others need not be parsed."""
    found: set[str] = set()
    new = {name for name, source in sources.items() if RELEASED.encode() in source}
    while new:
        found |= new
        ends = [name.rpartition(".")[2].encode() for name in new]
        rest = [name for name in sources if name not in found]
        new = {name for name in rest if any(end in sources[name] for end in ends)}
    return found


def _moved(source: bytes, edits: Edits, *, is_async: bool) -> Moved:
    edits.mark(is_async=is_async)
    if is_async:
        Awaiting(edits).mark()
    else:
        edits.remark_waiting()
    return Moved(source, edits.written().bytes, tuple(sorted(edits.remarks)))


def _reason(error: Exception) -> str:
    if isinstance(error, cst.ParserSyntaxError):
        return f"line {error.raw_line}: {error.message}"
    return str(error)


def _share(programs: Mapping[str, Program], exports: dict[str, Meaning]) -> None:
    """Let every module know what the others define."""
    for _ in range(_ROUNDS):
        found = {
            f"{name}.{defined}": kind for name, program in programs.items() for defined, kind in program.module_kinds()
        }
        if found == exports:
            return
        exports.update(found)
        for program in programs.values():
            program.forget()


def _groups(programs: Mapping[str, Program]) -> Iterator[set[str]]:
    """Yield the modules that share a client."""
    groups: list[set[str]] = []
    for name, program in programs.items():
        group = {name, *program.imported & programs.keys()}
        apart = [other for other in groups if not other & group]
        groups = [*apart, group.union(*(other for other in groups if other & group))]
    yield from groups


def _is_async(edits: list[Edits], client: ClientChoice) -> bool:
    if client != "auto":
        return client == "async"
    votes = [module.votes() for module in edits]
    return sum(asynchronous for asynchronous, _ in votes) > 0 and not any(elsewhere for _, elsewhere in votes)
