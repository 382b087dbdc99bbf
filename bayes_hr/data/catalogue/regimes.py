"""Regimes: scores and classes of democracy and autocracy."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

SOURCES: Final = (
    Source(
        id="polity5",
        title="Polity5 political regime characteristics",
        repo_path="xmarquez/democracyData/29ea0a242c296aec4ce5d5a57261420c48e527c0/data/polity5.rda",
        sha256="66bccde97c593ac359bcbc4347be0a1886639ba862e697357a6e35e1bc526221",
        licence="Center for Systemic Peace, cite authors; packaged in democracyData (GPL-3)",
        citation=(
            "Marshall & Gurr (2020), Polity5: Political Regime Characteristics and Transitions, 1800-2018, "
            "Center for Systemic Peace; through Marquez, democracyData"
        ),
        covers="1800-2018 (the USA to 2020), polity2 from -10 to 10",
        bibtex="""@misc{marshall2020polity5,
  author = {Marshall, Monty G. and Gurr, Ted Robert},
  title = {Polity5: Political Regime Characteristics and Transitions, 1800--2018},
  howpublished = {Center for Systemic Peace}, year = {2020}, url = {https://www.systemicpeace.org/inscrdata.html}
}
@misc{marquez_democracydata,
  author = {Marquez, Xavier},
  title = {democracyData: Access and Manipulate Most Available Democracy Datasets},
  url = {https://github.com/xmarquez/democracyData}
}""",
        reader_version=2,
    ),
    Source(
        id="vdem_subset",
        title="V-Dem v13 subset (GDP per capita and others)",
        repo_path=(
            "Brian-Lookabaugh/Human-Rights-Treaties-Project/348c05b099f17ed71ca65778b4998b6365682171/"
            "Data/Selected VDEM Data.xlsx"
        ),
        sha256="659983983aa991d99f5f22ac25f432183d2452ac70fc6f53bbb898935e5efd0d",
        licence="V-Dem Institute, cite authors; the repository that holds this subset states no licence",
        citation=(
            "Coppedge et al. (2023), V-Dem Dataset v13, doi:10.23696/vdemds23; GDP per capita: "
            "Fariss, Anders, "
            "Markowitz & Barnum (2022), Journal of Conflict Resolution 66(3): 553-591"
        ),
        covers="1789-2021; GDP per capita to 2019 (thousand international dollars)",
        bibtex="""@misc{coppedge2023vdem,
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
    ),
    Source(
        id="ert",
        title="Episodes of Regime Transformation (Regimes of the World)",
        repo_path="vdeminstitute/ERT/fa95b8bb8d55735019ee10e7cd0f6fa638cc55ef/data/episodes.rda",
        sha256="f35a6ea5aeb30994d4474a659abcfab430e22383a9a8cc6c71eb058ff19494fa",
        licence="V-Dem Institute, cite authors; packaged in ERT (GPL-3)",
        citation=(
            "Maerz, Edgell, Wilson, Hellmeier & Lindberg (2024), Episodes of Regime "
            "Transformation, Journal of "
            "Peace Research 61(6): 967-984; Lührmann, Tannenberg & Lindberg (2018), Politics and Governance "
            "6(1): 60-77"
        ),
        covers="1900-2024, Regimes of the World class from 0 (closed autocracy) to 3 (liberal democracy)",
        bibtex="""@article{maerz2024ert,
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
    ),
    Source(
        id="vdem_simple",
        title="V-Dem v15 indices (electoral democracy)",
        repo_path="xmarquez/democracyData/29ea0a242c296aec4ce5d5a57261420c48e527c0/data/vdem_simple.rda",
        sha256="845ce0573dab21baa8781f90b88614fcd87a3c62d7652782667c959e1e93864d",
        licence="V-Dem Institute, cite authors; packaged in democracyData (GPL-3)",
        citation=(
            "Coppedge et al. (2025), V-Dem Dataset v15, V-Dem Institute; Teorell, Coppedge, Lindberg & "
            "Skaaning (2019), Studies in Comparative International Development 54(1): 71-95; through "
            "Marquez, democracyData"
        ),
        covers="1789-2024, electoral democracy index (polyarchy) from 0 to 1 with its posterior SD",
        bibtex="""@misc{coppedge2025vdem,
  author = {Coppedge, Michael and Gerring, John and Knutsen, Carl Henrik and Lindberg, Staffan I. and others},
  title = {V-Dem [Country-Year/Country-Date] Dataset v15},
  howpublished = {Varieties of Democracy (V-Dem) Project}, year = {2025}
}
@article{teorell2019polyarchy,
  author = {Teorell, Jan and Coppedge, Michael and Lindberg, Staffan and Skaaning, Svend-Erik},
  title = {Measuring Polyarchy Across the Globe, 1900--2017},
  journal = {Studies in Comparative International Development}, volume = {54}, number = {1}, pages = {71--95},
  year = {2019}, doi = {10.1007/s12116-018-9268-z}
}
@misc{marquez_democracydata,
  author = {Marquez, Xavier},
  title = {democracyData: Access and Manipulate Most Available Democracy Datasets},
  url = {https://github.com/xmarquez/democracyData}
}""",
    ),
    Source(
        id="bmr",
        title="Boix-Miller-Rosato dichotomous coding of democracy, v4",
        repo_path="xmarquez/democracyData/29ea0a242c296aec4ce5d5a57261420c48e527c0/data/bmr.rda",
        sha256="d8b3191c1fbb8ecd11a1b972f1f2db7b5e7a17434ba7456a229ff361adcb7e20",
        licence="the authors state none, cite them; packaged in democracyData (GPL-3)",
        citation=(
            "Boix, Miller & Rosato (2013), A Complete Data Set of Political Regimes, 1800-2007, Comparative "
            "Political Studies 46(12): 1523-1554; through Marquez, democracyData"
        ),
        covers="1800-2020, 1 democracy, 0 not",
        bibtex="""@article{boix2013regimes,
  author = {Boix, Carles and Miller, Michael and Rosato, Sebastian},
  title = {A Complete Data Set of Political Regimes, 1800--2007},
  journal = {Comparative Political Studies}, volume = {46}, number = {12}, pages = {1523--1554},
  year = {2013}, doi = {10.1177/0010414012463905}
}
@misc{marquez_democracydata,
  author = {Marquez, Xavier},
  title = {democracyData: Access and Manipulate Most Available Democracy Datasets},
  url = {https://github.com/xmarquez/democracyData}
}""",
    ),
)
