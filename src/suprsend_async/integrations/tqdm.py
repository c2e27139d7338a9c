"""A progress bar of tqdm for `on_progress`: in a terminal, and in a notebook.

Examples:
    ```python
    from suprsend_async import AsyncSuprsend, Event
    from suprsend_async.integrations.tqdm import bar

    events = [Event(f"user-{number}", "signed_up") for number in range(250)]
    async with AsyncSuprsend() as client:
        result = await client.bulk_events.send(events, on_progress=bar(total=len(events)))
    ```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.bulk.progress import Progress

try:
    from tqdm.auto import tqdm
except ModuleNotFoundError as _missing:
    if _missing.name not in {"tqdm", "tqdm.auto"}:
        raise
    raise ModuleNotFoundError(
        "The progress bar needs tqdm: pip install 'suprsend-async[tqdm]'", name="tqdm"
    ) from _missing

if TYPE_CHECKING:
    from suprsend_async.ingest.job.report import IngestProgress


class bar:  # noqa: N801 - it is called as a function is
    """A bar that moves as records get their verdict, and is closed when all have theirs.

    It shows how many records failed as well. Given to a second `send`, it begins anew.

    Args:
        total: How many records there are. Without it the bar counts, and shows no end.
        tqdm_class: The class of tqdm that draws it; `tqdm.auto.tqdm` if left out, which knows terminals and notebooks.
            `tqdm.rich.tqdm` draws it with rich.
        **options: What that class takes besides, such as `desc`, `leave` or `file`.

    Examples:
        >>> import io
        >>> show = bar(total=1, desc="signed up", file=io.StringIO())
        >>> result = await client.bulk_events.send([Event("user-1", "signed_up")], on_progress=show)
        >>> show.shown
        1
    """

    def __init__(self, total: int | None = None, *, tqdm_class: Any = None, **options: Any) -> None:
        self._make: Any = tqdm if tqdm_class is None else tqdm_class
        self._options: dict[str, Any] = {"total": total, "unit": " records", **options}
        # A notebook shows it in the cell in which it is made: it is called in another thread.
        self._bar: Any = self._make(**self._options)
        self._is_over = False

    @property
    def shown(self) -> int:
        """How many records the bar shows."""
        return int(self._bar.n)

    def __call__(self, progress: Progress | IngestProgress) -> None:
        """Move the bar to where the records are, and close it at the end."""
        if self._is_over:
            self._bar, self._is_over = self._make(**self._options), False
        finished = progress.finished if isinstance(progress, Progress) else progress.rows
        if finished > progress.accepted:
            self._bar.set_postfix(failed=finished - progress.accepted, refresh=False)
        self._bar.update(finished - self._bar.n)
        if progress.done:
            self.close()

    def close(self) -> None:
        """Close the bar before its time, as after an error; a closed bar stays as it is."""
        self._is_over = True
        self._bar.refresh()
        self._bar.close()
