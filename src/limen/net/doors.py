"""The rules for a URL: when it is saved, before it is called, and for each address dialled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yarl import URL

from limen.kernel.errors import InvalidInput, NetRefused
from limen.net.addresses import Address, find_objection, is_metadata, read_address
from limen.settings import Allowed

_MAX_URL_CHARACTERS: Final = 2048
_PLAIN: Final = re.compile(r"[!-~]+", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "lan", "home.arpa", "intranet")


@dataclass(frozen=True, slots=True)
class Way:
    """A URL taken apart by the parser that dials it, so that none disagrees with another."""

    url: URL
    scheme: str
    host: str
    port: int


class Doors:
    """Decide which URLs and addresses may be called.

    Args:
        allow: What the operator opened beside the public internet over https.
        own_hosts: Our own host names; calling ourselves from inside is refused (N213).
    """

    def __init__(self, allow: Iterable[Allowed] = (), *, own_hosts: Iterable[str] = ()) -> None:
        self._allow = tuple(allow)
        self._own = frozenset(host.lower().rstrip(".") for host in own_hosts)

    def check_url(self, raw: str, *, field: str = "") -> None:
        """Refuse, where a URL is saved, what could never be called (N213).

        Names are not looked up here: what they resolve to is checked whenever it is dialled.

        Raises:
            InvalidInput: ``url_not_allowed``.
        """
        try:
            self.check_way(read_way(raw))
        except NetRefused as refused:
            raise InvalidInput(
                "url_not_allowed", refused.public, detail=refused.detail, field=field
            ) from None

    def check_way(self, way: Way) -> None:
        """Refuse by scheme, host name and literal address, before anything is looked up.

        Raises:
            NetRefused: With the reason as its detail.
        """
        address = read_address(way.host)
        if address is not None:
            self.check_address(address, way)
            return
        if self._names(way):
            return
        if way.scheme != "https" and not self._some_network(way):
            raise _refused("The URL has to be https.", f"scheme {way.scheme}")
        is_local = _is_local_name(way.host) and not self._some_network(way)
        if is_local or way.host in self._own:
            raise _refused("The URL's host is not one this server calls.", f"host {way.host}")

    def check_address(self, address: Address, way: Way) -> None:
        """Refuse an address about to be dialled; the last word, whatever a name resolved to.

        Raises:
            NetRefused: With the reason as its detail.
        """
        if self._allows(address, way):
            return
        if (objection := find_objection(address)) is not None:
            raise _refused("The URL's host is not one this server calls.", objection)
        if way.scheme != "https":
            raise _refused("The URL has to be https.", f"scheme {way.scheme}")
        if way.host in self._own:
            raise _refused("The URL's host is not one this server calls.", "our own host")

    def _names(self, way: Way) -> bool:
        return any(
            entry.host == way.host and entry.covers(scheme=way.scheme, port=way.port)
            for entry in self._allow
            if entry.network is None
        )

    def _some_network(self, way: Way) -> bool:
        return any(
            entry.covers(scheme=way.scheme, port=way.port)
            for entry in self._allow
            if entry.network is not None
        )

    def _allows(self, address: Address, way: Way) -> bool:
        for entry in self._allow:
            if not entry.covers(scheme=way.scheme, port=way.port):
                continue
            if entry.network is None:
                # A name the operator trusts; never a way to instance credentials (N215).
                if entry.host == way.host and not is_metadata(address):
                    return True
            elif address.version == entry.network.version and address in entry.network:
                # 10.0.0.0/8 opens a network; its metadata service only where named itself.
                return not is_metadata(address) or entry.network.num_addresses == 1
        return False


def read_way(raw: str) -> Way:
    """Take an absolute http or https URL apart.

    Refused: user-info (N006's relatives), anything beyond printable ASCII (a host in full-width
    digits is an address to some parsers), zone ids, port 0, and the numeric
    spellings of addresses (``2130706433``, ``0x7f.1``, ``127.1``).

    Raises:
        NetRefused: ``outbound_refused``.
    """
    if len(raw) > _MAX_URL_CHARACTERS or not _PLAIN.fullmatch(raw):
        raise _refused("The URL can't be read.", "characters or length")
    try:
        url = URL(raw, encoded=True)  # fetched byte for byte as it was compared
        host, port = url.raw_host, url.port
    except ValueError:
        raise _refused("The URL can't be read.", "parser") from None
    if url.scheme not in ("http", "https") or not host or not port:
        raise _refused("The URL has to be an absolute https URL.", "scheme, host or port")
    if "@" in url.raw_authority or "%" in host:
        raise _refused("The URL's host can't be read.", "user-info or zone")
    host = host.lower().removesuffix(".")
    if read_address(host) is None:
        if "[" in url.raw_authority or not _NAME.fullmatch(host):
            raise _refused("The URL's host can't be read.", "host name")
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            raise _refused("The URL's host can't be read.", "numeric host")
    return Way(url, url.scheme, host, port)


def _is_local_name(host: str) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)


def _refused(public: str, detail: str) -> NetRefused:
    return NetRefused("outbound_refused", public, detail=detail)
