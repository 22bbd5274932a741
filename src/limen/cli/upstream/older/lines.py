"""Rows of the six tables as lines of an import, and what of them is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from limen.cli.upstream.older.columns import (
    moment_of,
    says_ended,
    says_no,
    text_of,
    value_of,
    words_of,
)
from limen.cli.upstream.older.consents import Offered, feature_of
from limen.cli.upstream.older.read import Older, Row
from limen.kernel.errors import Refusal

if TYPE_CHECKING:
    from limen.cli.upstream.older.unseal import Unsealer
    from limen.vault.moving.line import ConnectionLine

_INTEGRATIONS: Final = "oauth_integrations"
_TOKENS: Final = "oauth_tokens"
_WHY: Final[Mapping[str, str]] = {
    "oauth_state": "journeys under way end where they were begun",
    "oauth_audit_log": "our log is sealed against additions; keep theirs beside it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that is not taken over.

    Args:
        rows: How many.
        row: The id of its integration, where it is one row.
    """

    table: str
    reason: str
    rows: int = 1
    row: str = ""

    def to_json(self) -> dict[str, object]:
        """Return it as a line says it."""
        return {
            "table": self.table,
            "integration": self.row or None,
            "rows": self.rows,
            "reason": self.reason,
        }


@dataclass(slots=True, kw_only=True)
class Rows:
    """The tables, by integration.

    Args:
        offered: Features by provider.
        renamed: Providers that have another name here.
        any_account: Not to say which account it is: the provider does.
    """

    older: Older
    unsealer: Unsealer
    offered: Mapping[str, Offered]
    renamed: Mapping[str, str] = field(default_factory=dict)
    any_account: bool = False
    left: list[Left] = field(default_factory=list)

    def provider_of(self, integration: Row) -> str:
        """Return what an integration's provider is called here."""
        name = text_of(_INTEGRATIONS, integration, "provider").strip().lower()
        return self.renamed.get(name, name)

    def lines(self) -> Iterator[tuple[str, ConnectionLine | Refusal]]:
        """Yield each integration's id with its line, or why it has none; fills ``left``."""
        tokens = self._newest_tokens()
        scopes, consents = self._by_integration("oauth_scopes"), self._consents()
        for integration in self.older.rows[_INTEGRATIONS]:
            row_id = text_of(_INTEGRATIONS, integration, "id")
            token = tokens.pop(row_id, None)
            if says_no(value_of(_INTEGRATIONS, integration, "status")):
                self._leave(_INTEGRATIONS, "it had ended there", row=row_id)
            elif token is None:
                self._leave(_INTEGRATIONS, "there is no live token of it", row=row_id)
            else:
                features = tuple(dict.fromkeys(consents.get(row_id, ())))
                granted = _scopes(token, scopes.get(row_id, ()))
                more = {"scopes": granted, "features": features}
                yield row_id, self._line(integration, token, more)
        for row_id in tokens:
            self._leave(_TOKENS, "its integration is not there", row=row_id)
        for table, count in self.older.counts.items():
            if count:
                self.left.append(Left(table=table, reason=_WHY[table], rows=count))

    def _line(
        self, integration: Row, token: Row, more: Mapping[str, Any]
    ) -> ConnectionLine | Refusal:
        from limen.vault.moving.line import checked_line  # noqa: PLC0415 -- loaded when it runs

        person = text_of(_INTEGRATIONS, integration, "user")
        subject = text_of(_INTEGRATIONS, integration, "subject")
        try:
            members: dict[str, Any] = {
                "provider": self.provider_of(integration),
                "user": self.older.addresses.get(person, person),
                "subject": "" if self.any_account else subject,
                "account": text_of(_INTEGRATIONS, integration, "account")[:200],
                "access_token": self._opened(token, "access_token"),
                "refresh_token": self._opened(token, "refresh_token"),
                "expires_at": moment_of(_TOKENS, token, "expires_at"),
                "connected_at": moment_of(_INTEGRATIONS, integration, "connected_at"),
                **more,
            }
            return checked_line(members)
        except Refusal as refusal:
            return refusal

    def _opened(self, token: Row, meaning: str) -> str | None:
        return self.unsealer.open(text_of(_TOKENS, token, meaning)) or None

    def _newest_tokens(self) -> dict[str, Row]:
        """Return each integration's newest live token: older ones are spent, or will be."""
        newest: dict[str, Row] = {}
        for row in self.older.rows[_TOKENS]:
            key = text_of(_TOKENS, row, "integration")
            if says_ended(value_of(_TOKENS, row, "ended")):
                self._leave(_TOKENS, "it was revoked there", row=key)
                continue
            known = newest.get(key)
            if known is not None:
                self._leave(_TOKENS, "there is a newer one", row=key)
            if known is None or _age(row) >= _age(known):
                newest[key] = row
        return newest

    def _consents(self) -> dict[str, list[str]]:
        providers = {
            text_of(_INTEGRATIONS, row, "id"): self.provider_of(row)
            for row in self.older.rows[_INTEGRATIONS]
        }
        found: dict[str, list[str]] = defaultdict(list)
        for key, rows in self._by_integration("oauth_consents").items():
            for row in rows:
                name, why = feature_of(row, self.offered.get(providers.get(key, "")))
                if name:
                    found[key].append(name)
                else:
                    self._leave("oauth_consents", why, row=key)
        return found

    def _by_integration(self, table: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.older.rows.get(table, ()):
            found[text_of(table, row, "integration")].append(row)
        return found

    def _leave(self, table: str, reason: str, *, row: str) -> None:
        self.left.append(Left(table=table, reason=reason, row=row))


def _age(token: Row) -> float:
    moment = moment_of(_TOKENS, token, "issued_at")
    return 0.0 if moment is None else moment.timestamp()


def _scopes(token: Row, rows: Iterator[Row] | list[Row] | tuple[Row, ...]) -> tuple[str, ...]:
    """Return the scopes of a token's row, or else those that have rows of their own."""
    own = words_of(_TOKENS, token, "scopes")
    if own:
        return own
    return tuple(
        dict.fromkeys(
            text_of("oauth_scopes", row, "scope")
            for row in rows
            if not says_no(value_of("oauth_scopes", row, "granted"))
        )
    )
