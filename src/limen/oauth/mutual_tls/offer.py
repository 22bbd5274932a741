"""Mutual TLS as this server offers it (RFC 8705)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from limen.kernel.errors import InvalidInput
from limen.oauth.mutual_tls.authorities import Authorities
from limen.protocol.client_metadata.names import AUTH_METHODS, AuthMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Mtls:
    """What an operator set up.

    Args:
        authorities: Whose certificates ``tls_client_auth`` believes; ``None`` for nobody's.
        root: The issuer of the tenant at the root.
        alias: Where the proxy asks for certificates; ``None`` if at the issuer itself.
    """

    authorities: Authorities | None
    root: str
    alias: str | None

    def alias_of(self, issuer: str) -> str | None:
        """Return where a tenant's endpoints answer with certificates (RFC 8705 section 5).

        Args:
            issuer: The tenant's. One with a host name of its own has no second one.
        """
        if self.alias is None or not f"{issuer}/".startswith(f"{self.root}/"):
            return None
        return self.alias + issuer.removeprefix(self.root)


def offered_methods(mtls: Mtls | None) -> tuple[AuthMethod, ...]:
    """Return how clients may authenticate here: what discovery says and registration takes.

    Args:
        mtls: ``None`` where no certificate is ever seen.
    """
    off: set[AuthMethod] = set()
    if mtls is None:
        off |= {"tls_client_auth", "self_signed_tls_client_auth"}
    elif mtls.authorities is None:
        off |= {"tls_client_auth"}
    return tuple(method for method in AUTH_METHODS if method not in off)


def check_offered(mtls: Mtls | None, members: Mapping[str, object]) -> None:
    """Refuse a client that an operator registers for certificates which are never seen here.

    Args:
        mtls: As ``offered_methods``.
        members: Those of RFC 7591 that are named.

    Raises:
        InvalidInput: ``invalid_client_metadata``, saying what is not set up.
    """
    field, bound = "token_endpoint_auth_method", "tls_client_certificate_bound_access_tokens"
    method = members.get(field)
    by_certificate = method in {"tls_client_auth", "self_signed_tls_client_auth"}
    if mtls is None and (by_certificate or members.get(bound) is True):
        raise InvalidInput(
            "invalid_client_metadata",
            f"{field if by_certificate else bound}: no proxy hands on certificates here;"
            " set LIMEN_MTLS_CERTIFICATE_FORMAT first.",
            field=field if by_certificate else bound,
        )
    if mtls is not None and method == "tls_client_auth" and mtls.authorities is None:
        raise InvalidInput(
            "invalid_client_metadata",
            f"{field}: no authority is believed here; set LIMEN_MTLS_CA_BUNDLE first.",
            field=field,
        )
