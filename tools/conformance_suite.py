"""Print a configuration for the conformance suite of the OpenID Foundation.

It says what a person does in the browser, so that the suite's plans for OpenID providers run by
script. Which plans there are and what they ask of a tenant: ``docs/specs/openid.md``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

OURS: Final = (
    "authorization_grant_profiles_supported",
    "identity_chaining_requested_token_types_supported",
)
"""Members of discovery, from drafts, that the suite has no name for yet."""

REFUSED: Final = (
    "oidcc-ensure-redirect-uri-in-authorization-request",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-redirect-uri-query-added",
    "oidcc-redirect-uri-query-mismatch",
    "oidcc-response-type-missing",
)
"""Modules that want to see our error page, or an error at the client."""

LOOKED_AT: Final = (
    "oidcc-registration-logo-uri",
    "oidcc-registration-policy-uri",
    "oidcc-registration-tos-uri",
)
"""Modules that look at the sign-in page and go no further."""

ASKED: Final = tuple(
    f"oidcc-rp-initiated-logout-{name}"
    for name in (
        "bad-id-token-hint",
        "bad-post-logout-redirect-uri",
        "modified-id-token-hint",
        "no-id-token-hint",
        "query-added-to-post-logout-redirect-uri",
    )
)
"""Modules whose sign-out may not lead back: they want to see the question."""

SIGNED_OUT: Final = tuple(
    f"oidcc-rp-initiated-logout-{name}"
    for name in ("no-params", "no-post-logout-redirect-uri", "only-state")
)
"""Modules that want to see the page after a sign-out."""

Part = dict[str, Any]
SHOT: Final = "update-image-placeholder"
"""The suite keeps the page as the screenshot that a module asks for."""
_RECEIVED: Final = ["wait", "id", "submission_complete", 10]
"""On the suite's own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who visits, and where everything is.

    Args:
        issuer: Ours, without a slash at its end.
        suite: The suite's origin.
        alias: The plan's name in the suite's addresses.
        email: The person's.
        password: The person's.
    """

    issuer: str
    suite: str
    alias: str
    email: str
    password: str

    def configuration(self) -> Part:
        """Return everything but the clients."""
        authorize = self._authorize()
        by_module = [
            (REFUSED, [self._refused()]),
            (LOOKED_AT, [self._looked_at()]),
            (ASKED, [authorize, self._asked()]),
            (SIGNED_OUT, [authorize, self._signed_out()]),
        ]
        overrides = {name: visits for names, visits in by_module for name in names}
        return {
            "alias": self.alias,
            "description": "Limen",
            "server": {
                "discoveryUrl": f"{self.issuer}/.well-known/openid-configuration",
                "allow_unexpected_metadata_fields": list(OURS),
            },
            "client": {"client_name": "suite one"},
            "client2": {"client_name": "suite two"},
            "browser": [authorize, self._logout()],
            "override": {name: {"browser": visits} for name, visits in overrides.items()},
        }

    def _authorize(self) -> Part:
        fill_in = [
            *self._sees("sign-in-submit", "Sign in", f"{SHOT}-optional"),
            ["text", "id", "email", self.email],
            ["text", "id", "password", self.password],
            ["click", "id", "sign-in-submit"],
        ]
        # In `form_post` our page is still there for a moment.
        arrive = {"task": "Arrive", "commands": [self._comes_to("callback"), _RECEIVED]}
        return self._at(
            "/oauth2/authorize",
            self._task("Sign in", "/sign-in", fill_in, optional=True),
            self._task("Allow", "/consent", [["click", "id", "consent-allow"]], optional=True),
            arrive,
        )

    def _refused(self) -> Part:
        path = "/oauth2/authorize"
        seen = self._sees("error-page", "Error code", SHOT)
        # By its origin: the callback's address is also part of the authorization request's.
        match = f"{self._alias_at}/callback*"
        arrive = {"task": "Arrive", "match": match, "optional": True, "commands": [_RECEIVED]}
        return self._at(path, self._task("See the error", path, seen, optional=True), arrive)

    def _looked_at(self) -> Part:
        seen = self._sees("sign-in-submit", "Sign in", SHOT)
        return self._at("/oauth2/authorize", self._task("Look", "/sign-in", seen))

    def _logout(self) -> Part:
        path = "/oauth2/logout"
        said = [["click", "id", "logout-yes"], self._comes_to("post_logout_redirect")]
        return self._at(path, self._task("Sign out", path, said))

    def _asked(self) -> Part:
        seen = self._sees("logout-yes", "Sign out", SHOT)
        return self._at("/oauth2/logout", self._task("Look", "/oauth2/logout", seen))

    def _signed_out(self) -> Part:
        path = "/oauth2/logout"
        seen = self._sees("logged-out", "signed out", SHOT)
        return self._at(path, self._task("Sign out", path, [["click", "id", "logout-yes"], *seen]))

    def _at(self, path: str, *tasks: Part) -> Part:
        return {"match": f"{self.issuer}{path}*", "tasks": list(tasks)}

    def _task(
        self, name: str, path: str, commands: list[list[Any]], *, optional: bool = False
    ) -> Part:
        match = f"{self.issuer}{path}*"
        return {"task": name, "match": match, "optional": optional, "commands": commands}

    def _comes_to(self, path: str) -> list[Any]:
        return ["wait", "match", f"^{re.escape(self._alias_at)}/{path}", 10]

    @property
    def _alias_at(self) -> str:
        return f"{self.suite}/test/a/{self.alias}"

    @staticmethod
    def _sees(element: str, text: str, action: str) -> list[list[Any]]:
        return [["wait", "id", element, 10, text, action]]


def with_clients(configuration: Part, clients: Sequence[str]) -> Part:
    """Name the clients that were registered by hand.

    Args:
        configuration: Of ``Visit``.
        clients: ``id:secret`` of two for ``client_secret_basic`` and of one for
            ``client_secret_post``; none where the suite registers its own.
    """
    slots = ("client", "client2", "client_secret_post")
    made = dict(configuration)
    for slot, client in zip(slots, clients, strict=False):
        client_id, _, secret = client.partition(":")
        made[slot] = {"client_id": client_id, "client_secret": secret}
    return made


def main(arguments: Sequence[str]) -> None:
    """Print the configuration that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--suite", default="https://www.certification.openid.net")
    parser.add_argument("--alias", required=True)
    parser.add_argument("--email", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--client", action="append", default=[], metavar="ID:SECRET")
    asked = vars(parser.parse_args(arguments))
    clients = asked.pop("client")
    print(json.dumps(with_clients(Visit(**asked).configuration(), clients), indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
