"""The picture: CPU time for each event, a bar for each client. It follows the reader's light or dark mode."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from benchmarks.page.units import micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measures.bulk import BulkRow

WIDTH = 760
NAMES_WIDTH = 240
VALUES_WIDTH = 80
TOP = 76
BAR = 24
STEP = 36
BOTTOM = 16
STYLE = """
    text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 14px; fill: #1f2328; }
    .title { font-size: 17px; font-weight: 600; }
    .note { font-size: 13px; fill: #59636e; }
    .axis { stroke: #8c959f; }
    .ours { fill: #0a7d55; }
    .peer { fill: #6b87a8; }
    .floor { fill: #b4bcc6; }
    .strong { font-weight: 600; }
    .back { fill: #ffffff; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .note { fill: #9198a1; }
      .axis { stroke: #656c76; }
      .ours { fill: #3fc48f; }
      .peer { fill: #7393b8; }
      .floor { fill: #59636e; }
      .back { fill: #0d1117; }
    }
"""


def chart(rows: Sequence[BulkRow]) -> str:
    """Return the SVG."""
    shown = [row for row in rows if row.runs]
    height = TOP + STEP * len(shown) + BOTTOM
    longest = max((row.cpu for row in shown), default=1.0)
    scale = (WIDTH - NAMES_WIDTH - VALUES_WIDTH) / longest
    title = "CPU time for each event, µs"
    events, rounds = (shown[0].events, len(shown[0].runs)) if shown else (0, 0)
    note = f"bulk of {events:,} events on one core; rounds: {rounds}; shorter is better"
    spoken = "; ".join(f"{row.contender.name} {micros(row.cpu)}" for row in shown)
    bars = "\n".join(_bar(row, TOP + STEP * number, scale) for number, row in enumerate(shown))
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">
  <title id="title">{escape(title)}</title>
  <desc id="description">{escape(spoken)}</desc>
  <style>{STYLE}  </style>
  <rect class="back" width="{WIDTH}" height="{height}" rx="6"/>
  <text class="title" x="20" y="32">{escape(title)}</text>
  <text class="note" x="20" y="54">{escape(note)}</text>
{bars}
  <line class="axis" x1="{NAMES_WIDTH}" x2="{NAMES_WIDTH}" y1="{TOP - 4}" y2="{height - BOTTOM}"/>
</svg>
"""


def _bar(row: BulkRow, top: int, scale: float) -> str:
    contender, length = row.contender, row.cpu * scale
    strong = ' class="strong"' if contender.group == "ours" else ""
    middle = top + BAR / 2 + 5
    return (
        f'  <text{strong} x="{NAMES_WIDTH - 10}" y="{middle:.1f}" text-anchor="end">{escape(contender.name)}</text>\n'
        f'  <rect class="{contender.group}" x="{NAMES_WIDTH}" y="{top}" width="{length:.1f}" height="{BAR}"/>\n'
        f'  <text{strong} x="{NAMES_WIDTH + length + 8:.1f}" y="{middle:.1f}">{micros(row.cpu)}</text>'
    )
