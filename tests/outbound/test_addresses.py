"""Nothing that users configure reaches the inside of the network, in whatever disguise."""

import pytest

from leadlane.outbound.addresses import ForbiddenAddressError, is_allow_entry, is_permitted, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "::1",
        "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    ],
)  # fmt: skip
def test_the_inside_is_not_permitted(address: str) -> None:
    assert not is_permitted(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_internet_is_permitted(address: str) -> None:
    assert is_permitted(address)


def test_an_allow_list_opens_what_is_meant_and_nothing_beside() -> None:
    assert is_permitted("10.1.2.3", ["10.1.0.0/16"])
    assert not is_permitted("10.2.2.3", ["10.1.0.0/16"])
    assert is_permitted("::ffff:10.1.2.3", ["10.1.0.0/16"])
    assert is_permitted("fd12::1", ["fd12::/16"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "0"])
def test_a_name_of_this_machine_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="inside the network"):
        resolve(host, 80)


def test_what_is_allowed_by_name_or_network_resolves() -> None:
    assert resolve("127.0.0.1", 80, ["127.0.0.0/8"]) == "127.0.0.1"
    assert resolve("localhost", 80, ["LOCALHOST"]) in ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("10.0.0.0/8", True),
        ("::1", True),
        ("crm.internal", True),
        ("http://x", False),
        ("a b", False),
        ("", False),
    ],
)
def test_what_can_stand_in_an_allow_list(text: str, fits: bool) -> None:
    assert is_allow_entry(text) is fits
