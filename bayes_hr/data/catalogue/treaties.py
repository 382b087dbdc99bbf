"""Treaties: dates of signature and ratification."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

_UNTREATIES: Final = "zmjones/untreaties/003ce1309cc2a27a5a3909f39b7e6634550bf173/treaties/"
_UNTC_TERMS: Final = (
    "Facts of the United Nations Treaty Collection; the repository states no licence; cite both"
)
_UNTC_CITE: Final = (
    "United Nations Treaty Collection, Multilateral Treaties Deposited with the Secretary-General, ch. IV"
)
_UNTC_BIBTEX: Final = """@misc{untc,
  author = {{United Nations}},
  title = {Multilateral Treaties Deposited with the Secretary-General, Chapter IV: Human Rights},
  howpublished = {United Nations Treaty Collection},
  url = {https://treaties.un.org/pages/Treaties.aspx?id=4&subid=A}
}"""
_DATES_BIBTEX: Final = (
    _UNTC_BIBTEX
    + """
@misc{jones_untreaties,
  author = {Jones, Zachary M.},
  title = {untreaties: scripts and data from the United Nations Treaty Collection},
  url = {https://github.com/zmjones/untreaties}
}"""
)
_STATUS: Final = (
    "world-politics-datalab/humanrights-treaties-ratification-status/"
    "fdb779e6a4a121c3024b4a72e72833a448a2b62d/"
)
_STATUS_BIBTEX: Final = (
    _UNTC_BIBTEX
    + """
@misc{wpdl_treaties,
  author = {{World Politics Data Lab}},
  title = {Core United Nations Human Rights Instruments: Their Ratification Status},
  url = {https://github.com/world-politics-datalab/humanrights-treaties-ratification-status}
}"""
)

SOURCES: Final = (
    Source(
        id="untreaties_cat",
        title="Convention against Torture: exact dates of signature and ratification",
        repo_path=_UNTREATIES + "4-9.csv",
        sha256="7e0741540e8be3d229ec286bc1fa440e35808b0b573cbc473094ff839cc212d8",
        licence=_UNTC_TERMS,
        citation=f"{_UNTC_CITE}, no. 9, through Jones, untreaties (github.com/zmjones/untreaties)",
        covers="1985 to March 2015, day of signature and of ratification, accession or succession",
        bibtex=_DATES_BIBTEX,
    ),
    Source(
        id="untreaties_iccpr",
        title="Covenant on Civil and Political Rights: exact dates of signature and ratification",
        repo_path=_UNTREATIES + "4-4.csv",
        sha256="21eb389ca0ac24f5c4a4c7deb63de2a111795fdab76897c338855c61dbedfe6c",
        licence=_UNTC_TERMS,
        citation=f"{_UNTC_CITE}, no. 4, through Jones, untreaties (github.com/zmjones/untreaties)",
        covers="1966 to March 2015, day of signature and of ratification, accession or succession",
        bibtex=_DATES_BIBTEX,
    ),
    Source(
        id="hr_status_cat",
        title="Convention against Torture: status by year",
        repo_path=_STATUS + "hr_status_cat.csv",
        sha256="1c5c7d14a104611739d517bba119c8f3f8de55fdd3dbfaea59a92ca271527d5d",
        licence=_UNTC_TERMS,
        citation=(
            f"{_UNTC_CITE}, no. 9, through World Politics Data Lab, Core United Nations "
            "Human Rights Instruments"
        ),
        covers="year of ratification or accession of UN members, to 2022; used from 2015 on only",
        bibtex=_STATUS_BIBTEX,
    ),
    Source(
        id="hr_status_iccpr",
        title="Covenant on Civil and Political Rights: status by year",
        repo_path=_STATUS + "hr_status_iccpr.csv",
        sha256="2a453be1b583a09e2a97a501b2e5c97f3f02e71d63bfddcbc3429f50993bbaea",
        licence=_UNTC_TERMS,
        citation=(
            f"{_UNTC_CITE}, no. 4, through World Politics Data Lab, Core United Nations "
            "Human Rights Instruments"
        ),
        covers="year of ratification or accession of UN members, to 2022; used from 2015 on only",
        bibtex=_STATUS_BIBTEX,
    ),
)
