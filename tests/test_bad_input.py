"""Every kind of bad input: one clear message, exit code 2, before any sampling, and nothing is left behind.

Each case goes through the command line; those of a user's rows, cards and settings through Python as well.
"""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import at, changed, closed, raises, refused

import bayes_hr
from bayes_hr import fitting, storage
from bayes_hr.api import Fit
from bayes_hr.data.sources import SOURCES

NAN = float("nan")
CARD = "demo_ratification"
HRPS = SOURCES["hrps_v402"].repo_path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, no public data, and an engine that must not be reached."""

    return closed(tmp_path, monkeypatch)


def rows() -> pd.DataFrame:
    """Six countries of two classes over eight years, with the columns that the demo card needs."""
    rng = np.random.default_rng(1)
    years = np.arange(2000, 2008)
    frame = pd.DataFrame({"ccode": np.repeat([2, 20, 40, 41, 42, 51], years.size), "year": np.tile(years, 6)})
    frame["ratification_year"] = np.repeat([2002, 2003, NAN, 2004, 2005, NAN], years.size)
    frame["regime"] = np.repeat(["transition", "stable democracy"] * 3, years.size)
    for name in ("score", "log_gdppc", "log_population", "conflict"):
        frame[name] = rng.normal(size=len(frame))
    return frame


ROWS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "missing column": (lambda f: f.drop(columns="year"), r"missing column 'year'"),
    "missing outcome": (
        lambda f: f.rename(columns={"score": "scores"}),
        r"missing column 'score'; did you mean 'scores'",
    ),
    "missing treatment": (
        lambda f: f.drop(columns="ratification_year"),
        r"missing column 'ratification_year'.*or 'ratified'",
    ),
    "missing control": (
        lambda f: f.rename(columns={"conflict": "conflicts"}),
        r"no column 'conflict'.*Did you mean 'conflicts'",
    ),
    "duplicate country-year": (lambda f: pd.concat([f, f.tail(1)]), r"duplicate country-year.*51-2007"),
    "text in the outcome": (
        at(3, "score", "n.a!"),
        r"column 'score' must hold numbers; found text such as 'n.a!' in row 3",
    ),
    "text in a control": (
        at(3, "conflict", "yes"),
        r"column 'conflict' must hold numbers, and it holds text",
    ),
    "outcome all missing": (changed(score=NAN), r"column 'score' \(the outcome\) is missing in every row"),
    "infinite value": (at(3, "score", np.inf), r"column 'score' has an infinite value in row 3"),
    "infinite control": (at(3, "conflict", -np.inf), r"column 'conflict' has an infinite value in row 3"),
    "one regime class": (
        changed(regime="transition"),
        r"contrast.*is asked for, but the rows used have one class",
    ),
    "no regime column": (lambda f: f.drop(columns="regime"), r"one class \('all'\)"),
    "regime changes": (at(3, "regime", "stable autocracy"), r"one class per country; it changes for ccode 2"),
    "no ratifier": (changed(ratification_year=NAN), r"no row is ratified"),
    "always ratified": (changed(ratification_year=1990), r"every row is ratified"),
    "ratified backwards": (
        lambda f: f.drop(columns="ratification_year").assign(ratified=[0, 1, 0, 1, 1, 1, 1, 1] * 6),
        r"ratified goes back from 1 to 0 in ccode 2",
    ),
    "empty panel": (lambda f: f.head(0), r"the panel is empty"),
    "ISO3 as key": (
        lambda f: f.assign(ccode="USA"),
        r"ccode must be whole numbers \(COW\); found text such as 'USA'",
    ),
    "constant outcome": (changed(score=1.5), r"column 'score' has the same value in every row \(1.5\)"),
    "constant control": (changed(conflict=0.0), r"control 'conflict' has one value"),
    "control all missing": (changed(conflict=NAN), r"no rows are left \(conflict missing: 48\)"),
    "year with a fraction": (
        at(3, "year", 2000.5),
        r"column 'year' must hold whole numbers; found 2000.5 in row 3",
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, message = ROWS[kind]
    frame = change(rows())
    frame.to_csv(place / "rows.csv", index=False)
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--out", "new/fit")
    raises(
        message, lambda: bayes_hr.fit(CARD, bayes_hr.Panel.from_frame(frame, outcome="score"), out="new/fit")
    )


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _parquet(folder: Path) -> None:
    rows().to_parquet(folder / "rows.parquet")
    _truncated(folder / "rows.parquet")


def _stata(folder: Path) -> None:
    rows().to_stata(folder / "rows.dta", write_index=False)
    _truncated(folder / "rows.dta")


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no file": ("rows.csv", lambda d: None, r"rows.csv: there is no such file"),
    "a folder": ("rows.csv", lambda d: (d / "rows.csv").mkdir(), r"rows.csv: is a folder, not a file"),
    "not UTF-8": (
        "rows.csv",
        lambda d: (d / "rows.csv").write_bytes(b"ccode,year\n\xff\xfe,1\n"),
        r"not UTF-8 text",
    ),
    "empty file": ("rows.csv", lambda d: (d / "rows.csv").touch(), r"cannot be read as a .csv file"),
    "truncated Parquet": (
        "rows.parquet",
        _parquet,
        r"rows.parquet: cannot be read as Parquet; it may be damaged",
    ),
    "truncated Stata": (
        "rows.dta",
        _stata,
        r"rows.dta: cannot be read as a .dta file; it may be damaged or cut off",
    ),
    "unknown suffix": (
        "rows.xlsx",
        lambda d: (d / "rows.xlsx").touch(),
        r"unknown kind of file '.xlsx'; use .csv",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_files(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, make, message = FILES[kind]
    make(place)
    refused(message, capsys, "fit", CARD, "--panel", name)
    raises(message, lambda: bayes_hr.Panel.from_file(name, outcome="score"))


SETTINGS: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "too few draws": (
        ["--draws", "5"],
        {"draws": 5},
        r"fit.draws: Input should be greater than or equal to 10.*given: 5",
    ),
    "no chain": (["--chains", "0"], {"chains": 0}, r"fit.chains: Input should be greater than or equal to 1"),
    "negative seed": (["--seed", "-1"], {"seed": -1}, r"fit.seed"),
    "unknown engine": (
        ["--engine", "nut"],
        {"engine": "nut"},
        r"fit.engine: Input should be 'auto', 'gibbs' or 'nuts'",
    ),
    "unknown sampler": (
        ["--sampler", "stan"],
        {"sampler": "stan"},
        r"fit.sampler: Input should be 'nutpie' or 'pymc'",
    ),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv, options, message = SETTINGS[kind]
    refused(message, capsys, "fit", CARD, *argv)
    raises(message, lambda: bayes_hr.fit(CARD, out="fit", **options))


WHERE = {
    "not a comparison": ("year", r"row filter 'year' is not a comparison"),
    "not readable": ("year >", r"row filter 'year >' cannot be read"),
    "a call": ("print(1)", r"'print\(1\)' is not allowed here"),
    "missing column": ("yaer > 2000", r"there is no column 'yaer'.*Did you mean 'year'"),
    "wrong type": ("regime > 3", r"does not fit the columns"),
    "no rows left": ("year > 3000", r"no rows are left \(outside the card's filter: year > 3000: \d+\)"),
    "no ratifier left": ("year < 2002", r"no country has ratified simulated treaty in the \d+ rows used"),
}


@pytest.mark.parametrize("kind", WHERE)
def test_where(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where, message = WHERE[kind]
    rows().to_csv("rows.csv", index=False)
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--where", where)
    card = bayes_hr.load_card(CARD).replace(where=where)
    raises(message, lambda: bayes_hr.fit(card, bayes_hr.Panel.from_frame(rows(), outcome="score")))


def test_too_many_rows_for_draws_that_read_them_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "MAX_NUTS_ROWS", 20)
    card = bayes_hr.load_card(CARD).replace(outcome={"likelihood": "student_t"}, error={"kind": "iid"})
    raises(r"rows are too many for student_t outcomes.*Take outcome.likelihood", lambda: bayes_hr.fit(card))


CARDS = {
    "bad TOML": ("id = ", r"not valid TOML"),
    "unknown key": ('colour = "red"\n', r"unknown key 'colour'"),
    "misspelt key": ("[outcome]\nnmae = 'score'\n", r"unknown key 'outcome.nmae' \(did you mean 'name'\?\)"),
    "negative scale": (
        "[priors]\ntau = 'normal(0, -1)'\n",
        r"priors.tau.*sigma = -1; it must be greater than 0",
    ),
    "not a prior": ("[priors]\ntau = 'wide'\n", r"'wide' is not a prior"),
    "prior of no parameter": (
        "[priors]\nnu = 'gamma(2, 0.1)'\n",
        r"priors.nu: this model has no such parameter",
    ),
    "unknown treaty": ("[treatment]\nname = 'CATT'\n", r"unknown treaty 'CATT'; did you mean 'CAT'"),
    "unknown outcome": (
        "[outcome]\nname = 'hrps_v403'\n",
        r"unknown outcome 'hrps_v403'; did you mean 'hrps_v402'",
    ),
    "loosened verdict": (
        "[verdict]\nr_hat = 1.1\n",
        r"verdict.r_hat: Input should be less than or equal to 1.01",
    ),
    "section missing": ("family = 'ratification'\n", r"key 'outcome' is missing"),
}


def _card(text: str) -> str:
    """A card with a part of its own."""
    head = 'id = "mine"\nquestion = "Is this card refused?"\n'
    sections = {"[outcome]": "[outcome]\nname = 'hrps_v402'\n", "[treatment]": "[treatment]\nname = 'CAT'\n"}
    if text.startswith(("id =", "family =")):
        return head + text
    rest = "".join(section for name, section in sections.items() if name not in text)
    return head + (rest + text if text.startswith("[") else text + rest)


@pytest.mark.parametrize("kind", CARDS)
def test_cards(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, message = CARDS[kind]
    (place / "mine.toml").write_text(_card(text))
    refused(message, capsys, "fit", "mine.toml")
    raises(message, lambda: bayes_hr.fit("mine.toml"))


ARGUMENTS = {
    "unknown card": (["fit", "cat_hrp"], r"no card is called 'cat_hrp'.*Did you mean 'cat_hrps'"),
    "no card file": (["fit", "mine.toml"], r"card mine.toml: cannot be read"),
    "card to show": (["models", "cat_hrp"], r"no card is called 'cat_hrp'"),
    "unknown command": (["fti"], r"No such command 'fti'. Did you mean 'fit'"),
    "unknown option": (["fit", CARD, "--drawz", "5"], r"No such option: --drawz"),
    "not a number": (["fit", CARD, "--draws", "many"], r"Invalid value for '--draws'"),
    "one refit": (["fit", CARD, "--reference", "1"], r"Invalid value for '--reference': 2 refits or more"),
    "fewer than no refits": (["demo", "--reference", "-1"], r"Invalid value for '--reference'"),
    "column without =": (
        ["fit", CARD, "--panel", "x.csv", "--column", "ccode"],
        r"'ccode' must be OURS=THEIRS",
    ),
    "column without panel": (["fit", CARD, "--column", "ccode=cow"], r"goes with --panel FILE"),
    "unknown kind of effect": (["summary", "x", "--by", "nation"], r"Invalid value for '--by'"),
    "unknown treaty": (
        ["data", "describe", "ratification", "--treaty", "CTA"],
        r"unknown treaty 'CTA'; did you mean 'CAT'",
    ),
    "unknown panel": (
        ["data", "describe", "ratifications"],
        r"unknown panel 'ratifications'; did you mean 'ratification'",
    ),
    "unknown rule": (
        ["data", "describe", "ratification", "--regime-rule", "before"],
        r"regime rule 'before'",
    ),
    "years reversed": (
        ["data", "describe", "ratification", "--start", "2000", "--end", "1990"],
        r"start \(2000\) is after end",
    ),
    "unknown source": (["data", "fetch", "polity4"], r"unknown source 'polity4'; did you mean 'polity5'"),
    "no such fit": (["check", "nowhere"], r"nowhere: there is no such folder"),
    "not a fit": (["check", "."], r"holds no fit \(fit.nc, spec.toml, provenance.json missing\)"),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_arguments(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv, message = ARGUMENTS[kind]
    (place / "note.txt").write_text("mine")
    refused(message, capsys, *argv)


def test_column_that_is_not_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    message = r"columns=\{'ccode': 'coww'\}: no such column"
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--column", "ccode=coww")


def test_panel_of_another_treaty(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    panel = bayes_hr.Panel.from_frame(rows(), outcome="score", treaty="ICCPR")
    panel.save("panel.parquet")
    message = r"the panel was made with treaty = 'ICCPR', the card asks for 'simulated treaty'"
    refused(message, capsys, "fit", CARD, "--panel", "panel.parquet")
    raises(message, lambda: bayes_hr.fit(CARD, panel))


# Sources


def test_source_unreachable(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = r"hrps_v402 .*not in the cache .* the source cannot be read: there is no file .*BAYES_HR_MIRROR"
    refused(message, capsys, "fit", "cat_hrps")
    raises(message, lambda: bayes_hr.fit("cat_hrps"))


def test_cache_broken_and_source_unreachable(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = place.parent / "cache/raw" / HRPS
    broken.parent.mkdir(parents=True)
    broken.write_text("cut off")
    message = r"the cached copy .* is broken and the source cannot be read"
    refused(message, capsys, "fit", "cat_hrps")
    raises(message, bayes_hr.load_panel)


def test_wrong_checksum_at_the_source(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = place.parent / "mirror" / HRPS
    changed.parent.mkdir(parents=True)
    changed.write_text("changed upstream")
    message = r"hrps_v402: wrong checksum at .*expected SHA-256 9c577f.*Nothing was kept"
    refused(message, capsys, "fit", "cat_hrps")
    raises(message, bayes_hr.load_panel)
    kept = [p for p in (place.parent / "cache").rglob("*") if p.is_file()]
    assert {p.suffix for p in kept} <= {".lock"}, kept


def test_mirror_that_is_not_there(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYES_HR_MIRROR", "/no/such/folder")
    refused(r"BAYES_HR_MIRROR: there is no folder /no/such/folder", capsys, "fit", "cat_hrps")


# Where the fit goes


def _file(folder: Path) -> Path:
    (folder / "taken").write_text("a file")
    return folder / "taken"


def _below_a_file(folder: Path) -> Path:
    return _file(folder) / "fit"


def _somebodys_folder(folder: Path) -> Path:
    (folder / "theirs").mkdir()
    (folder / "theirs/thesis.docx").write_text("five years of work")
    return folder / "theirs"


OUTPUTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a file": (_file, r"taken: is a file, not a folder"),
    "below a file": (_below_a_file, r"taken is a file, not a folder"),
    "somebody's folder": (_somebodys_folder, r"theirs: holds other files and no fit of ours"),
    "the current folder": (lambda folder: Path(), r"neither the current folder nor a mounted disk"),
}


def _target_refused(out: Path, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows().to_csv("rows.csv", index=False)
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--out", out)
    raises(message, lambda: bayes_hr.fit(CARD, bayes_hr.Panel.from_frame(rows(), outcome="score"), out=out))


@pytest.mark.parametrize("kind", OUTPUTS)
def test_outputs(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, message = OUTPUTS[kind]
    out = make(place)
    Path("rows.csv").unlink(missing_ok=True)
    _target_refused(out, message, capsys)


@pytest.fixture
def disk(place: Path) -> Iterator[Callable[[str], bool]]:
    """Mounts a small disk at ``disk/`` with given options; says whether that was permitted."""
    (place / "disk").mkdir()
    mounted: list[bool] = []

    def mount(options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place / "disk")]
        try:
            done = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:  # no such command on this system
            done = False
        mounted.append(done)
        return done

    yield mount
    if any(mounted):
        subprocess.run(["umount", str(place / "disk")], check=True)


def test_disk_too_small_for_the_draws(
    disk: Callable[[str], bool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not disk("size=64k"):
        monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: _Usage)
    _target_refused(
        Path("disk/fit"), r"the disk is full: 0.1 MB are free and the fit needs more than", capsys
    )


class _Usage:
    free = 65_536


def test_disk_that_fills_up_while_saving(
    disk: Callable[[str], bool], small_fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not disk("size=1m"):
        monkeypatch.setattr(Path, "write_bytes", _full)
    raises(r"disk/fit: the disk is full; nothing was written", lambda: small_fit.save("disk/fit"))


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_folder_that_cannot_be_written(
    disk: Callable[[str], bool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    message = (
        r"disk/fit: cannot be written \((Read-only file system|Permission denied)\); nothing was left behind"
    )
    if not disk("size=64k,ro"):  # root may write whatever the mode says
        monkeypatch.setattr(tempfile, "mkdtemp", _forbidden)
    _target_refused(Path("disk/fit"), message, capsys)


def _forbidden(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_mounted_disk_itself(
    disk: Callable[[str], bool], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not disk("size=64k"):
        monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "disk")
    _target_refused(Path("disk"), r"neither the current folder nor a mounted disk itself.*disk/fit", capsys)


# Saved fits


@pytest.fixture
def saved(small_fit: Fit, place: Path, short_report: None) -> Path:
    return small_fit.save(place / "saved")


@pytest.mark.parametrize("name", ["fit.nc", "spec.toml", "provenance.json"])
def test_damaged_fit(name: str, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _truncated(saved / name)
    message = r"saved: the saved fit is damaged .*Run it again|spec.toml: "
    refused(message, capsys, "check", "saved")
    refused(message, capsys, "summary", "saved")
    refused(message, capsys, "report", "saved")
    raises(message, lambda: bayes_hr.load_fit("saved"))


def test_file_missing_from_a_fit(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (saved / "spec.toml").unlink()
    refused(r"saved: holds no fit \(spec.toml missing\)", capsys, "summary", "saved")


def test_effect_that_the_card_does_not_have(saved: Path, small_fit: Fit) -> None:
    raises(r"by = 'nation' is not among those of card demo_ratification", lambda: small_fit.effects("nation"))


def test_report_that_cannot_be_written(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(saved.parent)
    (saved.parent / "taken").write_text("a file")
    refused(r"taken", capsys, "report", "saved", "--out", "taken/report.html")
    refused(r"saved", capsys, "report", "saved", "--out", "saved")
