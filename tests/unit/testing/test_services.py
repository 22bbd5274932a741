from __future__ import annotations

import socket
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import asyncpg
import pytest
import valkey.asyncio

from limen.testing.node import node_path, npm_path
from limen.testing.postgres import postgres
from limen.testing.processes import Launch, answers, free_port, running, start
from limen.testing.smtp import smtp_server
from limen.testing.valkey import valkey as valkey_server


async def value_in(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT value FROM kept"))
    finally:
        await connection.close()


async def test_postgresql_keeps_what_was_committed_when_it_is_killed() -> None:
    with postgres(durable=True) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        await connection.close()
        server.kill()
        assert not answers(server.port)
        server.start()
        assert await value_in(server.url()) == 7


def test_postgresql_leaves_nothing_behind() -> None:
    with postgres() as server:
        folder = server._folder
        port = server.port
        assert folder.exists()
    assert not folder.exists()
    assert not answers(port)


async def test_valkey_answers_and_forgets() -> None:
    with valkey_server() as server:
        client = valkey.asyncio.Valkey.from_url(server.url)
        await client.set("name", "kept")
        assert await client.get("name") == b"kept"
        await client.aclose()
        server.stop()
        server.start()
        client = valkey.asyncio.Valkey.from_url(server.url)
        assert await client.get("name") is None
        await client.aclose()


def letter(to: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "limen@example.com", to, "Hello"
    message.set_content(text)
    return message


async def test_the_mail_trap_keeps_what_it_is_sent() -> None:
    async with smtp_server() as trap:
        for to in ("ada@example.com", "bob@example.com"):
            await aiosmtplib.send(letter(to, f"for {to}"), hostname="127.0.0.1", port=trap.port)
        kept = await trap.wait_for("bob@example.com")
        assert kept.get_content() == "for bob@example.com\n"
        assert len(trap.sent_to("ada@example.com")) == 1


async def test_the_mail_trap_refuses_when_told() -> None:
    async with smtp_server() as trap:
        trap.refusal = "451 later"
        with pytest.raises(aiosmtplib.SMTPDataError):
            await aiosmtplib.send(
                letter("a@example.com", "x"), hostname="127.0.0.1", port=trap.port
            )
        assert trap.messages == []


async def test_a_message_that_never_comes_is_said() -> None:
    async with smtp_server() as trap:
        with pytest.raises(TimeoutError):
            await trap.wait_for("nobody@example.com", within_seconds=0.05)


def test_node_and_npm_run() -> None:
    said = subprocess.run([node_path(), npm_path(), "--version"], capture_output=True, check=True)
    assert said.stdout


def test_a_process_that_dies_says_why(tmp_path: Path) -> None:
    dying = Launch(
        command=[sys.executable, "-c", "raise SystemExit('no such luck')"],
        log=tmp_path / "log",
        ready=lambda: False,
    )
    with pytest.raises(RuntimeError, match="no such luck"):
        start(dying)


def test_a_process_that_ignores_the_request_to_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limen.testing.processes.STOP_SECONDS", 0.2)
    port = free_port()
    program = (
        "import signal, socket; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"s = socket.create_server(('127.0.0.1', {port})); signal.pause()"
    )
    stubborn = Launch(
        command=[sys.executable, "-c", program], log=tmp_path / "log", ready=lambda: answers(port)
    )
    with running(stubborn) as process:
        pass
    assert process.returncode == -9


def test_no_test_reaches_beyond_this_machine() -> None:
    with socket.socket() as probe, pytest.raises(AssertionError, match="reaches out"):
        probe.connect(("192.0.2.1", 25))
