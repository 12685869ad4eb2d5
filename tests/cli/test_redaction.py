"""What a support report does not tell, wherever it hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unknot.cli.redaction import SPEAKS_OF_A_PIN, Redactor

ADDRESS = "C4:3E:11:A0:5B:7F"
BYTES = bytes.fromhex(ADDRESS.replace(":", ""))
REDACTOR = Redactor([ADDRESS], [b"SN-00731\0"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("OpenBall", "OpenBall"),
        ("OpenBall 7", "OpenBall 7"),
        ("Ball-5B7F", "Ball-[address]"),
        ("Ball_7f5b", "Ball_[address]"),
        ("Ball C43E11A05B7F", "Ball [address]"),
        ("Ball c4-3e-11-a0-5b-7f", "Ball [address]"),
        ("7F:5B:A0:11:3E:C4", "[address]"),
        ("Ball 11:22:33:44:55:66", "Ball [address]"),
        ("Ball 123456", "Ball [digits]"),
        ("Anna's ball", "[person]'s ball"),
        ("Anna\u2019s ball", "[person]\u2019s ball"),
        ("Anna M\u00fcller's ball", "[person]'s ball"),
        ("Dr. Anna-Maria's ball", "[person]'s ball"),
        ("Hans' ball", "[person]' ball"),
        ("RT8600S", "RT[digits]S"),
        ("\x1b[2Jevil\u202e", "\\x1b[2Jevil\\u202e"),
        ("beef", "beef"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert REDACTOR.name(name) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\x01\x02" + BYTES + b"\x03", "01 02 ?? ?? ?? ?? ?? ?? 03"),
        (BYTES[::-1], "?? ?? ?? ?? ?? ??"),
        (b"\x00" + BYTES[3:], "00 ?? ?? ??"),
        (BYTES[:2], "C4 3E"),
        (b"id 5b7f", "69 64 20 ?? ?? ?? ??"),
        (b"1234", "?? ?? ?? ??"),
        (b"000000\0\0", "?? ?? ?? ?? ?? ?? ?? ??"),
        (b"no. sn-00731", "6E 6F 2E 20 ?? ?? ?? ?? ?? ?? ?? ??"),
        (b"123", "31 32 33"),
        (b"\x00\x64", "00 64"),
    ],
)
def test_values(value: bytes, shown: str) -> None:
    assert REDACTOR.value(value)[0] == shown


def test_a_text_in_a_value_tells_no_more_than_its_bytes() -> None:
    assert REDACTOR.value(b"fw of C4:3E:11:A0:5B:7F") == (
        "66 77 20 6F 66 20 " + " ".join(["??"] * 17),
        "fw of [address]",
    )
    assert REDACTOR.value(b"Anna's ball", is_name=True) == (" ".join(["??"] * 11), "[person]'s ball")


def test_a_name_that_is_no_text_tells_no_more() -> None:
    assert REDACTOR.value(b"Anna's ball\xff", is_name=True) == (" ".join(["??"] * 12), "")


def test_a_model_may_be_a_number_and_is_no_address_in_either_form() -> None:
    assert REDACTOR.told(b"1034") == ("31 30 33 34", "1034")
    assert REDACTOR.told(b"T-C43E11A05B7F") == ("54 2D" + " ??" * 12, "T-[address]")


@pytest.mark.parametrize(
    ("described", "text"),
    [(b"PIN 123456", "PIN [digits]"), (b"PIN 12-34\0", "PIN [digits]"), (b"pass k3y", "pass [digits]")],
)
def test_the_description_of_a_secret_does_not_tell_it(described: bytes, text: str) -> None:
    assert REDACTOR.hint(described) == (" ".join(["??"] * len(described)), text)
    assert REDACTOR.hint(b"Pairing PIN") == (b"Pairing PIN".hex(" ").upper(), "Pairing PIN")


def test_a_uuid_is_left_as_it_is_unless_the_whole_address_is_in_it() -> None:
    plain = "9a505b7f-594f-4e2b-b123-5f739a2d594f"
    assert REDACTOR.text(plain) == plain
    assert "[address]" in REDACTOR.text("9a501a2d-594f-4e2b-b123-c43e11a05b7f")


def test_zeros_of_an_address_are_not_taken_out_everywhere() -> None:
    redactor = Redactor(["C0:BA:11:00:00:01"])
    assert redactor.value(bytes(6) + b"\x01")[0] == "00 00 00 00 00 00 01"
    assert redactor.value(bytes.fromhex("C0BA11000001"))[0] == "?? ?? ?? ?? ?? ??"
    assert redactor.text("b0a70001") == "b0a70001"
    assert redactor.text("C0:BA:11:00:00:01 and C0BA11000001") == "[address] and [address]"


@given(before=st.binary(max_size=20), after=st.binary(max_size=20), address=st.binary(min_size=6, max_size=6))
def test_no_address_comes_through(before: bytes, after: bytes, address: bytes) -> None:
    redactor = Redactor([address.hex(":")])
    for whole in (address, address[::-1]):
        shown, _ = redactor.value(before + whole + after)
        assert shown.split()[len(before) : len(before) + 6] == ["??"] * 6
        text = f"x{whole.hex().upper()}y {whole.hex(':')}"
        assert whole.hex() not in redactor.text(text).lower()
        assert whole.hex(":") not in redactor.text(text).lower()


@pytest.mark.parametrize("said", ["PIN", "Pairing code", "the password", "key"])
def test_a_description_that_speaks_of_a_pin(said: str) -> None:
    assert SPEAKS_OF_A_PIN.search(said)


def test_a_description_that_does_not() -> None:
    assert not SPEAKS_OF_A_PIN.search("Spinning speed")
