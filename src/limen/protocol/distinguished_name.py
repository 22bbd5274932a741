"""Distinguished names as clients register them (RFC 4514), compared attribute by attribute."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from limen.kernel.errors import InvalidInput

MAX_DN_CHARACTERS: Final = 1024

_TYPES: Final[dict[str, ObjectIdentifier]] = {
    "cn": NameOID.COMMON_NAME,
    "l": NameOID.LOCALITY_NAME,
    "st": NameOID.STATE_OR_PROVINCE_NAME,
    "o": NameOID.ORGANIZATION_NAME,
    "ou": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "c": NameOID.COUNTRY_NAME,
    "street": NameOID.STREET_ADDRESS,
    "dc": NameOID.DOMAIN_COMPONENT,
    "uid": NameOID.USER_ID,
    "sn": NameOID.SURNAME,
    "givenname": NameOID.GIVEN_NAME,
    "serialnumber": NameOID.SERIAL_NUMBER,
    "postalcode": NameOID.POSTAL_CODE,
    "emailaddress": NameOID.EMAIL_ADDRESS,
    "businesscategory": NameOID.BUSINESS_CATEGORY,
    "organizationidentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "jurisdictionc": NameOID.JURISDICTION_COUNTRY_NAME,
    "jurisdictioncountryname": NameOID.JURISDICTION_COUNTRY_NAME,
}
"""The names of RFC 4514 section 3, then those that banks' certificates use; in lower case."""


def parse_dn(text: str) -> x509.Name:
    """Read the string form of a distinguished name.

    Attribute types are the names of RFC 4514 section 3, a few more in use, or dotted numbers.

    Raises:
        InvalidInput: ``invalid_client_metadata``: it can't be read, or is empty and would
            match a certificate without a subject.
    """
    try:
        name = x509.Name.from_rfc4514_string(text, _spelled_in(text))
    except (ValueError, TypeError, UnicodeError):
        name = x509.Name([])
    if len(text) > MAX_DN_CHARACTERS or not name.rdns:
        raise InvalidInput(
            "invalid_client_metadata",
            "tls_client_auth_subject_dn: write a distinguished name as in CN=app,O=Bank,C=DE.",
            field="tls_client_auth_subject_dn",
        )
    return name


def is_same_dn(registered: str, subject: x509.Name) -> bool:
    """Say whether a certificate's subject is the name registered.

    The sequence of relative names counts, the order within one does not; values are compared
    character by character, which is stricter than the directory's own rules and matches no
    name that they would tell apart (RFC 8705 section 2.1.2).
    """
    try:
        return parse_dn(registered) == subject
    except InvalidInput:
        return False


def _spelled_in(text: str) -> dict[str, ObjectIdentifier]:
    """Return the types as this text spells them: case does not count (RFC 4512 section 2.5)."""
    words = {part.partition("=")[0] for part in text.replace("+", ",").split(",")}
    return {word: _TYPES[word.lower()] for word in words if word.lower() in _TYPES}
