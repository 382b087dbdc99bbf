"""Treaties: dates of signature and ratification."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Files:
    """A treaty's two files: number in chapter IV, first year, SHA-256 sums, name of the status file."""

    title: str
    number: str
    first: int
    exact_sha256: str
    status_sha256: str
    status_name: str


_FILES: Final = {
    "cat": _Files(
        "Convention against Torture",
        "9",
        1985,
        "7e0741540e8be3d229ec286bc1fa440e35808b0b573cbc473094ff839cc212d8",
        "1c5c7d14a104611739d517bba119c8f3f8de55fdd3dbfaea59a92ca271527d5d",
        "cat",
    ),
    "opcat": _Files(
        "Optional Protocol to the Convention against Torture",
        "9.b",
        2003,
        "b192fd2cabd93c41e8393b22eb5c65b476e20b7b7056879511fa1b0f89d85bb4",
        "ec292bd7ef99b0be1f0834d9c165b96014d062758729b98495971d779aa181e2",
        "opcat",
    ),
    "iccpr": _Files(
        "Covenant on Civil and Political Rights",
        "4",
        1966,
        "21eb389ca0ac24f5c4a4c7deb63de2a111795fdab76897c338855c61dbedfe6c",
        "2a453be1b583a09e2a97a501b2e5c97f3f02e71d63bfddcbc3429f50993bbaea",
        "iccpr",
    ),
    "iccpr_op1": _Files(
        "First Optional Protocol to the Covenant on Civil and Political Rights",
        "5",
        1966,
        "4bbd2b26089807921948a4f1c5f6be00b1ef881b1ec845c30ddbfecb5dddd7b4",
        "6f014a8b862a464f0a0582083810e1d1b39d0f1b4f1e6512b89d3981829a1a59",
        "iccpr_op1",
    ),
    "icescr": _Files(
        "Covenant on Economic, Social and Cultural Rights",
        "3",
        1966,
        "382e27d5a5936e6c67a10d082dc78deec078e52c5d6ceb2d36f1cbb1f13e8953",
        "0ab40a2b01a169b9eac54bf04775de91349a8cd6c3d3eea4edb56a3d4b1d18d2",
        "icescr",
    ),
    "cerd": _Files(
        "Convention on the Elimination of Racial Discrimination",
        "2",
        1966,
        "5ece73f62bf30883bddfac7c470b6272591102f1d4ecfaa202a1654b1d7f3212",
        "790ef13f3240df4ef69de4de3ead9af3c903de2cb16701224aad907126e0e751",
        "icerd",
    ),
    "cedaw": _Files(
        "Convention on the Elimination of Discrimination against Women",
        "8",
        1980,
        "f49a9b5201142bdb81abe84943598eb1ede9457438a0f3370c91c73c92793caa",
        "17af30c8373a9af44d8c00f66c9bd56e0b6d9ddf8aece8fc7115d0317b920072",
        "cedaw",
    ),
    "cedaw_op": _Files(
        "Optional Protocol to the Convention on Discrimination against Women",
        "8.b",
        1999,
        "2cebb9d3f5c3b0543d26ee247375717a37817b3dacca4e330703adec407e1531",
        "2c342fc89a939c0ea83b97eaeabcc57cea4a1b5b8ef1f00ce0db15729acd2a12",
        "op_cedaw",
    ),
    "crc": _Files(
        "Convention on the Rights of the Child",
        "11",
        1990,
        "e993e8503d71fece25d39a0a1b2ee723b6b0253176ebb29d94acb188e5844ad4",
        "298f5228d4d458d282e35e8c8ab2f8e6f37935bb22470206de3897ac3d39eb4c",
        "crc",
    ),
    "cmw": _Files(
        "Convention on Migrant Workers",
        "13",
        1991,
        "ed92b0aa8f9c423a34089a89d07808de934bd0d3447dc9355b01fb8e23a9e2a5",
        "8a982bec96de3be93ec32636375bf566f749f51aa2e00a2809a418b3b1201468",
        "icmw",
    ),
    "crpd": _Files(
        "Convention on the Rights of Persons with Disabilities",
        "15",
        2007,
        "dd3adfe5d1af70cde868cefc6518156d7db923bb3b377e4ad52b3defa0f88995",
        "c058b8e23e5fbf4be1377dc1296cb17cb3257568a6357b97a99afd8405a9bcd8",
        "crpd",
    ),
    "cped": _Files(
        "Convention against Enforced Disappearance",
        "16",
        2007,
        "281eeb619c310f8a1c6296f1ef52a6db78f9cfd2fe1ef7707d0dd7265b96c2ac",
        "dbd568315c2a2fa31966aeb2f8b4733f5c2678752753510e0229e75fea807c64",
        "cped",
    ),
}

TREATY_KEYS: Final = tuple(_FILES)
"""What follows ``untreaties_`` and ``hr_status_`` in the ids of a treaty's sources."""


def _exact(key: str, files: _Files) -> Source:
    return Source(
        id=f"untreaties_{key}",
        title=f"{files.title}: exact dates of signature and ratification",
        repo_path=f"{_UNTREATIES}4-{files.number.replace('.', '-')}.csv",
        sha256=files.exact_sha256,
        licence=_UNTC_TERMS,
        citation=(
            f"{_UNTC_CITE}, no. {files.number}, through Jones, untreaties (github.com/zmjones/untreaties)"
        ),
        covers=(
            f"{files.first} to March 2015, day of signature and of ratification, accession or succession"
        ),
        bibtex=_DATES_BIBTEX,
    )


def _status(key: str, files: _Files) -> Source:
    used = (
        "its years are in part those of signature and not used" if key == "cerd" else "used from 2015 on only"
    )
    return Source(
        id=f"hr_status_{key}",
        title=f"{files.title}: status by year",
        repo_path=f"{_STATUS}hr_status_{files.status_name}.csv",
        sha256=files.status_sha256,
        licence=_UNTC_TERMS,
        citation=(
            f"{_UNTC_CITE}, no. {files.number}, through World Politics Data Lab, Core United Nations "
            "Human Rights Instruments"
        ),
        covers=f"year of ratification or accession of UN members, to 2022; {used}",
        bibtex=_STATUS_BIBTEX,
        reader_version=2,
    )


SOURCES: Final = tuple(make(key, files) for make in (_exact, _status) for key, files in _FILES.items())
