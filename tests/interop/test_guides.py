"""Every example of the guides, run as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import Installation
from tests.interop.guides import FOLDER, PAGES, Failed, Reader, blocks
from tests.servers import running

IN_THREE = {"bash", "python", "javascript"}
ELSEWHERE = {
    "import-connections": {"bash"},
    "mutual-tls": {"bash", "python"},
    "operators": {"bash"},
    "providers": {"bash", "python"},
}
"""Pages that are not about a flow of clients: what they show."""


OF_ITS_OWN = {"mcp", "providers"}
"""Pages that change what others build on: who may register, the client at Microsoft."""


@pytest.fixture
def site(
    page: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    if page in OF_ITS_OWN:
        with running(tmp_path_factory.mktemp("server")) as server:
            yield Installation(server)
    else:
        yield request.getfixturevalue("installation")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_as_it_stands(site: Installation, tmp_path: Path, page: str) -> None:
    Reader(site, tmp_path).follow(page)


@pytest.mark.parametrize("page", PAGES)
def test_a_flow_is_shown_in_every_language(page: str) -> None:
    assert {kind for kind, _ in blocks(page)} >= ELSEWHERE.get(page, IN_THREE)


def test_the_list_names_every_page() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"({page}.md)" not in text] == []


def test_an_example_that_fails_is_noticed(installation: Installation, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3"):
        Reader(installation, tmp_path)._run(["bash", "-e"], "example.sh", "exit 3")
