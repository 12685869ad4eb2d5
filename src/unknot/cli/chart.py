"""A chart of intensity over time in characters; used by ``unknot show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.cli.words import clock

if TYPE_CHECKING:
    from unknot.protocols.timeline import Timeline

COLUMNS = 72
LABEL_COLUMNS = 8
"""What stands left of the chart, and a column of air on its right."""
ROWS = 8
_BLOCKS = " ▁▂▃▄▅▆▇█"


def chart(timeline: Timeline, *, columns: int = COLUMNS, rows: int = ROWS) -> list[str]:
    """The lines of the chart: levels as % of the motor's range upwards, seconds to the right."""
    width = timeline.seconds / columns
    shares = [timeline.level_at((column + 0.5) * width) / timeline.levels for column in range(columns)]
    lines = []
    for row in range(rows, 0, -1):
        label = f"{100 * row // rows:3d} % " if row in (rows, rows // 2) else "      "
        cells = (min(max(share * rows - (row - 1), 0.0), 1.0) for share in shares)
        lines.append(label + "│" + "".join(_BLOCKS[round(cell * (len(_BLOCKS) - 1))] for cell in cells).rstrip())
    lines.append("  0 % └" + "─" * columns)
    half, whole = clock(timeline.seconds / 2), clock(timeline.seconds)
    lines.append(f"       0:00{half:>{columns // 2 - 4}}{whole:>{columns - columns // 2}}")
    return lines
