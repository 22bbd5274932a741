import json
import logging
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


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give each test a data directory, and put the logging it changes back."""
    for name in ("LIMEN_ENVIRONMENT", "LIMEN_DATABASE_URL", "LIMEN_PORT", "LIMEN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIMEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
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


@pytest.fixture
def installation(limen: Limen) -> Limen:
    """A migrated installation to run commands in."""
    assert limen("migrate").status == 0
    return limen
