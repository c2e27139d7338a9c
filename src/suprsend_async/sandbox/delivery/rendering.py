"""Templates rendered in separate processes, and the reports of those that fail or take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery import templates
from suprsend_async.sandbox.platform.bounded_process import OUT_OF_TIME, BoundedProcesses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS = 1.0

Templates = dict[str, dict[str, str]]
"""The texts of a workflow's templates: for each channel, that of each field."""


class Rendering(BoundedProcesses):
    """The processes that render templates.

    Args:
        seconds: How long the rendering of one message may take. All messages of a delivery get a little more than two
            of them would.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        super().__init__(templates.__file__, seconds)

    def problem(self, slug: str, texts: Mapping[str, Mapping[str, str]]) -> str | None:
        """Say why templates cannot be used, if they cannot; the text goes on after the workflow's slug.

        Raises:
            Stopped: The processes were closed.
        """
        try:
            said = self.read(slug, texts)
        except OSError as error:
            return f"no process can be started that renders it ({error.strerror})"
        if said == OUT_OF_TIME:
            return f"reading its templates takes longer than {self._seconds:g} s"
        return f"the process that reads its templates ended (exit status {said})" if isinstance(said, int) else said

    def render(
        self, slug: str, texts: Mapping[str, Mapping[str, str]], messages: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Render messages of one workflow.

        Args:
            slug: The workflow.
            texts: Its templates.
            messages: The channel of each, and what its template is rendered with.

        Returns:
            For each either its `content`, or the `error` for which there is none.

        Raises:
            Stopped: The processes were closed.
        """
        tasks = [{"channel": channel, "about": about} for channel, about in messages]
        try:
            return self.do(slug, texts, tasks, _undone)
        except OSError as error:
            return [{"error": f"no process can be started that renders it ({error.strerror})"}] * len(tasks)


def _undone(status: int, seconds: float) -> dict[str, str]:
    if status == OUT_OF_TIME:
        return {"error": f"rendering took longer than {seconds:.3g} s"}
    return {"error": f"the process that renders it ended (exit status {status})"}
