"""LaTeX to MathML, which browsers draw by themselves."""

from __future__ import annotations

import re

from latex2mathml.converter import convert
from markupsafe import Markup


def mathml(latex: str, *, block: bool = True) -> Markup:
    """LaTeX as MathML; words are set as words and not letter by letter."""
    spaced = latex.replace(r"\sim", r"\;\sim\;")
    words = re.sub(r"\\mathrm\{([^{}]*)\}", r"\\text{\1}", spaced)
    text = convert(words, display="block" if block else "inline")
    return Markup(text.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', ""))
