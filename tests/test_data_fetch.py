"""Fetching: checksums, healing, mirrors, offline, full disk. Needs no real data."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LoopbackServer

from bayes_hr.data import fetch as fetch_module
from bayes_hr.data.fetch import base_address, cache_dir, fetch, fetch_all, is_offline
from bayes_hr.data.sources import PUBLIC_BASE, SOURCES, Source, get_source
from bayes_hr.errors import DataUnavailableError, InputError

BODY = b"ccode,year\n2,1994\n" * 20_000
SOURCE = Source(
    "toy",
    "A toy",
    "owner/repo/commit/folder/a file.csv",
    hashlib.sha256(BODY).hexdigest(),
    "CC0",
    "Nobody (2000)",
    "@misc{nobody}",
    "nothing",
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BAYES_HR_MIRROR", "BAYES_HR_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bayes_hr.data.download.BACKOFF_SECONDS", 0.0)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    path = tmp_path / "mirror" / SOURCE.repo_path
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    return tmp_path / "mirror"


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a disk of 64 KiB; where none can be mounted, copying fails as it would there."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = (
        shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )
    if not mounted:

        def no_space(*args: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("shutil.copyfileobj", no_space)
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def files_in(folder: Path) -> list[Path]:
    """Everything but locks, which are empty and stay."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_from_a_server(server: LoopbackServer, tmp_path: Path) -> None:
    server.files[SOURCE.repo_path] = BODY
    path = fetch(SOURCE, base=server.base)
    assert path == tmp_path / "cache" / "raw" / SOURCE.repo_path
    assert path.read_bytes() == BODY
    assert fetch(SOURCE, base=server.base) == path
    assert len(server.requests) == 1
    assert files_in(tmp_path / "cache") == [path]


def test_from_a_folder_even_offline(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYES_HR_OFFLINE", "1")
    monkeypatch.setenv("BAYES_HR_MIRROR", str(mirror))
    assert fetch(SOURCE).read_bytes() == BODY


def test_licence_shown_once_before_the_download(mirror: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bayes_hr")
    fetch(SOURCE, base=mirror)
    fetch(SOURCE, base=mirror)
    assert [record.getMessage() for record in caplog.records] == [
        "toy: A toy. Licence: CC0. Cite: Nobody (2000)"
    ]


def test_notice_replaces_the_log(mirror: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bayes_hr")
    shown: list[Source] = []
    fetch(SOURCE, base=mirror, notice=shown.append)
    assert shown == [SOURCE]
    assert not caplog.records


def test_wrong_checksum_keeps_nothing(server: LoopbackServer, tmp_path: Path) -> None:
    server.files[SOURCE.repo_path] = b"other"
    with pytest.raises(InputError, match="toy: wrong checksum") as caught:
        fetch(SOURCE, base=server.base)
    assert SOURCE.sha256 in str(caught.value)
    assert hashlib.sha256(b"other").hexdigest() in str(caught.value)
    assert not files_in(tmp_path / "cache")


def test_download_cut_off(server: LoopbackServer, tmp_path: Path) -> None:
    server.files[SOURCE.repo_path] = BODY
    server.cut.add(SOURCE.repo_path)
    with pytest.raises(DataUnavailableError, match=r"toy .*no answer from the server"):
        fetch(SOURCE, base=server.base)
    assert [path.name for path in files_in(tmp_path / "cache")] == ["a file.csv.part"]


@pytest.mark.parametrize("code", [404, 500])
def test_server_error(server: LoopbackServer, code: int, tmp_path: Path) -> None:
    server.status[SOURCE.repo_path] = code
    with pytest.raises(DataUnavailableError, match=rf"the server answered {code} .*BAYES_HR_MIRROR"):
        fetch(SOURCE, base=server.base)
    assert not files_in(tmp_path / "cache")


def test_unreachable(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailableError, match=r"no answer from the server.*from_frame"):
        fetch(SOURCE, base="http://127.0.0.1:9/")
    assert not files_in(tmp_path / "cache")


def test_offline_without_a_copy() -> None:
    with pytest.raises(DataUnavailableError, match=r"not in the cache .*BAYES_HR_OFFLINE is set"):
        fetch(SOURCE, offline=True)


def test_missing_in_the_folder_mirror(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailableError, match="there is no file"):
        fetch(SOURCE, base=tmp_path)


@pytest.mark.parametrize("damage", [b"", BODY[:100], b"x" + BODY[1:]])
def test_broken_copy_heals(mirror: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = fetch(SOURCE, base=mirror)
    path.write_bytes(damage)
    assert fetch(SOURCE, base=mirror).read_bytes() == BODY
    assert "is broken (wrong checksum); fetching it again" in caplog.text


def test_broken_copy_and_source_unreachable(mirror: Path) -> None:
    fetch(SOURCE, base=mirror).write_bytes(b"broken")
    with pytest.raises(
        DataUnavailableError, match=r"cached copy .* is broken and the source .*BAYES_HR_MIRROR"
    ):
        fetch(SOURCE, base="http://127.0.0.1:9/")
    with pytest.raises(DataUnavailableError, match=r"is broken and .*BAYES_HR_OFFLINE is set"):
        fetch(SOURCE, offline=True)


def test_full_disk(mirror: Path, full_disk: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write to the cache at .*No space left.*BAYES_HR_CACHE"):
        fetch(SOURCE, base=mirror, cache=full_disk)
    assert not files_in(full_disk)


def test_cache_path_is_a_file(mirror: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    with pytest.raises(InputError, match="cannot write to the cache"):
        fetch(SOURCE, base=mirror, cache=in_the_way)


def test_no_permission(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(fetch_module.Path, "mkdir", refuse)
    with pytest.raises(InputError, match=r"cannot write to the cache at .*Permission denied"):
        fetch(SOURCE, base=mirror)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir() == tmp_path / "cache"
    assert cache_dir(tmp_path) == tmp_path
    monkeypatch.delenv("BAYES_HR_CACHE")
    assert cache_dir().name == "bayes_hr"


def test_base_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert base_address() == PUBLIC_BASE
    assert base_address("http://127.0.0.1:8000/x") == "http://127.0.0.1:8000/x/"
    assert base_address(tmp_path.as_uri()) == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAYES_HR_MIRROR", ".")
    assert base_address() == tmp_path
    for wrong in ("no/such/folder", "ftp://example.org/"):
        with pytest.raises(InputError, match="BAYES_HR_MIRROR"):
            base_address(wrong)


def test_offline_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_offline()
    for value, expected in (("1", True), ("yes", True), ("0", False), ("", False)):
        monkeypatch.setenv("BAYES_HR_OFFLINE", value)
        assert is_offline() is expected
    monkeypatch.setenv("BAYES_HR_OFFLINE", "maybe")
    with pytest.raises(InputError, match="neither 1 nor 0"):
        is_offline()


def test_fetch_all(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "toy", SOURCE)
    monkeypatch.setenv("BAYES_HR_MIRROR", str(mirror))
    seen: list[tuple[int, int, str]] = []
    paths = fetch_all(["toy"], progress=lambda done, total, source: seen.append((done, total, source.id)))
    assert seen == [(1, 1, "toy")]
    assert paths["toy"].read_bytes() == BODY
    with pytest.raises(InputError, match=r"unknown source 'polity'; did you mean 'polity5'"):
        fetch_all(["toy", "polity"])


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_registry(source: Source) -> None:
    owner, repo, commit, *rest = source.repo_path.split("/")
    assert owner
    assert repo
    assert rest
    assert len(commit) == 40
    assert len(source.sha256) == 64
    assert source.licence
    assert source.citation
    assert source.bibtex.startswith("@")
    assert source.bibtex.count("{") == source.bibtex.count("}")
    assert get_source(source.id) is source


@pytest.mark.real_data
@pytest.mark.parametrize("source_id", SOURCES)
def test_every_source_can_be_had(
    source_id: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.undo()  # back to the session's cache and mirror
    assert fetch(source_id).is_file()
