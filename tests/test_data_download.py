"""Downloads that go wrong on the way: every path against a web server on the loopback. Needs no real data."""

from __future__ import annotations

import email.utils
import errno
import hashlib
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bayes_hr.data import download as download_module
from bayes_hr.data import fetch as fetch_module
from bayes_hr.data import parsed
from bayes_hr.data.download import CHUNK_BYTES, RETRIES
from bayes_hr.data.fetch import fetch, fetch_all
from bayes_hr.data.parsed import read_source
from bayes_hr.data.sources import SOURCES, Source
from bayes_hr.errors import DataUnavailableError, InputError

BODY = bytes(range(256)) * 1600  # six chunks and a bit
HALF = 3 * CHUNK_BYTES
OTHER = BODY[::-1]
TOY = Source("toy", "A toy", "o/r/c/toy.csv", hashlib.sha256(BODY).hexdigest(), "CC0", "N (2000)", "", "")


@dataclass
class Answer:
    """What the server does with one request: sends the file from where it is asked for, or as said here."""

    status: int = 200
    body: bytes = BODY
    upto: int | None = None  # bytes of the file after which the connection is lost
    stall: threading.Event | None = None  # ... or after which nothing comes until this is set
    ranges: bool = True
    pause: float = 0.0  # seconds before each chunk
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """Answers to the requests to come (then plain ones), and the ``Range`` of each that came."""

    base: str = ""
    script: list[Answer] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    most_at_once: int = 0


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state, lock, active = Server(), threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                state.asked.append(self.headers["Range"])
                answer = state.script.pop(0) if state.script else Answer()
                active[0] += 1
                state.most_at_once = max(state.most_at_once, active[0])
            try:
                self.reply(answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client has gone
            finally:
                with lock:
                    active[0] -= 1

        def reply(self, answer: Answer) -> None:
            asked = re.match(r"bytes=(\d+)-", self.headers["Range"] or "") if answer.ranges else None
            start = int(asked[1]) if asked else 0
            status = answer.status
            if status == 200 and asked:
                status = 206 if start < len(answer.body) else 416
            body = answer.body[start:] if status in {200, 206} else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 206:
                range_ = f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}"
                self.send_header("Content-Range", range_)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            sent = body if answer.upto is None else body[: max(answer.upto - start, 0)]
            for at in range(0, len(sent), CHUNK_BYTES):
                time.sleep(answer.pause)
                self.wfile.write(sent[at : at + CHUNK_BYTES])
            if answer.stall is not None:
                answer.stall.wait(20)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base = f"http://127.0.0.1:{httpd.server_port}/"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, web: Server) -> Path:
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BAYES_HR_MIRROR", web.base)
    monkeypatch.delenv("BAYES_HR_OFFLINE", raising=False)
    monkeypatch.setattr(download_module, "BACKOFF_SECONDS", 0.0)
    return tmp_path / "cache"


def target_in(cache: Path) -> Path:
    return cache / "raw" / TOY.repo_path


def part_in(cache: Path, content: bytes | None = None) -> Path:
    """Where a partial download is kept; written there if `content` is given."""
    path = target_in(cache).with_name("toy.csv.part")
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def held(cache: Path) -> list[str]:
    return [path.name for path in target_in(cache).parent.iterdir()]


# Going on, and beginning again


def test_a_lost_connection_is_gone_on_from(web: Server, cache: Path) -> None:
    web.script = [Answer(upto=HALF)]
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [None, f"bytes={HALF}-"]
    assert held(cache) == ["toy.csv"]


def test_a_server_without_ranges_is_begun_again(web: Server) -> None:
    web.script = [Answer(upto=HALF), Answer(ranges=False)]
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [None, f"bytes={HALF}-"]


def test_a_wrong_range_is_not_joined(web: Server, cache: Path) -> None:
    """The server answers with bytes that begin elsewhere."""
    part_in(cache, BODY[:HALF])
    web.script = [Answer(206, ranges=False, headers={"Content-Range": f"bytes 0-9/{len(BODY)}"})]
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [f"bytes={HALF}-", None]


def test_a_part_longer_than_the_file_is_dropped(web: Server, cache: Path) -> None:
    part_in(cache, BODY + b"more")
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [f"bytes={len(BODY) + 4}-", None]


def test_a_whole_part_needs_no_request(web: Server, cache: Path) -> None:
    """The last process was killed after the last byte."""
    part_in(cache, BODY)
    assert fetch(TOY).read_bytes() == BODY
    assert not web.asked


def test_a_part_of_another_file_costs_one_fresh_download(
    web: Server, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    part_in(cache, OTHER[:HALF])
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [f"bytes={HALF}-", None]
    assert "does not fit what is now at" in caplog.text


def test_a_file_that_changed_meanwhile_is_refused_after_one_fresh_download(web: Server, cache: Path) -> None:
    web.script = [Answer(upto=HALF), Answer(body=OTHER), Answer(body=OTHER)]
    with pytest.raises(InputError, match=f"wrong checksum .*got {hashlib.sha256(OTHER).hexdigest()}"):
        fetch(TOY)
    assert web.asked == [None, f"bytes={HALF}-", None]
    assert not held(cache)


def test_a_wrong_checksum_of_a_whole_file_is_not_tried_again(web: Server, cache: Path) -> None:
    web.script = [Answer(body=OTHER)]
    with pytest.raises(InputError, match="wrong checksum"):
        fetch(TOY)
    assert len(web.asked) == 1
    assert not held(cache)


# Trying again


@pytest.mark.parametrize("code", [429, 500, 503])
def test_an_answer_that_may_pass_is_tried_again(web: Server, code: int) -> None:
    web.script = [Answer(code), Answer(code)]
    assert fetch(TOY).read_bytes() == BODY
    assert len(web.asked) == 3


@pytest.mark.parametrize("code", [403, 404, 410])
def test_an_answer_that_stays_is_not(web: Server, code: int) -> None:
    web.script = [Answer(code)]
    with pytest.raises(DataUnavailableError, match=f"the server answered {code}"):
        fetch(TOY)
    assert len(web.asked) == 1


def test_tries_have_an_end_and_the_part_stays(web: Server, cache: Path) -> None:
    web.script = [Answer(upto=CHUNK_BYTES), *[Answer(500)] * 10]
    with pytest.raises(DataUnavailableError, match="the server answered 500"):
        fetch(TOY)
    assert len(web.asked) == RETRIES + 1
    assert part_in(cache).read_bytes() == BODY[:CHUNK_BYTES]


def test_a_server_that_falls_silent(web: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "TIMEOUT_SECONDS", (1, 0.3))
    over = threading.Event()
    web.script = [Answer(upto=HALF, stall=over)]
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [None, f"bytes={HALF}-"]
    over.set()


def test_a_slow_server_is_waited_for(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "TIMEOUT_SECONDS", (1, 0.5))
    web.script = [Answer(pause=0.1)]
    assert fetch(TOY).read_bytes() == BODY
    assert len(web.asked) == 1


@pytest.mark.parametrize("kind", ["seconds", "date"])
def test_retry_after_is_honoured(web: Server, kind: str) -> None:
    date = email.utils.formatdate(time.time() + 2, usegmt=True)  # whole seconds: one to two of them
    web.script = [Answer(429, headers={"Retry-After": "1" if kind == "seconds" else date})]
    begin = time.monotonic()
    fetch(TOY)
    assert 0.8 < time.monotonic() - begin < 4


def test_retry_after_within_reason(web: Server) -> None:
    web.script = [Answer(503, headers={"Retry-After": "3600"})]
    with pytest.raises(DataUnavailableError, match=r"asks to wait \(Retry-After: 3600\)"):
        fetch(TOY)
    assert len(web.asked) == 1


def test_retry_after_that_means_nothing(web: Server) -> None:
    web.script = [Answer(503, headers={"Retry-After": "soon"})]
    assert fetch(TOY).read_bytes() == BODY


def test_waits_grow_and_differ(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    monkeypatch.setattr(fetch_module, "Event", Stop)
    monkeypatch.setattr(download_module, "BACKOFF_SECONDS", 1.0)
    web.script = [Answer(500)] * RETRIES
    fetch(TOY)
    assert waits[0] == 0
    assert all(2**k <= wait <= 2**k + 1 for k, wait in enumerate(waits[1:], start=1))
    assert any(wait != round(wait) for wait in waits)


# The cache


@pytest.mark.parametrize("damage", ["truncated", "replaced", "empty", "unreadable"])
def test_a_broken_copy_heals_and_says_so(
    damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = fetch(TOY)
    if damage == "unreadable":  # for whoever runs the tests, root too
        good = fetch_module.sha256_of

        def refuse(asked: Path) -> str:
            if asked == path:
                raise PermissionError(errno.EACCES, "Permission denied")
            return good(asked)

        monkeypatch.setattr(fetch_module, "sha256_of", refuse)
    else:
        path.write_bytes({"truncated": BODY[:-1], "replaced": OTHER, "empty": b""}[damage])
    assert fetch(TOY).read_bytes() == BODY
    why = "it cannot be read: Permission denied" if damage == "unreadable" else "wrong checksum"
    assert f"is broken ({why}); fetching it again" in caplog.text


@pytest.mark.parametrize("damage", ["truncated", "replaced", "empty", "unreadable"])
def test_a_broken_parsed_copy_heals_and_says_so(
    damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(SOURCES, "toy", TOY)
    monkeypatch.setitem(parsed.READERS, "toy", lambda path: pd.DataFrame({"bytes": [path.stat().st_size]}))
    copy = parsed.parsed_path(TOY)
    assert read_source("toy")["bytes"].tolist() == [len(BODY)]
    good = copy.read_bytes()
    if damage == "replaced":  # by a table that is whole, but not this one
        pd.DataFrame({"bytes": [0]}).to_parquet(copy)
    elif damage == "unreadable":
        real, answers = pq.read_table, [PermissionError(errno.EACCES, "Permission denied")]

        def refuse_once(*args: object, **kwargs: object) -> object:
            if answers:
                raise answers.pop()
            return real(*args, **kwargs)

        monkeypatch.setattr(pq, "read_table", refuse_once)
    else:
        copy.write_bytes(good[:-10] if damage == "truncated" else b"")
    assert read_source("toy")["bytes"].tolist() == [len(BODY)]
    assert "is broken; parsing the raw file again" in caplog.text
    caplog.clear()
    assert read_source("toy")["bytes"].tolist() == [len(BODY)]
    assert not caplog.records


@pytest.fixture
def freeze(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Makes the cache read-only: mounted so, or by permissions; for a root who cannot mount, by refusals."""
    cache.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(cache)]
    mounted = (
        shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    )

    def do() -> None:
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(cache)], check=True)
            return
        for folder in (cache, *(path for path in cache.rglob("*") if path.is_dir())):
            folder.chmod(0o500)
        if os.access(cache, os.W_OK):

            def refuse(*args: object, **kwargs: object) -> None:
                raise OSError(errno.EROFS, "Read-only file system")

            monkeypatch.setattr(Path, "mkdir", refuse)

    yield do
    if mounted:
        subprocess.run(["umount", str(cache)], check=True)
    for folder in (cache, *(path for path in cache.rglob("*") if path.is_dir())):
        folder.chmod(0o700)


def test_a_read_only_cache(web: Server, cache: Path, freeze: Callable[[], None]) -> None:
    """What is there is used; what is not is an error that says what to do."""
    fetch(TOY)
    freeze()
    assert fetch(TOY).read_bytes() == BODY
    with pytest.raises(InputError, match=r"cannot write to the cache at .*set BAYES_HR_CACHE"):
        fetch(replace(TOY, repo_path="o/r/c/another.csv", id="another"))
    assert len(web.asked) == 1


def test_offline_asks_nobody(web: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYES_HR_OFFLINE", "1")
    part_in(cache, BODY[:HALF])
    with pytest.raises(DataUnavailableError, match="BAYES_HR_OFFLINE is set"):
        fetch(TOY)
    assert not web.asked
    assert part_in(cache).read_bytes() == BODY[:HALF]


# Several processes


def process(code: str) -> subprocess.Popen[str]:
    """A Python that knows TOY as the only source, with the cache and the server of the test."""
    head = (
        "import signal, sys; from bayes_hr.data import sources\n"
        "from bayes_hr.data.fetch import fetch, fetch_all\n"
        # also where a shell started the tests in the background and had SIGINT ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sources.SOURCES.clear(); sources.SOURCES['toy'] = sources.Source(**{asdict(TOY)})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def half_there(cache: Path) -> bool:
    part = part_in(cache)
    return part.is_file() and part.stat().st_size >= HALF


def test_two_processes_download_once(web: Server, cache: Path) -> None:
    web.script = [Answer(pause=0.15)]
    both = [process("print(len(fetch('toy').read_bytes()))") for _ in range(2)]
    for one in both:
        out, err = one.communicate(timeout=20)
        assert one.returncode == 0, err
        assert out.strip() == str(len(BODY))
    assert len(web.asked) == 1
    assert held(cache) == ["toy.csv"]


def test_a_killed_process_leaves_no_lock_but_its_bytes(web: Server, cache: Path) -> None:
    over = threading.Event()
    web.script = [Answer(upto=HALF, stall=over)]
    one = process("fetch('toy')")
    wait_until(lambda: half_there(cache))
    one.kill()
    one.communicate(timeout=10)
    assert not target_in(cache).exists()
    begin = time.monotonic()
    assert fetch(TOY).read_bytes() == BODY
    assert time.monotonic() - begin < 2
    assert web.asked == [None, f"bytes={HALF}-"]
    over.set()


@pytest.mark.parametrize("how", ["fetch('toy')", "fetch_all(['toy'])", "command"])
def test_an_interrupt_leaves_a_part_to_go_on_from(web: Server, cache: Path, how: str) -> None:
    command = "from bayes_hr.cli import main; sys.exit(main(['data', 'fetch', 'toy']))"
    web.script = [Answer(pause=0.25)]
    one = process(command if how == "command" else how)
    wait_until(lambda: half_there(cache))
    one.send_signal(signal.SIGINT)
    _, err = one.communicate(timeout=10)
    assert one.returncode != 0
    assert held(cache) == ["toy.csv.part"]
    if how == "command":
        assert one.returncode == 130, err
        assert "Traceback" not in err
    size = part_in(cache).stat().st_size
    assert HALF <= size < len(BODY)
    assert fetch(TOY).read_bytes() == BODY
    assert web.asked == [None, f"bytes={size}-"]


def test_the_second_waits_and_says_so(web: Server, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="bayes_hr")
    web.script = [Answer(pause=0.15)]
    one = process("fetch('toy')")
    wait_until(lambda: part_in(cache).is_file())
    assert fetch(TOY).read_bytes() == BODY
    assert "another process is fetching it; waiting" in caplog.text
    assert "Licence" not in caplog.text, "shown by the process that downloads"
    assert one.wait(10) == 0
    one.communicate()


# Several sources at once


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names = [f"toy_{k}" for k in range(6)]
    for name in names:
        monkeypatch.setitem(SOURCES, name, replace(TOY, id=name, repo_path=f"o/r/c/{name}.csv"))
    return names


def test_several_at_once(web: Server, many: list[str]) -> None:
    web.script = [Answer(pause=0.05)] * 6
    notices: list[str] = []
    done: list[tuple[int, int]] = []
    threads = set()

    def progress(now: int, total: int, source: Source) -> None:
        done.append((now, total))
        threads.add(threading.current_thread())

    paths = fetch_all([*many, many[0]], workers=3, progress=progress, notice=lambda s: notices.append(s.id))
    assert list(paths) == many
    assert all(path.read_bytes() == BODY for path in paths.values())
    assert done == [(k, 6) for k in range(1, 7)]
    assert threads == {threading.main_thread()}, "a progress bar belongs to the thread that made it"
    assert web.most_at_once == 3
    assert sorted(notices) == many
    assert len(web.asked) == 6


def test_each_licence_is_shown_before_its_download(
    web: Server, many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    real = fetch_module.download

    def noted(url: str, part: Path, *, stop: threading.Event) -> bool:
        events.append(("download", part.name.removesuffix(".csv.part")))
        return real(url, part, stop=stop)

    monkeypatch.setattr(fetch_module, "download", noted)
    fetch_all(many, notice=lambda source: events.append(("licence", source.id)))
    for name in many:
        assert [what for what, of in events if of == name] == ["licence", "download"]
    events.clear()
    fetch_all(many, notice=lambda source: events.append(("licence", source.id)))
    assert not events, "shown before a download only"


def test_one_failure_does_not_keep_the_others(web: Server, many: list[str], cache: Path) -> None:
    web.script = [Answer(404)]
    with pytest.raises(DataUnavailableError, match=r"^toy_\d \(A toy\).*404"):
        fetch_all(many)
    assert len(list((cache / "raw").rglob("*.csv"))) == 5
    shutil.rmtree(cache)
    web.script = [Answer(404), Answer(body=OTHER)]
    with pytest.raises(InputError, match="2 of 6 sources cannot be had: toy_") as caught:
        fetch_all(many)
    assert not isinstance(caught.value, DataUnavailableError), "one of them is there but wrong"


def test_workers() -> None:
    with pytest.raises(InputError, match="workers: 0 is not 1 or more"):
        fetch_all([], workers=0)
    assert fetch_all([]) == {}
