"""What stands where in a vendor's answers: tokens, ID tokens, documents about the account."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from limen.kernel.clock import to_timestamp
from limen.simulators import wire
from limen.simulators.misbehave import lied
from limen.simulators.state import Account, Client, State, Token
from limen.simulators.vendor.shape import Shape


class Answers:
    """Write a vendor's answers as its entry says they are read."""

    def __init__(self, shape: Shape) -> None:
        self._entry, self._habits, self._stage = shape.entry, shape.habits, shape.stage

    def canonical(self, scopes: Iterable[str]) -> list[str]:
        """Return scopes under the names that answers use, each once."""
        aliases = self._entry.scope_aliases
        return list(dict.fromkeys(aliases.get(scope, scope) for scope in scopes if scope))

    def tokens(  # noqa: PLR0913 -- what a token response is made of
        self,
        state: State,
        client: Client,
        token: Token,
        *,
        raw_access: str,
        raw_refresh: str | None,
        is_refresh: bool,
        seconds: int | None,
        nonce: str = "",
    ) -> dict[str, Any]:
        """Return a token response.

        Args:
            state: The vendor's.
            client: Who asked.
            token: The access token.
            raw_access: In clear.
            raw_refresh: ``None`` where none is given.
            is_refresh: At some vendors answers to a refresh have another shape.
            seconds: Of life; ``None`` says nothing.
            nonce: For the ID token.
        """
        response, account = self._entry.response, state.accounts[token.sub]
        which = -1 if is_refresh else 0
        told: dict[str, Any] = {}
        if not is_refresh or self._names_in_answers():
            self._lift(told, account)
            self._name(told, account, source="token_response")
        echoed = [s for s in token.scopes if s not in self._entry.unechoed_scopes]
        put(told, response.access[which], raw_access)
        put(told, "/token_type", response.token_types[0])
        if raw_refresh is not None:
            put(told, response.refresh[which], raw_refresh)
        if seconds is not None:
            put(told, response.expires_in[which], seconds)
        if response.scope and self._entry.operations.authorize.scope_separator:
            put(told, response.scope[which], response.scope_separator.join(echoed))
        for pointer, value in self._habits.token_members(account, client).items():
            put(told, pointer, value)
        if self._entry.jwks_uri and "openid" in token.scopes:
            told["id_token"] = self._id_token(state, client, account, nonce=nonce)
        return lied(told, state.lies.token_response)

    def document(self, state: State, name: str, token: Token) -> Any:
        """Return a document about the account of a token."""
        rule, account = self._entry.identity, state.accounts[token.sub]
        if rule.listed is not None and rule.listed.document == name:
            row: dict[str, Any] = {}
            put(row, rule.listed.address, account.email)
            put(row, rule.listed.primary, value=True)
            put(row, rule.listed.verified, account.email_verified)
            return [row]
        told: dict[str, Any] = {}
        self._name(told, account, source=name)
        written = self._habits.documents.get(name)
        if written is not None:
            for pointer, value in written(account, state.clients[token.client_id]).items():
                put(told, pointer, value)
        return lied(told, state.lies.userinfo)

    def _names_in_answers(self) -> bool:
        """Whether the account is named in every answer, or where it is found (Salesforce)."""
        documents = self._entry.documents.values()
        by_answer = self._entry.identity.source == "token_response"
        return by_answer or any(each.url_pointer for each in documents)

    def _lift(self, told: dict[str, Any], account: Account) -> None:
        """Put what a connection keeps of a token response, and where documents are found."""
        for name, pointer in self._entry.response.lift.items():
            is_url = name.endswith("url")
            put(told, pointer, self._stage.base_url if is_url else f"{name}-{account.sub}")
        for name, document in self._entry.documents.items():
            if document.url_pointer:
                put(told, document.url_pointer, f"{self._stage.base_url}/_document/{name}")

    def _name(self, told: dict[str, Any], account: Account, *, source: str) -> None:
        """Put what names the account where the entry looks for it."""
        if self._entry.identity.source == "id_token" and source == "userinfo":
            put(told, "/sub", account.sub)
        elif self._entry.identity.source != source:
            return
        for pointer, value in {**self._said(account), **account.members}.items():
            put(told, pointer, value)

    def _said(self, account: Account) -> dict[str, Any]:
        rule = self._entry.identity
        parts = account.sub.split(":") if len(rule.subject) > 1 else [account.sub]
        said: dict[str, Any] = dict.fromkeys((*rule.label, *rule.name), account.name)
        for pointer, part in zip(rule.subject, parts, strict=True):
            said[pointer] = int(part) if self._habits.numeric_subject else part
        if rule.email:
            said[rule.email] = account.email
        if rule.email and rule.email_verified in {"claim", "claim_or_text"}:
            said[rule.email_verified_at] = account.email_verified
        if rule.picture:
            said[rule.picture] = f"{self._stage.base_url}/_picture/{parts[-1]}"
        return said

    def _id_token(self, state: State, client: Client, account: Account, *, nonce: str) -> str:
        now = to_timestamp(self._stage.now(state))
        claims: dict[str, Any] = {
            "iss": f"{self._stage.base_url}{self._habits.issuer(account)}",
            "aud": client.client_id,
            "sub": account.sub,
            "email": account.email,
            "email_verified": account.email_verified,
            "name": account.name,
            "iat": now,
            "exp": now + 3600,
            **self._habits.claims(account, client),
            **({"nonce": nonce} if nonce else {}),
        }
        for pointer, value in account.members.items():
            put(claims, pointer, value)
        claims = lied(claims, state.lies.id_token)
        if state.lies.id_token_unsigned:
            return wire.unsigned(claims)
        return wire.sign_rs256(state, claims)


def put(document: dict[str, Any], pointer: str, value: object) -> None:
    """Write a value where a JSON pointer names it, making what is on the way."""
    steps = pointer.split("/")[1:]
    place: Any = document
    for step, following in itertools.pairwise(steps):
        made: Any = [] if following.isdecimal() else {}
        place = _at(place, step, made)
    _at(place, steps[-1], value, anew=True)


def _at(place: Any, step: str, made: object, *, anew: bool = False) -> Any:
    """Return what stands at one step, put there if nothing does."""
    if isinstance(place, list):
        place.extend({} for _ in range(len(place), int(step) + 1))
        if anew:
            place[int(step)] = made
        return place[int(step)]
    if anew or step not in place:
        place[step] = made
    return place[step]
