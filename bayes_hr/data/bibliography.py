"""BibTeX of the public sources, one string per source id."""

from __future__ import annotations

from typing import Final

_UNTC: Final = """@misc{untc,
  author = {{United Nations}},
  title = {Multilateral Treaties Deposited with the Secretary-General, Chapter IV: Human Rights},
  howpublished = {United Nations Treaty Collection},
  url = {https://treaties.un.org/pages/Treaties.aspx?id=4&subid=A}
}"""

_COUNTRYCODE: Final = """@article{arelbundock2018countrycode,
  author = {Arel-Bundock, Vincent and Enevoldsen, Nils and Yetman, CJ},
  title = {countrycode: An {R} package to convert country names and country codes},
  journal = {Journal of Open Source Software}, volume = {3}, number = {28}, pages = {848}, year = {2018},
  doi = {10.21105/joss.00848}
}"""

_PEACESCIENCER: Final = """@article{miller2022peacesciencer,
  author = {Miller, Steven V.},
  title = {{peacesciencer}: An {R} Package for Quantitative Peace Science Research},
  journal = {Conflict Management and Peace Science}, volume = {39}, number = {6}, pages = {755--779},
  year = {2022}, doi = {10.1177/07388942221077926}
}"""

_STATUS: Final = (
    _UNTC
    + """
@misc{wpdl_treaties,
  author = {{World Politics Data Lab}},
  title = {Core United Nations Human Rights Instruments: Their Ratification Status},
  url = {https://github.com/world-politics-datalab/humanrights-treaties-ratification-status}
}"""
)

_DATES: Final = (
    _UNTC
    + """
@misc{jones_untreaties,
  author = {Jones, Zachary M.},
  title = {untreaties: scripts and data from the United Nations Treaty Collection},
  url = {https://github.com/zmjones/untreaties}
}"""
)

_IGO: Final = """@article{pevehouse2020igo,
  author = {Pevehouse, Jon C. W. and Nordstrom, Timothy and McManus, Roseanne W. and Jamison, Anne Spencer},
  title = {Tracking organizations in the world: The {Correlates of War} {IGO} Version 3.0 datasets},
  journal = {Journal of Peace Research}, volume = {57}, number = {3}, pages = {492--503}, year = {2020},
  doi = {10.1177/0022343319881175}
}
@manual{hernangomez_igor,
  author = {Hernang{\\'o}mez, Diego},
  title = {{igoR}: Intergovernmental Organizations Database}, url = {https://github.com/dieghernan/igoR}
}"""

BIBTEX: Final[dict[str, str]] = {
    "hrps_v402": """@article{fariss2020onesided,
  author = {Fariss, Christopher J. and Kenwick, Michael R. and Reuning, Kevin},
  title = {Estimating one-sided-killings from a Robust Measurement Model of Human Rights},
  journal = {Journal of Peace Research}, volume = {57}, number = {6}, pages = {801--814}, year = {2020},
  doi = {10.1177/0022343320965670}
}
@article{fariss2014respect,
  author = {Fariss, Christopher J.},
  title = {Respect for Human Rights has Improved Over Time: Modeling the Changing Standard of Accountability},
  journal = {American Political Science Review}, volume = {108}, number = {2}, pages = {297--318},
  year = {2014}, doi = {10.1017/S0003055414000070}
}""",
    "cirights": """@misc{mark2023cirights,
  author = {Mark, Skip and Cingranelli, David and Filippov, Mikhail and Richards, David L.},
  title = {The {CIRIGHTS} Data Project Scoring Manual}, howpublished = {SSRN}, year = {2023},
  doi = {10.2139/ssrn.4625036}
}""",
    "untreaties_cat": _DATES,
    "untreaties_iccpr": _DATES,
    "hr_status_cat": _STATUS,
    "hr_status_iccpr": _STATUS,
    "polity5": """@misc{marshall2020polity5,
  author = {Marshall, Monty G. and Gurr, Ted Robert},
  title = {Polity5: Political Regime Characteristics and Transitions, 1800--2018},
  howpublished = {Center for Systemic Peace}, year = {2020}, url = {https://www.systemicpeace.org/inscrdata.html}
}
@misc{marquez_democracydata,
  author = {Marquez, Xavier},
  title = {democracyData: Access and Manipulate Most Available Democracy Datasets},
  url = {https://github.com/xmarquez/democracyData}
}""",
    "vdem_subset": """@misc{coppedge2023vdem,
  author = {Coppedge, Michael and Gerring, John and Knutsen, Carl Henrik and Lindberg, Staffan I. and others},
  title = {V-Dem [Country-Year/Country-Date] Dataset v13},
  howpublished = {Varieties of Democracy (V-Dem) Project}, year = {2023}, doi = {10.23696/vdemds23}
}
@article{fariss2022gdp,
  author = {Fariss, Christopher J. and Anders, Therese and Markowitz, Jonathan N. and Barnum, Miriam},
  title = {New Estimates of Over 500 Years of Historic {GDP} and Population Data},
  journal = {Journal of Conflict Resolution}, volume = {66}, number = {3}, pages = {553--591}, year = {2022},
  doi = {10.1177/00220027211054432}
}""",
    "cow_nmc": """@incollection{singer1972capability,
  author = {Singer, J. David and Bremer, Stuart and Stuckey, John},
  title = {Capability Distribution, Uncertainty, and Major Power War, 1820--1965},
  booktitle = {Peace, War, and Numbers}, editor = {Russett, Bruce}, publisher = {Sage}, year = {1972},
  pages = {19--48}
}
"""
    + _PEACESCIENCER,
    "ucdp_acd": """@article{gleditsch2002armed,
  author = {Gleditsch, Nils Petter and Wallensteen, Peter and Eriksson, Mikael and Sollenberg, Margareta
            and Strand, H{\\aa}vard},
  title = {Armed Conflict 1946--2001: A New Dataset},
  journal = {Journal of Peace Research}, volume = {39}, number = {5}, pages = {615--637}, year = {2002},
  doi = {10.1177/0022343302039005007}
}
"""
    + _PEACESCIENCER,
    "cowstates": """@misc{cow2017states,
  author = {{Correlates of War Project}},
  title = {State System Membership List, v2016}, year = {2017}, url = {https://correlatesofwar.org}
}
@misc{beger_states,
  author = {Beger, Andreas},
  title = {states: Create Panels of Independent States}, url = {https://github.com/andybega/states}
}""",
    "codelist": _COUNTRYCODE,
    "codelist_panel": _COUNTRYCODE,
    "ert": """@article{maerz2024ert,
  author = {Maerz, Seraphine F. and Edgell, Amanda B. and Wilson, Matthew C. and Hellmeier, Sebastian
            and Lindberg, Staffan I.},
  title = {Episodes of Regime Transformation},
  journal = {Journal of Peace Research}, volume = {61}, number = {6}, pages = {967--984}, year = {2024},
  doi = {10.1177/00223433231168192}
}
@article{luhrmann2018regimes,
  author = {L{\\"u}hrmann, Anna and Tannenberg, Marcus and Lindberg, Staffan I.},
  title = {Regimes of the World ({RoW}): Opening New Avenues for the Comparative Study of Political Regimes},
  journal = {Politics and Governance}, volume = {6}, number = {1}, pages = {60--77}, year = {2018},
  doi = {10.17645/pag.v6i1.1214}
}""",
    "cow_igo_state_year": _IGO,
    "cow_igo_igo_year": _IGO,
}
"""BibTeX entries by source id; several entries where a file holds the work of several teams."""
