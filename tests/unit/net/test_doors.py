import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput, NetRefused
from limen.net import Doors
from limen.net.addresses import find_objection, read_address
from limen.net.doors import read_way
from limen.settings import Allowed

FORBIDDEN_FORMS = [
    "https://127.0.0.1/",
    "https://127.8.9.1:8443/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://printer.local/",
    "https://vault.internal/",
    "https://10.0.0.1/",
    "https://172.16.3.4/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://192.0.0.8/",
    "https://198.18.0.1/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:1::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://①②⑦.0.0.1/",
    "https://example.org\\@127.0.0.1/",
    "https://example.org@127.0.0.1/",
    "https://user:pw@example.org/",
    "https://exa%6dple.org/",
    "https://[v1.example]/",
    "https://id.example.com/",
    "https://ID.example.com./",
    "http://example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "//example.org/",
    "https:///x",
    "https://[::1",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org/ x",
    "https://example.org/\r\nHost: inner",
    "https://example.org/" + "a" * 2048,
    "",
]


@pytest.mark.parametrize("url", FORBIDDEN_FORMS)
def test_n213_a_url_that_could_never_be_called_is_refused_when_saved(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Doors(own_hosts=["id.example.com"]).check_url(url, field="jwks_uri")
    assert (caught.value.code, caught.value.field) == ("url_not_allowed", "jwks_uri")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/jwks",
        "https://EXAMPLE.org:8443/a/../b?x=%41",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_a_url_on_the_public_internet_passes(url: str) -> None:
    Doors(own_hosts=["id.example.com"]).check_url(url)


@pytest.mark.parametrize(
    ("entry", "url", "passes"),
    [
        ("idp.internal", "https://idp.internal/", True),
        ("idp.internal", "https://idp.internal:8443/", True),
        ("idp.internal", "http://idp.internal/", False),
        ("http://idp.internal", "http://idp.internal/", True),
        ("idp.internal:443", "https://idp.internal:8443/", False),
        ("idp.internal", "https://evil.idp.internal/", False),
        ("idp.internal", "https://idp.internal.evil.local/", False),
        ("127.0.0.0/8", "http://127.0.0.1:9000/", True),
        ("127.0.0.0/8", "http://[::ffff:127.0.0.1]:9000/", True),
        ("127.0.0.0/8", "http://10.0.0.1/", False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", False),
        ("10.0.0.0/8", "https://vault.internal/", True),
        ("http://10.0.0.0/8:8080", "http://10.1.2.3:8080/", True),
        ("http://10.0.0.0/8:8080", "http://10.1.2.3/", False),
        ("[fd00::/8]", "https://[fd12::1]/", True),
        ("[fd00::/8]", "https://[fd00:ec2::254]/", False),
        ("[fd00:ec2::254]", "https://[fd00:ec2::254]/", True),
        ("169.254.0.0/16", "https://169.254.169.254/", False),
        ("localhost", "http://localhost:3000/", True),
        ("id.example.com", "https://id.example.com/", True),
    ],
)
def test_the_allow_list_opens_what_it_names_and_no_more(entry: str, url: str, passes: bool) -> None:
    doors = Doors([Allowed.parse(entry)], own_hosts=["id.example.com"])
    if passes:
        doors.check_url(url)
    else:
        with pytest.raises(InvalidInput):
            doors.check_url(url)


def test_a_network_over_http_does_not_open_http_to_the_world() -> None:
    doors = Doors([Allowed.parse("http://10.0.0.0/8")])
    way = read_way("http://example.org/")
    public = read_address("93.184.216.34")
    assert public is not None
    with pytest.raises(NetRefused):
        doors.check_address(public, way)


def test_a_trusted_name_is_no_way_to_instance_credentials() -> None:
    doors = Doors([Allowed.parse("idp.internal")])
    metadata = read_address("169.254.169.254")
    assert metadata is not None
    with pytest.raises(NetRefused):
        doors.check_address(metadata, read_way("https://idp.internal/"))


@pytest.mark.parametrize("text", ["192.0.0.9", "192.88.99.1", "100.64.0.1", "198.19.255.255"])
def test_the_table_does_not_rest_on_the_release_of_python(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert find_objection(address) is not None


@given(st.text(max_size=60).map(lambda tail: "https://" + tail) | st.text(max_size=60))
def test_reading_a_url_ends_in_a_way_or_a_refusal(raw: str) -> None:
    try:
        way = read_way(raw)
    except NetRefused:
        return
    assert way.scheme in {"http", "https"}
    assert way.host == way.host.lower()
    assert 0 < way.port < 65536


@given(st.ip_addresses())
def test_an_address_is_judged_without_failing(address: object) -> None:
    read = read_address(str(address))
    assert read is not None
    assert find_objection(read) is None or find_objection(read)
