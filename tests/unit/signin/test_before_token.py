from __future__ import annotations

from typing import Any

import pytest

from limen.hooks.model import HookAnswer, Question
from limen.protocol.jwt import peek
from tests.house import PASSWORD
from tests.unit.mfa.kit import enrolled
from tests.unit.signin.kit import WayIn

pytestmark = pytest.mark.anyio
ADA = "ada@example.org"
NO = HookAnswer(allow=False, reason="Not today.")


class Gate:
    """A hook of the host's: keeps what it was asked, answers what it was told to."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.answer: HookAnswer | None = HookAnswer(claims={"plan": "pro", "sub": "somebody"})

    async def __call__(self, question: Question) -> HookAnswer | None:
        self.asked.append(question)
        if self.answer is None:
            raise RuntimeError
        return self.answer


@pytest.fixture
def gate(way: WayIn) -> Gate:
    made = Gate()
    way.hooks = {"before_token": (made,)}
    return made


def plan_in(pair: dict[str, Any]) -> Any:
    return peek(pair["access_token"]).claims.get("plan")


async def test_a_sign_in_is_asked_about_and_gets_claims(way: WayIn, gate: Gate) -> None:
    user = await way.house.user(ADA)
    pair = (await way.login(ADA, PASSWORD)).json()
    claims = peek(pair["access_token"]).claims
    assert (claims["plan"], claims["sub"]) == ("pro", user.id)
    assert gate.asked == [
        {
            "point": "before_token",
            "tenant": way.tenant.slug,
            "client_id": "limen-first-party",
            "user_id": user.id,
            "resource": claims["aud"],
            "scope": claims["scope"].split(),
            "grant_type": "first_party",
        }
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [(NO, (403, "refused_by_hook")), (None, (503, "hook_unavailable"))],
    ids=["no", "silence"],
)
async def test_a_no_or_silence_leaves_no_session(
    way: WayIn, gate: Gate, answer: HookAnswer | None, told: tuple[int, str]
) -> None:
    await way.house.user(ADA)
    gate.answer = answer
    refused = await way.login(ADA, PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == told
    assert "access_token" not in refused.text
    [ended] = [event for event in way.heard if event.name == "account:session:ended"]
    assert getattr(ended, "reason", "") == "refused_by_hook"
    assert await way.count("grants") == 0


async def test_a_wrong_password_or_a_missing_step_is_asked_about_by_nobody(
    way: WayIn, gate: Gate
) -> None:
    person = await enrolled(way.house, ADA)
    assert (await way.login(ADA, "wrong " + PASSWORD)).status_code == 401
    said = (await way.login(ADA, PASSWORD)).json()
    body = {"challenge": said["challenge"], "code": "000000"}
    assert (await way.api("POST", "/mfa/verify", json=body)).status_code == 401
    assert gate.asked == []
    gate.answer = NO
    body["code"] = person.app.code()
    refused = await way.api("POST", "/mfa/verify", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "refused_by_hook")
    assert len(gate.asked) == 1
    assert await way.count("grants") == 0


async def test_the_last_step_is_asked_about(way: WayIn, gate: Gate) -> None:
    person = await enrolled(way.house, ADA)
    said = (await way.login(ADA, PASSWORD)).json()
    body = {"challenge": said["challenge"], "code": person.app.code()}
    answer = await way.api("POST", "/steps/second_factor", json=body)
    assert plan_in(answer.json()) == "pro"
    gate.answer = NO
    body = {"code": person.app.next_code()}
    token = answer.json()["access_token"]
    stepped = await way.api("POST", "/mfa/verify", json=body, token=token)
    assert (stepped.status_code, stepped.json()["code"]) == (403, "refused_by_hook")
    gate.answer = HookAnswer(claims={"plan": "max"})
    again = await way.api("POST", "/mfa/verify", json=body, token=token)
    assert plan_in(again.json()) == "max"  # the code was not spent


async def test_a_refresh_is_asked_about_and_a_no_spends_nothing(way: WayIn, gate: Gate) -> None:
    await way.house.user(ADA)
    pair = (await way.login(ADA, PASSWORD)).json()
    body = {"refresh_token": pair["refresh_token"]}
    gate.answer = NO
    refused = await way.api("POST", "/refresh", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "refused_by_hook")
    gate.answer = HookAnswer(claims={"plan": "basic"})
    gate.asked.clear()
    assert plan_in((await way.api("POST", "/refresh", json=body)).json()) == "basic"
    assert [question["grant_type"] for question in gate.asked] == ["refresh_token"]
    other = {"refresh_token": pair["refresh_token"] + "x"}
    assert (await way.api("POST", "/refresh", json=other)).status_code == 401
    assert len(gate.asked) == 1
