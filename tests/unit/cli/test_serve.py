"""The server as a process: how it starts, stops, and outlives its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.testing.processes import Launch, free_port, running
from tests.patience import until_now


def environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
    return kept | {
        "LIMEN_DATA_DIR": str(folder / "data"),
        "LIMEN_ENVIRONMENT": "development",
        "LIMEN_PORT": str(port),
        "LIMEN_METRICS_WHERE": "off",
        **more,
    }


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def serving(folder: Path, port: int, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    launch = Launch(
        command=[sys.executable, "-m", "limen", "serve"],
        log=folder / "log",
        ready=lambda: is_ready(port),
        cwd=folder,
        env=environment(folder, port, **more),
    )
    with running(launch) as process:
        yield process


def workers_of(parent: int) -> set[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return {int(pid) for pid in listed.split()}


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False


def test_n254_what_was_accepted_is_answered_and_the_exit_is_clean(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        said = (tmp_path / "log").read_text()
        assert said.count("shown once") == 1
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(
                b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
            )
            # The loop has the request in hand once it answered another one.
            until_now(lambda: is_ready(port))
            process.send_signal(signal.SIGTERM)
            until_now(lambda: not is_ready(port))
            process.send_signal(signal.SIGTERM)  # a second one hurries nobody
            assert process.poll() is None
            slow.sendall(b"client_credentials")
            slow.settimeout(10)
            answer = slow.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401")
        assert process.wait(30) == 0


def test_a_second_start_shows_no_password(tmp_path: Path) -> None:
    for _ in range(2):
        port = free_port()
        with serving(tmp_path, port):
            pass
    assert (tmp_path / "log").read_text().count("shown once") == 1


def test_n254_workers_are_replaced_when_they_die_and_end_with_their_supervisor(
    tmp_path: Path,
) -> None:
    port = free_port()
    with serving(tmp_path, port, LIMEN_WORKERS="2") as process:
        until_now(lambda: len(workers_of(process.pid)) == 2)
        first = workers_of(process.pid)
        os.kill(min(first), signal.SIGKILL)
        until_now(lambda: len(workers_of(process.pid) - {min(first)}) == 2)
        crew = workers_of(process.pid)
        until_now(lambda: is_ready(port))
        process.kill()
        process.wait()
        until_now(lambda: not any(map(is_alive, crew)))
        assert not is_ready(port)


def test_n254_a_stopped_supervisor_exits_cleanly(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port, LIMEN_WORKERS="2") as process:
        until_now(lambda: len(workers_of(process.pid)) == 2)
        crew = workers_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not any(map(is_alive, crew))


@pytest.mark.parametrize("where", ["port", "path"])
def test_metrics_are_where_the_operator_wants_them(tmp_path: Path, where: str) -> None:
    port, metrics = free_port(), free_port()
    more = {"LIMEN_METRICS_WHERE": where, "LIMEN_METRICS_PORT": str(metrics)}
    ports = {"port": (metrics, port), "path": (port, metrics)}
    here, elsewhere = ports[where]
    with serving(tmp_path, port, **more):
        with urllib.request.urlopen(f"http://localhost:{here}/metrics") as answer:
            assert b'limen_responses_total{method="GET",route="/readyz"' in answer.read()
        with pytest.raises(OSError, match=r"404|refused"):
            urllib.request.urlopen(f"http://localhost:{elsewhere}/metrics")


def run_to_end(folder: Path, port: int, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "limen", "serve"],
        env=environment(folder, port, **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_to_end(tmp_path, port)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"Port {port} of 127.0.0.1" in ended.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_production_does_not_migrate_by_itself(tmp_path: Path, workers: str) -> None:
    ended = run_to_end(tmp_path, free_port(), LIMEN_ENVIRONMENT="production", LIMEN_WORKERS=workers)
    assert ended.returncode != 0
    assert "run `limen migrate`" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_the_tour_is_taken_on_a_server_of_its_own(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "limen", "demo", "--own", "--json"],
        env=environment(tmp_path, free_port()),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    steps = json.loads(ended.stdout)["steps"]
    assert len(steps) == 11
    assert steps[-1]["got"]["at_the_provider"] == "the token is refused"


def test_commands_come_up_from_nothing(tmp_path: Path) -> None:
    """The installed program, by itself: tests elsewhere fork what has imported all it needs."""
    made = environment(tmp_path, free_port())
    user = ("user", "create", "ada@example.com", "--password-stdin", "--json")
    client = ("client", "create", "robot", "--type", "machine", "--scope", "load", "--json")
    for arguments, told in ((("migrate",), ""), (user, "user_id"), (client, "client_secret")):
        ended = subprocess.run(
            [Path(sys.executable).parent / "limen", *arguments],
            env=made,
            cwd=tmp_path,
            input="violet tractor hums at dawn",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert told in ended.stdout


def test_n254_a_worker_shows_what_it_counts_and_ends_cleanly(tmp_path: Path) -> None:
    metrics = free_port()
    more = {"LIMEN_METRICS_WHERE": "port", "LIMEN_METRICS_PORT": str(metrics)}
    made = environment(tmp_path, free_port(), **more)
    subprocess.run(
        [sys.executable, "-m", "limen", "migrate"],
        env=made,
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    log = tmp_path / "log"
    launch = Launch(
        command=[sys.executable, "-m", "limen", "worker"],
        log=log,
        ready=lambda: "working" in log.read_text(),
        cwd=tmp_path,
        env=made,
    )
    with running(launch) as process:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
            assert b"limen_audit_sealed_total" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "Traceback" not in log.read_text()
