import contextlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from limen.cli.program import run
from limen.observe import logs


@dataclass
class Told:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


Limen = Callable[..., Told]
ENVIRONMENT = ("LIMEN_ENVIRONMENT", "LIMEN_DATABASE_URL", "LIMEN_PORT", "LIMEN_BASE_URL")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give each test a data directory, and put the logging it changes back."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIMEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    with logging_kept():
        yield


@contextlib.contextmanager
def logging_kept() -> Iterator[None]:
    before = (logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logs._SETUP.sink, logs._SETUP.level, logs._SETUP.as_text = before
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def limen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Limen:
    """Run a command in this process."""

    def command(*arguments: str, stdin: str = "") -> Told:
        import io  # noqa: PLC0415 -- for this alone

        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        status = run(list(arguments))
        told = capsys.readouterr()
        return Told(status, told.out, told.err)

    return command


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as ``limen migrate`` leaves it, to be copied."""
    folder = tmp_path_factory.mktemp("migrated") / "data"
    with pytest.MonkeyPatch.context() as patch, logging_kept():
        for name in ENVIRONMENT:
            patch.delenv(name, raising=False)
        patch.setenv("LIMEN_DATA_DIR", str(folder))
        assert run(["migrate"]) == 0
    return folder


@pytest.fixture
def installation(limen: Limen, migrated: Path, tmp_path: Path) -> Limen:
    """A migrated installation to run commands in; migrated here, where it is set up otherwise."""
    if {name for name in os.environ if name.startswith("LIMEN_")} == {"LIMEN_DATA_DIR"}:
        shutil.copytree(migrated, tmp_path / "data")
    else:
        assert limen("migrate").status == 0
    return limen
