from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from limen.kernel import tokens
from limen.kernel.secret import Secret
from limen.signin.continue_url import is_local_path
from tests.unit.hostile import FEW, TEXTS, near

HONEST = tokens.mint("lmc", "acmeacme22").reveal()


@FEW
@given(TEXTS | near(HONEST))
def test_any_text_is_a_token_of_one_form_or_none(text: str) -> None:
    found = tokens.read(Secret(text), kind="lmc")
    if found is not None:
        assert text.startswith(f"lmc_{found.tenant_id}_")
        assert text.isascii()
        assert text.isprintable()
    assert len(tokens.token_hash(Secret(text))) == 32


@FEW
@given(st.from_regex(r"[a-z2-7]{10}", fullmatch=True))
def test_what_is_minted_is_read_as_its_own_kind_alone(tenant_id: str) -> None:
    raw = tokens.mint("lmc", tenant_id)
    found = tokens.read(raw, kind="lmc")
    assert found is not None
    assert found.tenant_id == tenant_id
    assert tokens.read(raw, kind="lmr") is None
    assert tokens.read(Secret(raw.reveal() + "\n"), kind="lmc") is None


@FEW
@given(TEXTS | near("/account?x=1#y", "//mallory.example", "/\\mallory.example", "/a/../b"))
def test_a_path_that_is_local_stays_here(path: str) -> None:
    if is_local_path(path):
        assert urlsplit(urljoin("https://id.example/x", path)).netloc == "id.example"
        assert path.isprintable()
