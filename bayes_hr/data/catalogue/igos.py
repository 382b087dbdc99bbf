"""Intergovernmental organisations: memberships and the organisations themselves."""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue.entry import Source

_IGOR: Final = "dieghernan/igoR/c9936cac3f0fc117520e89f9a232e62dde1ce3e9/data/"
_IGO_TERMS: Final = "(c) Correlates of War Project, cite the article; packaged in igoR (GPL-3)"
_IGO_CITE: Final = (
    "Pevehouse, Nordstrom, McManus & Jamison (2020), Tracking organizations in the world: The Correlates of "
    "War IGO Version 3.0 datasets, Journal of Peace Research 57(3): 492-503, doi:10.1177/0022343319881175; "
    "through Hernangómez, igoR"
)
_IGO_BIBTEX: Final = """@article{pevehouse2020igo,
  author = {Pevehouse, Jon C. W. and Nordstrom, Timothy and McManus, Roseanne W. and Jamison, Anne Spencer},
  title = {Tracking organizations in the world: The {Correlates of War} {IGO} Version 3.0 datasets},
  journal = {Journal of Peace Research}, volume = {57}, number = {3}, pages = {492--503}, year = {2020},
  doi = {10.1177/0022343319881175}
}
@manual{hernangomez_igor,
  author = {Hernang{\\'o}mez, Diego},
  title = {{igoR}: Intergovernmental Organizations Database}, url = {https://github.com/dieghernan/igoR}
}"""

SOURCES: Final = (
    Source(
        id="cow_igo_state_year",
        title="COW Intergovernmental Organizations v3: memberships by state and year",
        repo_path=_IGOR + "state_year_format3.rda",
        sha256="dc39e159f7153c71cf3168e0733da0d079fead8ccf5df20fe4dde019544d7e7e",
        licence=_IGO_TERMS,
        citation=_IGO_CITE,
        covers="1816-2014, membership (none, full, associate, observer, missing) of states in 534 IGOs",
        bibtex=_IGO_BIBTEX,
    ),
    Source(
        id="cow_igo_igo_year",
        title="COW Intergovernmental Organizations v3: the organisations",
        repo_path=_IGOR + "igo_year_format3.rda",
        sha256="7fb22534081f6383dca740c7f7ae26ce587125d98fcc1b6fdcfa96eac34a9113",
        licence=_IGO_TERMS,
        citation=_IGO_CITE,
        covers="1816-2014, name, type, founding and end of 534 IGOs, and which years COW filled in",
        bibtex=_IGO_BIBTEX,
    ),
)
