"""What every figure of the report shares: style, colours, and the way from matplotlib to inline SVG.

Figures are ``Figure`` objects without pyplot, so nothing is left open.  Text stays text in the SVG: it can
be searched, read aloud, and drawn in any script that the reader's machine knows.
"""

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

INK: Final = "#1f2328"
QUIET: Final = "#6e7781"
GRID: Final = "#e4e7eb"
ROPE: Final = "#eef1f4"
ALERT: Final = "#b3261e"

ACCENT: Final = "#c1440e"
"""What is in the data, where the model stands beside it; apart from grey and ink for colour-blind readers."""

STYLE: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "bayes_hr",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True)
class Picture:
    """A figure with its words.

    Attributes
    ----------
    key
        Identifier, for links and file names.
    figure
        The matplotlib figure.
    caption
        What it shows and how to read it.
    alt
        The same figures in words, for those who do not see it.
    """

    key: str
    figure: Figure
    caption: str
    alt: str

    @property
    def svg(self) -> Markup:
        """The figure as inline SVG."""
        return inline_svg(self.figure, key=self.key, alt=self.alt)


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the report's style, whatever the user's own is.

    A name in a script that the measuring font lacks is no fault: SVG keeps it as text.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", STYLE))
        yield


def new_figure(
    width: float,
    height: float,
    *,
    rows: int = 1,
    columns: int = 1,
    layout: Literal["constrained"] | None = "constrained",
    **options: Any,
) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, in inches of 100 pixels or so."""
    figure = Figure(figsize=(width, height), layout=layout)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.flat)


def saved(figure: Figure, kind: str) -> bytes:
    """Bytes of a figure as ``svg`` or ``pdf``, the same on every run."""
    out = io.BytesIO()
    with style():
        stamp = {"Date": None} if kind == "svg" else {"CreationDate": None, "ModDate": None}
        figure.savefig(out, format=kind, metadata=stamp)
    return out.getvalue()


def inline_svg(figure: Figure, *, key: str, alt: str) -> Markup:
    """A figure as SVG to stand inside a page: own ids, a name for screen readers, no outside address."""
    text = saved(figure, "svg").decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(?::\w+)?="[^"]*"', "", text)
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{key}-", text)
    width = re.search(r'<svg[^>]*?width="([\d.]+)pt"', text)
    size = f'style="max-width:{float(width.group(1)) * 4 / 3:.0f}px"' if width else ""
    head = f'<svg role="img" aria-label="{escape(alt)}" {size} '
    text = re.sub(r"^<svg([^>]*?)>", lambda m: head + _without_size(m.group(1)) + ">", text, count=1)
    return Markup(text)


def _without_size(attributes: str) -> str:
    return re.sub(r'\b(width|height|version)="[^"]*"', "", attributes).strip()


def shortened(text: str, length: int = 34) -> str:
    """A label that cannot push the figure off the page."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
