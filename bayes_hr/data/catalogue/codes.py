"""The state system, and crosswalks of country codes and names."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

_COUNTRYCODE: Final = "vincentarelbundock/countrycode/284d6a2f7e49d826e10894227a05d4c857e21540/data/"
_COUNTRYCODE_CITE: Final = (
    "Arel-Bundock, Enevoldsen & Yetman (2018), countrycode: An R package to convert country names and "
    "country codes, Journal of Open Source Software 3(28): 848, doi:10.21105/joss.00848"
)
_COUNTRYCODE_BIBTEX: Final = """@article{arelbundock2018countrycode,
  author = {Arel-Bundock, Vincent and Enevoldsen, Nils and Yetman, CJ},
  title = {countrycode: An {R} package to convert country names and country codes},
  journal = {Journal of Open Source Software}, volume = {3}, number = {28}, pages = {848}, year = {2018},
  doi = {10.21105/joss.00848}
}"""

SOURCES: Final = (
    Source(
        id="cowstates",
        title="COW state system membership",
        repo_path="andybega/states/b15448281b4bfc59d5bd24177174d04d906543a9/data/cowstates.rda",
        sha256="4f4264b039fd3a142e5d67994c2ad2f5cc5619ffc44ab29387e73c8dd89c1f5f",
        licence="MIT (the package); Correlates of War Project, cite authors",
        citation=(
            "Correlates of War Project (2017), State System Membership List, v2016; through Beger, states"
        ),
        covers="1816-2016, spells without an end are taken as going on",
        bibtex="""@misc{cow2017states,
  author = {{Correlates of War Project}},
  title = {State System Membership List, v2016}, year = {2017}, url = {https://correlatesofwar.org}
}
@misc{beger_states,
  author = {Beger, Andreas},
  title = {states: Create Panels of Independent States}, url = {https://github.com/andybega/states}
}""",
    ),
    Source(
        id="codelist",
        title="Country-code crosswalk and name patterns",
        repo_path=_COUNTRYCODE + "codelist.rda",
        sha256="7c2dd9fa5bd68cff44893a330212f6e3aee19d19f6c80cd3bb596b1dc32dda91",
        licence="GPL-3 (read at run time as data, never shipped)",
        citation=_COUNTRYCODE_CITE,
        covers="one row per country: names, name patterns, codes",
        bibtex=_COUNTRYCODE_BIBTEX,
    ),
    Source(
        id="codelist_panel",
        title="Country-code crosswalk by year",
        repo_path=_COUNTRYCODE + "codelist_panel.rda",
        sha256="d9b46b04e3055ec41fde61bffd5021dddd0e3ccb44a2de628934add51aa4ea1d",
        licence="GPL-3 (read at run time as data, never shipped)",
        citation=_COUNTRYCODE_CITE,
        covers="1789-2024 (COW codes to 2020), codes by country and year",
        bibtex=_COUNTRYCODE_BIBTEX,
    ),
)
