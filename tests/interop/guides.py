"""Run the examples of ``docs/guides`` as they stand, and be the person they ask for."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from limen.testing.node import node_path
from limen.testing.visitor import Page, Visitor
from tests import warm
from tests.architecture.source import ROOT
from tests.interop.conftest import Installation

FOLDER: Final = ROOT / "docs" / "guides"
PAGES: Final = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
_SECONDS: Final = 120.0
_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"^(?:#|//) ([\w.-]+):")
_PROGRAMS: Final = {"bash", "python", "javascript"}
_ACCOUNT: Final = re.compile(r'id="(account-[^"]+)"')
_OPEN: Final = re.compile(r"Open: (\S+)(?: and type (\S+))?")


class Failed(AssertionError):
    """An example did not do what its page says."""


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of a page's blocks that run."""
    text = (FOLDER / f"{page}.md").read_text(encoding="utf-8")
    return [(kind, code) for kind, code in _BLOCK.findall(text) if kind in _PROGRAMS]


class Reader:
    """Somebody who follows a page in a folder of their own; their ``limen`` is a warm one.

    Args:
        installation: The server the page is followed at.
        folder: Where the files go that the page makes.
    """

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._site = installation
        self._folder = folder
        (folder / "node_modules").symlink_to(Path(__file__).parent / "node" / "node_modules")
        (folder / "bin").mkdir()
        warm.command(folder / "bin")
        programs = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        self._environment = {
            **installation.server.environment,
            "PATH": os.pathsep.join(programs),
            "ISSUER": installation.issuer,
            "EMAIL": installation.person["email"],
            "PASSWORD": installation.person["password"],
            "NODE_NO_WARNINGS": "1",
        }

    def follow(self, page: str) -> None:
        """Run a page: what is for the shell in one shell, then every program, all at once.

        Raises:
            Failed: If one ends with an error.
        """
        found = [*blocks("README"), *blocks(page)]
        for _, code in found:
            named = _FILE.match(code)
            if named:
                (self._folder / named[1]).write_text(code)
        shell = "\n".join(code for kind, code in found if kind == "bash")
        self._run(["bash", "-euo", "pipefail"], "example.sh", shell)
        programs = [
            ([sys.executable], f"example{number}.py", code)
            if kind == "python"
            else ([str(node_path())], f"example{number}.mjs", code)
            for number, (kind, code) in enumerate(found)
            if kind != "bash" and not _FILE.match(code)
        ]
        with ThreadPoolExecutor() as readers:
            for done in [readers.submit(self._run, *program) for program in programs]:
                done.result()

    def _run(self, command: list[str], name: str, code: str) -> None:
        (self._folder / name).write_text(code)
        told: list[str] = []
        with subprocess.Popen(
            [*command, name],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            # A program that waits for what never comes ends here with all that it started, and
            # the page fails.
            deadline = threading.Timer(_SECONDS, os.killpg, (running.pid, signal.SIGKILL))
            deadline.daemon = True
            deadline.start()
            for line in running.stdout:
                told.append(line)
                asked = _OPEN.search(line)
                if asked:
                    running.stdin.write(asyncio.run(self._visit(asked[1], asked[2] or "")) + "\n")
                    running.stdin.flush()
        deadline.cancel()
        if running.returncode:
            raise Failed(f"{name} ended with {running.returncode}:\n{''.join(told)[-3000:]}")

    async def _visit(self, url: str, user_code: str) -> str:
        """Do what a person does; return the address their browser ends at."""
        async with Visitor(self._site.issuer) as visitor:
            if "/account/connect" in url:
                page = await visitor.sign_in(**self._site.person, at=await visitor.open(url))
                page = await _at_provider(visitor, await visitor.press(page, "connect-continue"))
                return (await visitor.press(page, "confirm-connect")).url
            if "/account/share" in url:
                page = await visitor.sign_in(**self._site.person, at=await visitor.open(url))
                return (await visitor.press(page, "share-allow")).url
            if "/auth/oauth2/" in url:
                page = await _at_provider(visitor, await visitor.open(url))
            else:
                page = await visitor.authorize(url, **self._site.person)
            if user_code:
                page = await visitor.press(page, "user-code-submit", {"user-code": user_code})
                page = await visitor.press(page, "consent-allow")
            elif page.status:
                raise Failed(f"{page.url} ({page.status}): {page.text[:1500]}")
            return page.url


async def _at_provider(visitor: Visitor, page: Page) -> Page:
    """Choose the first account at a simulated provider, and allow what is asked."""
    for _ in range(3):
        account = _ACCOUNT.search(page.text)
        if account:
            page = await visitor.press(page, account[1])
        elif page.has("allow"):
            page = await visitor.press(page, "allow")
    return page
