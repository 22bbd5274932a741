"""Newman runs the Postman collection: every answer is one that the document names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from limen.testing.node import node_path
from tests.architecture.source import ROOT
from tests.interop.conftest import OWNER, Installation
from tests.interop.node_scripts import FOLDER
from tests.servers import PASSWORD

COLLECTION = ROOT / "docs/limen.postman_collection.json"
NEWMAN = FOLDER / "node_modules/newman/bin/newman.js"


def test_every_answer_is_one_that_the_document_names(
    installation: Installation, tmp_path: Path
) -> None:
    installation.server.create_user(OWNER, "--role", "owner")
    report = tmp_path / "report.json"
    known = {"baseUrl": installation.issuer, "email": OWNER, "password": PASSWORD}
    told = [word for name, value in known.items() for word in ("--env-var", f"{name}={value}")]
    command = [str(node_path()), str(NEWMAN), "run", str(COLLECTION), *told]
    done = subprocess.run(
        [*command, "--reporters", "json", "--reporter-json-export", str(report)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    run = json.loads(report.read_text("utf-8"))["run"]
    failed = [
        f"{one['source']['name']}: {one['error']['test']}: {one['error']['message']}"
        for one in run["failures"]
    ]
    assert failed == [], "\n".join(failed)
    assert done.returncode == 0, done.stderr
    assert run["stats"]["requests"]["total"] == _requests(json.loads(COLLECTION.read_text("utf-8")))
    assert run["stats"]["assertions"]["total"] >= 2 * run["stats"]["requests"]["total"]


def _requests(folder: dict[str, list[dict[str, list[object]]]]) -> int:
    return sum(len(each["item"]) for each in folder["item"])
