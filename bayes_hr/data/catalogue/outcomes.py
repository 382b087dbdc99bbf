"""Outcomes: scores and codings of human-rights practice."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

_FARISS: Final = "CJFariss/Human-Rights-Latent-Variable/2f1892e748998fea0c5f1d39995e4e3d07085308/"
_FARISS_2014_BIBTEX: Final = """@article{fariss2014respect,
  author = {Fariss, Christopher J.},
  title = {Respect for Human Rights has Improved Over Time: Modeling the Changing Standard of Accountability},
  journal = {American Political Science Review}, volume = {108}, number = {2}, pages = {297--318},
  year = {2014}, doi = {10.1017/S0003055414000070}
}"""

SOURCES: Final = (
    Source(
        id="hrps_v402",
        title="Latent human-rights protection scores v4.02",
        repo_path=_FARISS + "LHRS-V4/LHRS-V4.02-2021/LHRS-v4.02-2021.csv",
        sha256="9c577f446252d95a05f0b3372a1ef5e269a04da919723411ed75d60f45b6b2cd",
        licence="CC BY-NC-SA 3.0 US (non-commercial, share alike)",
        citation=(
            "Fariss, Kenwick & Reuning (2020), Estimating one-sided-killings from a Robust "
            "Measurement Model of Human Rights, Journal of Peace Research 57(6): 801-814; "
            "Fariss (2014), American Political Science Review 108(2): 297-318"
        ),
        covers="1946-2021, posterior mean and SD of the score per country-year; higher is better protection",
        bibtex=(
            """@article{fariss2020onesided,
  author = {Fariss, Christopher J. and Kenwick, Michael R. and Reuning, Kevin},
  title = {Estimating one-sided-killings from a Robust Measurement Model of Human Rights},
  journal = {Journal of Peace Research}, volume = {57}, number = {6}, pages = {801--814}, year = {2020},
  doi = {10.1177/0022343320965670}
}
"""
            + _FARISS_2014_BIBTEX
        ),
    ),
    Source(
        id="hrps_v301",
        title="Latent human-rights protection scores v3.01",
        repo_path=_FARISS + "LHRS-V3/HumanRightsProtectionScores_v3.01.csv",
        sha256="1f4d0afeef25a7344071174723e45834de1d7b0b1b620f8963308770c49732c6",
        licence="CC BY-NC-SA 3.0 US (non-commercial, share alike)",
        citation=(
            "Fariss (2014), Respect for Human Rights has Improved Over Time, American Political Science "
            "Review 108(2): 297-318; Schnakenberg & Fariss (2014), Dynamic Patterns of Human Rights "
            "Practices, Political Science Research and Methods 2(1): 1-31"
        ),
        covers="1946-2017, posterior mean and SD of the score per country-year; higher is better protection",
        bibtex=(
            _FARISS_2014_BIBTEX
            + """
@article{schnakenberg2014dynamic,
  author = {Schnakenberg, Keith E. and Fariss, Christopher J.},
  title = {Dynamic Patterns of Human Rights Practices},
  journal = {Political Science Research and Methods}, volume = {2}, number = {1}, pages = {1--31},
  year = {2014}, doi = {10.1017/psrm.2013.15}
}"""
        ),
    ),
    Source(
        id="cirights",
        title="CIRIGHTS component rights v1.22.11.25 (physical integrity)",
        repo_path=_FARISS + "LHRS-V4/data_raw/cirights_v1.22.11.25.csv",
        sha256="218ad962e9610a63db823e844752bf65bcebd767a7f4c0e041f234eabfe2b546",
        licence="CIRIGHTS Data Project, cite authors; no licence stated (the repository: CC BY-NC-SA 3.0 US)",
        citation=(
            "Mark, Cingranelli, Filippov & Richards (2023), The CIRIGHTS Data Project Scoring Manual, "
            "doi:10.2139/ssrn.4625036; through Fariss, Human-Rights-Latent-Variable"
        ),
        covers=(
            "1981-2020, torture, disappearance, killing and political imprisonment by agents of the state: "
            "0 frequent, 1 occasional, 2 none; their sum, 0-8; higher is better"
        ),
        bibtex="""@misc{mark2023cirights,
  author = {Mark, Skip and Cingranelli, David and Filippov, Mikhail and Richards, David L.},
  title = {The {CIRIGHTS} Data Project Scoring Manual}, howpublished = {SSRN}, year = {2023},
  doi = {10.2139/ssrn.4625036}
}""",
        reader_version=3,
    ),
    Source(
        id="pts",
        title="Political Terror Scale 2024",
        repo_path="Mohsnmonji/Political-Terror_Dashboard/9546967ed2dc279f3f16fc59380745935c45f884/PTS-2024.csv",
        sha256="a09d5d81584dcff8e3d4697411ba2fe4a429f47c96514fe2c43af3e8875c779b",
        licence="Political Terror Scale project, cite authors; the repository with this copy states none",
        citation=(
            "Gibney, Haschke, Arnon et al. (2024), The Political Terror Scale 1976-2023, "
            "politicalterrorscale.org; Wood & Gibney (2010), The Political Terror Scale (PTS): A "
            "Re-introduction and a Comparison to CIRI, Human Rights Quarterly 32(2): 367-400"
        ),
        covers=(
            "1976-2023, terror from 1 to 5 in the reports of Amnesty International, Human Rights Watch and "
            "the US State Department; reversed here, so that higher is better"
        ),
        bibtex="""@misc{gibney2024pts,
  author = {Gibney, Mark and Haschke, Peter and Arnon, Daniel and others},
  title = {The {Political Terror Scale} 1976--2023}, year = {2024},
  url = {https://www.politicalterrorscale.org}
}
@article{wood2010pts,
  author = {Wood, Reed M. and Gibney, Mark},
  title = {The {Political Terror Scale} ({PTS}): A Re-introduction and a Comparison to {CIRI}},
  journal = {Human Rights Quarterly}, volume = {32}, number = {2}, pages = {367--400}, year = {2010},
  doi = {10.1353/hrq.0.0152}
}""",
    ),
    Source(
        id="hathaway",
        title="Hathaway's torture scale",
        repo_path=_FARISS + "LHRS-V4/data_raw/Hathaway2002longData.csv",
        sha256="45630fef5c420a45137730dbce631241cb3d39f72bb36399ee8292f1a3c6f84e",
        licence="Oona Hathaway, cite author; no licence stated (the repository: CC BY-NC-SA 3.0 US)",
        citation=(
            "Hathaway (2002), Do Human Rights Treaties Make a Difference?, Yale Law Journal 111(8): "
            "1935-2042; through Fariss, Human-Rights-Latent-Variable"
        ),
        covers="1985-1999, torture from 1 to 5 (most); reversed here, so that higher is better",
        bibtex="""@article{hathaway2002treaties,
  author = {Hathaway, Oona A.},
  title = {Do Human Rights Treaties Make a Difference?},
  journal = {Yale Law Journal}, volume = {111}, number = {8}, pages = {1935--2042}, year = {2002},
  doi = {10.2307/797642}
}""",
    ),
)
