"""Fixtures that several test files share."""

from __future__ import annotations

import importlib
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from bayes_hr.api import Fit
from bayes_hr.cards import load_card
from bayes_hr.cli import main
from bayes_hr.data.fetch import cache_dir, is_offline
from bayes_hr.data.parsed import parsed_path
from bayes_hr.data.sources import PUBLIC_BASE, SOURCES
from bayes_hr.data.worlds import World, ratification
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.estimands.truth import truth_table
from bayes_hr.fitting import resolved_card, run
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build


def pytest_configure() -> None:
    """One BLAS thread in each worker, and in the processes that tests start.

    Two workers keep two cores busy. A second BLAS thread then waits for a core while the first spins:
    OpenBLAS took 8 ms for a triangular solve of six unknowns that takes 3 microseconds, thousands of times.
    """
    importlib.import_module("scipy.linalg")  # its BLAS too must be there to be limited
    threadpool_limits(1)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@cache
def real_data_problem() -> str | None:
    """Why tests with real data cannot run: no mirror, no filled cache and no network; None if they can."""
    if os.environ.get("BAYES_HR_MIRROR"):
        return None
    raw = cache_dir() / "raw"
    if all((raw / s.repo_path).is_file() or parsed_path(s).is_file() for s in SOURCES.values()):
        return None
    if is_offline():
        return "no BAYES_HR_MIRROR, no filled cache, and BAYES_HR_OFFLINE is set"
    url = PUBLIC_BASE + SOURCES["untreaties_cat"].repo_path
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=5):
            return None
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        return f"no BAYES_HR_MIRROR, no filled cache, and no network ({error})"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Only tests marked `real_data` may skip, and only where the data cannot be had."""
    if item.get_closest_marker("real_data") and (problem := real_data_problem()):
        pytest.skip(problem)


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """With a mirror, a cache of this session's own: each raw file is parsed once and nothing is left."""
    with pytest.MonkeyPatch.context() as patch:
        mirror = os.environ.get("BAYES_HR_MIRROR")
        if mirror:
            if "://" not in mirror:
                patch.setenv("BAYES_HR_MIRROR", str(Path(mirror).absolute()))
            patch.setenv("BAYES_HR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass
class LoopbackServer:
    """A web server on the loopback: `files` maps a path to its bytes, `status` to an error to answer with."""

    base: str
    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A running :class:`LoopbackServer`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    state = LoopbackServer("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urllib.parse.unquote(self.path).lstrip("/")
            state.requests.append(path)
            body = state.files.get(path)
            if body is None or path in state.status:
                self.send_error(state.status.get(path, 404))
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if path in state.cut else body)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base = f"http://127.0.0.1:{httpd.server_port}/"
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def short_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report in no time, of any question; the pages themselves have their own tests."""
    monkeypatch.setattr(Fit, "report", lambda fit, path: path.write_text("page") and path)


@pytest.fixture(name="run")
def run_command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; gives exit code, standard output and standard error, and holds what is true of all."""

    def call(*argv: str | Path) -> tuple[int, str, str]:
        code = main([str(a) for a in argv])
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err, "no colours in a pipe"
        assert "Warning" not in err
        return code, out, err

    return call


@pytest.fixture(scope="session")
def small_world() -> World:
    """A small simulated world: 30 countries, 1990-2004, effect in transition only."""
    return ratification("transition_only", n_countries=30, years=(1990, 2004), seed=3)


@pytest.fixture(scope="session")
def small_engine() -> NutsEngine:
    """An engine that keeps the compiled model of :func:`small_fit` for other data of its shape."""
    return NutsEngine()


@pytest.fixture(scope="session")
def small_fit(small_world: World, small_engine: NutsEngine) -> Fit:
    """The demo card fitted to the small world: the one compilation that many tests share."""
    card = resolved_card(load_card("demo_ratification"), engine="nuts", draws=300, tune=300, chains=4)
    panel = simulated_panel(small_world)
    result = run(card, panel, build(card, panel), engine=small_engine)
    return Fit(result, truth=truth_table(small_world.truth))
