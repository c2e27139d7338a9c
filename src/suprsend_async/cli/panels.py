"""The help of a command with many options, in groups: plain text, as all help is."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperOption


class PanelledCommand(TyperCommand):
    """A command whose help shows its options by their `rich_help_panel`, which typer supports only with rich."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, and then the options, group by group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                default = "Options" if isinstance(parameter, TyperOption) else "Arguments"
                title = getattr(parameter, "rich_help_panel", None) or default
                groups.setdefault(title, []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)
