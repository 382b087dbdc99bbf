"""Outcomes: scores and codings of human-rights practice."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

SOURCES: Final = (
    Source(
        id="hrps_v402",
        title="Latent human-rights protection scores v4.02",
        repo_path=(
            "CJFariss/Human-Rights-Latent-Variable/2f1892e748998fea0c5f1d39995e4e3d07085308/"
            "LHRS-V4/LHRS-V4.02-2021/LHRS-v4.02-2021.csv"
        ),
        sha256="9c577f446252d95a05f0b3372a1ef5e269a04da919723411ed75d60f45b6b2cd",
        licence="CC BY-NC-SA 3.0 US (non-commercial, share alike)",
        citation=(
            "Fariss, Kenwick & Reuning (2020), Estimating one-sided-killings from a Robust "
            "Measurement Model of Human Rights, Journal of Peace Research 57(6): 801-814; "
            "Fariss (2014), American Political Science Review 108(2): 297-318"
        ),
        covers="1946-2021, posterior mean and SD of the score per country-year; higher is better protection",
        bibtex="""@article{fariss2020onesided,
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
    ),
    Source(
        id="cirights",
        title="CIRIGHTS component rights v1.22.11.25 (freedom from torture)",
        repo_path=(
            "CJFariss/Human-Rights-Latent-Variable/2f1892e748998fea0c5f1d39995e4e3d07085308/"
            "LHRS-V4/data_raw/cirights_v1.22.11.25.csv"
        ),
        sha256="218ad962e9610a63db823e844752bf65bcebd767a7f4c0e041f234eabfe2b546",
        licence="CIRIGHTS Data Project, cite authors; no licence stated (the repository: CC BY-NC-SA 3.0 US)",
        citation=(
            "Mark, Cingranelli, Filippov & Richards (2023), The CIRIGHTS Data Project Scoring Manual, "
            "doi:10.2139/ssrn.4625036; through Fariss, Human-Rights-Latent-Variable"
        ),
        covers=(
            "1981-2020, torture by agents of the state: 0 frequent, 1 occasional, 2 none; higher is better"
        ),
        bibtex="""@misc{mark2023cirights,
  author = {Mark, Skip and Cingranelli, David and Filippov, Mikhail and Richards, David L.},
  title = {The {CIRIGHTS} Data Project Scoring Manual}, howpublished = {SSRN}, year = {2023},
  doi = {10.2139/ssrn.4625036}
}""",
    ),
)
