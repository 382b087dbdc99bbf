"""The picture of missing values and the table of what listwise deletion loses."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from test_reporting import Page, content

from bayes_hr.data.merge import MergeReport
from bayes_hr.reporting.plots_missing import SHADES, cell_text, missing_picture
from bayes_hr.reporting.ratification import page
from bayes_hr.reporting.ratification.content import RatificationContent as Content
from bayes_hr.reporting.tables_missing import listwise_table

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without figures of draws, which take most of its time."""
    monkeypatch.setattr(Content, "finite", False)


def report() -> MergeReport:
    years = np.r_[np.repeat([1985, 1995], 200), np.repeat(2015, 4)]
    frame = pd.DataFrame({"ccode": np.r_[np.ones(400, int), 2, 2, 2, 2], "year": years})
    frame["country"] = frame["ccode"].map({1: "A <b>", 2: "B"})
    frame["gdp"] = np.r_[np.nan, np.ones(399), np.full(4, np.nan)]
    return MergeReport.of(len(frame), frame, ()).with_missing(frame, ["gdp", "ccode"])


def page_of(merge: MergeReport) -> str:
    own = content().design.merge
    merge = replace(own, missing=merge.missing, losses=merge.losses)
    return page.render(replace(content(), design=replace(content().design, merge=merge)))


def test_every_cell_says_its_share() -> None:
    picture = missing_picture(report())
    assert picture is not None
    texts = [text.get_text() for text in picture.figure.axes[0].texts]
    assert texts == ["<1\u00a0%", "0", "100\u00a0%", "0", "0", "0"]
    assert "gdp: 1980s <1\u00a0%, 2010s 100\u00a0%. ccode: never missing." in picture.alt
    for text in texts:
        assert text.replace("<", "&lt;") in picture.svg
    assert "<image" not in picture.svg, "drawn, not a raster"


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0"), (0.004, "<1 %"), (0.37, "37 %"), (0.996, ">99 %"), (1.0, "100 %")]
)
def test_shares_are_never_rounded_to_none_or_all(share: float, text: str) -> None:
    assert cell_text(share) == text.replace(" ", "\u00a0")


def test_shades_grow_darker_and_text_stands_out() -> None:
    """Lightness alone tells the shares apart, and the text of every cell has a contrast of 3:1 or more."""
    shares = np.linspace(0, 1, 101)
    light = [luminance(mpl.colormaps[SHADES](share)[:3]) for share in shares]
    assert (np.diff(light) <= 0).all()
    frame = pd.DataFrame({"ccode": 1, "year": np.repeat(np.arange(1000, 2010, 10), 100)})
    frame["x"] = np.where(np.tile(np.arange(100), 101) < np.repeat(np.arange(101), 100), np.nan, 1.0)
    picture = missing_picture(MergeReport.of(len(frame), frame, ()).with_missing(frame, ["x"]))
    assert picture is not None
    for text, ground in zip(picture.figure.axes[0].texts, light, strict=True):
        ink = luminance(mpl.colors.to_rgb(text.get_color()))
        assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) > 3.5, text.get_text()


def luminance(rgb: tuple[float, ...]) -> float:
    """Relative luminance (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_section_of_the_page() -> None:
    text = page_of(report())
    assert text.index('id="data"') < text.index('id="missing"') < text.index('id="model"')
    assert 'href="#missing"' in text
    assert 'id="fig-missing"' in text
    assert "A <b>" not in text
    words = Page(text).text
    assert "Needed Rows lost Countries lost Which gdp 5 1 B ccode 0 0 – all of them 5 1 B" in words


def test_nothing_missing_and_nothing_known() -> None:
    frame = pd.DataFrame({"ccode": [1, 2], "year": [1990, 1991], "x": [1.0, 2.0]})
    whole = MergeReport.of(2, frame, ()).with_missing(frame, ["x"])
    assert missing_picture(whole) is None
    assert "No variable that the model needs is missing in any row." in page_of(whole)
    old = page_of(MergeReport.of(2, frame, ()))  # a fit that an older version saved
    assert 'id="missing"' not in old
    assert "#missing" not in old


def test_table_lists_every_country() -> None:
    frame = pd.DataFrame({"ccode": np.arange(40), "year": 1990, "x": np.r_[1.0, np.full(39, np.nan)]})
    table = listwise_table(MergeReport.of(40, frame, ()).with_missing(frame, ["x"]))
    assert table.rows[0][:3] == ("x", "39", "39")
    assert table.rows[0][3].split(", ") == sorted(f"COW {k}" for k in range(1, 40))
