"""One reader per source: raw file to tidy frame (:mod:`bayes_hr.data.parsed` keeps the result as Parquet).

Readers keep every year; panels choose. Country numbers are Correlates of War (COW) numbers in ``ccode``
except where a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.catalogue.treaties import TREATY_KEYS
from bayes_hr.data.readers_codes import read_codelist, read_codelist_panel, read_cowstates
from bayes_hr.data.readers_controls import read_cow_nmc, read_isa_gdp, read_lji, read_ucdp_acd
from bayes_hr.data.readers_igo import read_cow_igo_igo_year, read_cow_igo_state_year
from bayes_hr.data.readers_outcomes import (
    read_cirights,
    read_hathaway,
    read_hrps_v301,
    read_hrps_v402,
    read_pts,
)
from bayes_hr.data.readers_regimes import (
    read_bmr,
    read_ert,
    read_polity5,
    read_vdem_simple,
    read_vdem_subset,
)
from bayes_hr.data.readers_treaties import read_hr_status, read_untreaties

if TYPE_CHECKING:
    import pandas as pd

Reader = Callable[[Path], "pd.DataFrame"]

READERS: Final[dict[str, Reader]] = {
    "hrps_v402": read_hrps_v402,
    "hrps_v301": read_hrps_v301,
    "cirights": read_cirights,
    "pts": read_pts,
    "hathaway": read_hathaway,
    **{f"untreaties_{key}": read_untreaties for key in TREATY_KEYS},
    **{f"hr_status_{key}": read_hr_status for key in TREATY_KEYS},
    "polity5": read_polity5,
    "vdem_subset": read_vdem_subset,
    "cow_nmc": read_cow_nmc,
    "ucdp_acd": read_ucdp_acd,
    "isa_gdp": read_isa_gdp,
    "lji": read_lji,
    "cowstates": read_cowstates,
    "codelist": read_codelist,
    "codelist_panel": read_codelist_panel,
    "ert": read_ert,
    "vdem_simple": read_vdem_simple,
    "bmr": read_bmr,
    "cow_igo_state_year": read_cow_igo_state_year,
    "cow_igo_igo_year": read_cow_igo_igo_year,
}
"""The reader of each source, by id."""
