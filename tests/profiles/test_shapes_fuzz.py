"""Whatever arrives and whatever stands in a file: only our own errors, and never a level that nobody said."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.profiles.shipped import FILES, PROFILES
from unknot.errors import FrameError, ProfileFileError, UnknotError
from unknot.profiles import library, plugins
from unknot.profiles.codec import Codec
from unknot.profiles.model import FirmwareProfile
from unknot.profiles.speech import Refused, Report, SetLevel

OPEN = [profile for profile in PROFILES if profile.codec is None]
EXAMPLES = {profile.id: [write for example in profile.examples for write in example.writes] for profile in OPEN}
TEXTS = [file.read_text(encoding="utf-8") for file in FILES]

some = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[FirmwareProfile, str, list[bytes]]:
    """A profile, one of its characteristics, and bytes: any, or what is right but for a few."""
    profile = draw(st.sampled_from(OPEN))
    role = draw(st.sampled_from(sorted(profile.gatt)))
    known = st.sampled_from(EXAMPLES[profile.id])
    spoilt = st.builds(
        lambda data, at, byte, end: (data[: at % (len(data) + 1)] + byte + data[at % (len(data) + 1) + 1 :])[:end],
        known, st.integers(0, 300), st.binary(max_size=2), st.integers(0, 600),
    )  # fmt: skip
    return profile, role, draw(st.lists(st.one_of(known, spoilt, st.binary(max_size=600)), min_size=1, max_size=6))


def take(profile: FirmwareProfile, role: str, values: list[bytes]) -> None:
    codec = Codec(profile)
    reader = codec.reader()
    for data in values:
        told = codec.decode(role, data)
        assert told is None or isinstance(told, Report | Refused)
        if isinstance(told, Report):
            assert told.level is None or isinstance(told.level, int)
        try:
            meant = reader.feed(role, data)
        except FrameError:
            continue
        if isinstance(meant, SetLevel):
            assert 1 <= meant.level <= profile.motor.levels
    assert codec.cipher is plugins.PLAIN


@given(arrivals())
@some
def test_24_any_bytes_are_told_ignored_or_refused(arrival: tuple[FirmwareProfile, str, list[bytes]]) -> None:
    take(*arrival)


@pytest.mark.many
@given(arrivals())
@many
def test_24_any_bytes_are_told_ignored_or_refused_many(arrival: tuple[FirmwareProfile, str, list[bytes]]) -> None:
    take(*arrival)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A file: any text, or a shipped one with lines lost, doubled, exchanged or garbled."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(
            st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
        )
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    other = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["lose", "double", "foreign", "garble"])):
            case "lose":
                lines[at] = ""
            case "double":
                lines.insert(at, lines[at])
            case "foreign":
                lines[at] = other[at % len(other)]
            case _:
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(st.text(max_size=3)) + lines[at][cut + draw(st.integers(0, 3)) :]
    return "\n".join(lines).encode(errors="replace")


def load(folder: Path, content: bytes) -> None:
    file = folder / "made.toml"
    file.write_bytes(content)
    library.load_file.cache_clear()
    try:
        library.load_file(file)
    except ProfileFileError as error:
        if "\n" in str(error):
            pytest.fail(f"more than one line: {error}")
    except UnknotError as error:
        pytest.fail(f"another error than that of the file: {error!r}")
    else:
        assert tomllib.loads(content.decode())["id"] == "made"


@given(content=texts())
@some
def test_30_any_text_is_a_profile_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    load(folder(tmp_path_factory), content)


@pytest.mark.many
@given(content=texts())
@many
def test_30_any_text_is_a_profile_or_refused_in_one_line_many(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    load(folder(tmp_path_factory), content)


def folder(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp()
