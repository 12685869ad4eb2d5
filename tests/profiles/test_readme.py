"""The guide keeps its word: every file, piece, byte and command line in it is loaded, proved or run."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.profiles.shipped import BY_ID, FILES, save
from unknot.cli import main
from unknot.errors import ProfileFileError
from unknot.profiles import (
    assembly,
    conversions,
    examples,
    gatt,
    library,
    matching,
    model,
    phrases,
    plugins,
    proof,
    variant,
)
from unknot.profiles.codec import Codec
from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.frame import Frame
from unknot.profiles.frames.keyed import keyed
from unknot.profiles.section import Section
from unknot.profiles.speech import Line, SetLevel, Stop

Document = dict[str, Any]

FOLDER = library.shipped_folder()
README = (FOLDER / "README.md").read_text(encoding="utf-8")
GUIDE, SPECIFICATION = README.split("\n# The open ball\n")


def chunk(heading: str) -> str:
    """What stands under a heading, up to the next one of its rank or above."""
    lines = GUIDE.split("\n")
    start = lines.index(heading) + 1
    is_fenced = False
    for number, line in enumerate(lines[start:], start):
        is_fenced ^= line.startswith("```")
        rank = re.match(r"#+ ", line)
        if rank is not None and not is_fenced and len(rank[0]) <= heading.count("#") + 1:
            return "\n".join(lines[start:number])
    return "\n".join(lines[start:])


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows that begin with code or a figure."""
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines if re.match(r"`|\d", line)]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@dataclass(frozen=True)
class Fence:
    """A block of TOML, and the paragraph before it."""

    before: str
    text: str

    @property
    def document(self) -> Document:
        return tomllib.loads(self.text)

    @property
    def is_whole(self) -> bool:
        return "schema" in self.document

    @property
    def shipped(self) -> str | None:
        """The profile that it is taken from."""
        link = re.search(r"From\s+\[([a-z0-9-]+)\]", self.before)
        return link[1] if link else None


def fences(text: str) -> list[Fence]:
    found = re.finditer(
        r"(?:^|\n\n)((?:(?!\n\n).)*?)\n\n```toml\n(.*?)^```$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return [Fence(match[1], match[2]) for match in found]


LESSON = fences(chunk("# Building a profile from a capture"))
FIRST, *PIECES, FINISHED = LESSON
GROWTH = [piece for piece in PIECES if "id" not in piece.document]
(SECOND,) = [piece for piece in PIECES if "id" in piece.document]
OTHERS = fences(chunk("# Reference")) + fences(chunk("# The frame language"))
WHOLE = [fence for fence in [FIRST, FINISHED, *OTHERS] if fence.is_whole]


def put(document: Document, piece: Document) -> Document:
    """A file with a piece put into it, as the guide says: keys are replaced, lists of tables go on.

    An example with the bytes of another replaces it.
    """
    grown = dict(document)
    for key, value in piece.items():
        if isinstance(value, dict):
            grown[key] = {**document.get(key, {}), **value}
        elif isinstance(value, list) and isinstance(value[0], dict):
            there = [
                one for one in document.get(key, []) if one.get("bytes") not in [new.get("bytes", "") for new in value]
            ]
            grown[key] = there + value
        else:
            grown[key] = value
    return grown


def grown(upto: int) -> Document:
    document = FIRST.document
    for piece in GROWTH[:upto]:
        document = put(document, piece.document)
    return document


def loaded(document: Document) -> model.FirmwareProfile:
    """The profile of a parsed file, validated and proved."""
    profile = model.FirmwareProfile.model_validate(document)
    proof.prove(profile)
    return profile


@cache
def finished() -> model.FirmwareProfile:
    return loaded(FINISHED.document)


def holds(whole: Any, part: Any) -> bool:
    """Whether a parsed file has all of a piece."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list) and part and isinstance(part[0], dict):
        return isinstance(whole, list) and all(any(holds(one, wanted) for one in whole) for wanted in part)
    return bool(whole == part)


# The files and pieces.


@pytest.mark.parametrize("fence", WHOLE, ids=lambda fence: fence.document["id"])
def test_a_whole_file_in_the_guide_loads(tmp_path: Path, fence: Fence) -> None:
    name = fence.document["id"]
    assert library.load_file(save(tmp_path, name, fence.text)).id == name


@pytest.mark.parametrize("fence", WHOLE, ids=lambda fence: fence.document["id"])
def test_a_whole_file_in_the_guide_plays_a_protocol_on_a_simulated_ball(
    tmp_path: Path, fence: Fence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(tmp_path, fence.document["id"], fence.text)
    with pytest.raises(SystemExit) as left:
        main(
            [
                "run",
                "calf",
                "--simulate",
                "--profile",
                str(file),
                "--speed",
                "max",
                "--yes",
            ]
        )
    assert left.value.code == 0
    assert "completed: motor ran 1:50; motor off, confirmed by the ball" in capsys.readouterr().out


@pytest.mark.parametrize("upto", range(1, len(GROWTH) + 1), ids=lambda upto: f"piece {upto}")
def test_the_file_loads_after_each_piece_of_the_lesson(upto: int) -> None:
    assert loaded(grown(upto)).id == FIRST.document["id"]


def test_all_pieces_together_are_the_finished_file() -> None:
    made, shown = grown(len(GROWTH)), FINISHED.document
    for document in (made, shown):
        document["examples"] = sorted(document["examples"], key=str)
    assert made == shown


def test_the_copy_for_the_other_firmware_loads_and_only_its_own_version_fits() -> None:
    older, newer = (
        finished().variant,
        loaded(put(FINISHED.document, SECOND.document)).variant,
    )
    assert older is not None
    assert newer is not None
    for hexed, fits_older in (
        ("5A 05 90 31 2E 34 28", True),
        ("5A 05 90 32 2E 30 25", False),
    ):
        data = bytes.fromhex(hexed)
        assert older.reply is not None
        assert newer.reply is not None
        assert (older.reply.fits(data), newer.reply.fits(data)) == (
            fits_older,
            not fits_older,
        )


@pytest.mark.parametrize(
    "fence",
    [fence for fence in OTHERS if fence.shipped],
    ids=lambda fence: fence.shipped,
)
def test_a_piece_from_a_profile_stands_in_it(fence: Fence) -> None:
    whole = tomllib.loads((FOLDER / f"{fence.shipped}.toml").read_text(encoding="utf-8"))
    assert holds(whole, fence.document)


@pytest.mark.parametrize(
    "fence",
    [fence for fence in OTHERS if not fence.shipped and not fence.is_whole],
    ids=lambda fence: fence.before[:40],
)
def test_a_made_up_piece_says_so_and_fits_into_the_finished_file(fence: Fence) -> None:
    assert "Made up" in fence.before
    assert loaded(put(FINISHED.document, fence.document))


# The capture.

CAPTURE = [(cells[1], bytes.fromhex(code(cells[2])[0])) for cells in rows(GUIDE) if cells[1] in ("app", "ball")]


def test_the_capture_is_what_a_lesson_needs() -> None:
    assert {who for who, _ in CAPTURE} == {"app", "ball"}
    assert len(CAPTURE) >= 12


@pytest.mark.parametrize(
    ("who", "data"),
    CAPTURE,
    ids=lambda part: part if isinstance(part, str) else part.hex(" "),
)
def test_the_finished_file_reads_every_line_of_the_capture_and_writes_it_again(who: str, data: bytes) -> None:
    codec = Codec(finished())
    if who == "ball":
        told = codec.decode("status", data)
        assert told is not None
        assert codec.report(told.name, told.values) == ("status", data)
        return
    meant = codec.reader().feed("control", data)
    assert meant is not None
    writes = codec.line(meant, {}) if isinstance(meant, Line) else codec.encode(meant)
    assert [write.data for write in writes] == [data]


def test_the_frames_that_are_written_below_each_other_are_in_the_capture() -> None:
    column = re.findall(r"^    ([0-9A-F]{2}(?: [0-9A-F]{2})+)\b", GUIDE, re.MULTILINE)
    assert len(column) > 4
    assert {bytes.fromhex(line) for line in column} <= {data for who, data in CAPTURE if who == "app"}


# The command lines and the errors.

LESSON_TEXT = chunk("# Building a profile from a capture")
CONSOLE = [
    (*part.partition("\n")[::2], (FIRST if part in LESSON_TEXT else FINISHED).text)
    for block in re.findall(r"^```console\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]
PROSE = re.sub(r"^```.*?^```$", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
INLINE = [
    " ".join(words.split())
    for words in code(PROSE)
    if words.startswith("unknot ") and not words.startswith("unknot run ")
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder; a terminal has 100 columns, and no file of that name has been read before."""
    library.load_file.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def test_there_are_command_lines() -> None:
    words = [shlex.split(command)[1:3] for command, _, _ in CONSOLE]
    assert {"check", "encode", "decode"} <= {word for _, word in words}
    assert {"show", "run"} <= {word for word, _ in words}


@pytest.mark.parametrize(("command", "printed", "file"), CONSOLE, ids=[command for command, _, _ in CONSOLE])
def test_a_command_line_prints_what_the_guide_shows(
    command: str,
    printed: str,
    file: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(here, "tide-ball", file)
    program, *words = shlex.split(command)
    assert program == "unknot"
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    pattern = ".*".join(re.escape(part) for part in re.split(r"^\.\.\.$", printed, flags=re.MULTILINE))
    if printed:
        assert re.fullmatch(pattern, capsys.readouterr().out, re.DOTALL)


@pytest.mark.parametrize("command", sorted(set(INLINE)))
def test_a_command_in_the_text_is_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(command)[1:], "--help"])
    assert left.value.code == 0
    assert command.rsplit(maxsplit=1)[-1] in capsys.readouterr().out


FAULTS = re.findall(
    r"^With `([^`]+)` instead of `([^`]+)`.*\n(?:\S.*\n)*\n((?:    .*\n)+)",
    GUIDE,
    re.MULTILINE,
)


@pytest.mark.parametrize(("wrong", "right", "shown"), FAULTS, ids=[wrong for wrong, _, _ in FAULTS])
def test_an_error_is_what_the_guide_shows(
    wrong: str, right: str, shown: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = FINISHED.text.index(right, FINISHED.text.index("[motor]") if right.startswith("{") else 0)
    file = save(here, "tide-ball", FINISHED.text[:at] + wrong + FINISHED.text[at + len(right) :])
    with pytest.raises(SystemExit) as left:
        main(["profile", "check", file.name])
    assert left.value.code == 2
    assert capsys.readouterr().err.rstrip() == re.sub(r"^    ", "", shown, flags=re.MULTILINE).rstrip()


SLIPS = [
    (
        "found an unknown key",
        'bytes = "5A 04 EE 05 02 F9"',
        'bytes = "5A 04 EE 05 02 F9"\nretry = 1',
    ),
    ("expected it before the first section", "levels = 5", 'levels = 5\nkind = "vibration"'),
    ("without quotes", 'write = "request"', "write = request"),
    ("without quotes", "notify = true", "notify = True"),
    ("without quotes", '"15min"', "15min"),
    ("expected this key", 'means = "low-battery"', ""),
    ("expected a whole number", "levels = 5", 'levels = "5"'),
    ("expected text in quotes", 'name = "Tide ball (made up)"', "name = 5"),
    ("expected a list in square brackets", '["TIDE-*"]', '"TIDE-*"'),
    ("expected a table", "[reports.status]", "[[reports]]"),
    ("expected a duration with its unit", '"15min"', "15"),
    ("expected no slots but", "20 {sequence:u8}", "20 {mode:u8}"),
    (
        "expected at least one for everything that is said and told",
        '[[examples]]\ninit = 1\nbytes = "A5 02 10 12"',
        "",
    ),
    ("as the frames make of", "A5 04 20 01 1E 43", "A5 04 20 01 1F 44"),
    ("expected the bytes of report", "5A 05 90 31 2E 34 28", "5A 05 90 31 2E 34 29"),
    ("as the bytes say", "battery = 19", "battery = 20"),
    (
        "reads back as",
        "level = { table = [0, 30, 45, 60, 80, 100] }",
        "level = { points = [[0, 0], [5, 1]] }",
    ),
]
"""What a message is about, and a slip in the finished file that brings it about."""


@pytest.mark.parametrize(("message", "right", "wrong"), SLIPS, ids=[wrong for _, _, wrong in SLIPS])
def test_a_message_that_the_guide_explains_is_what_such_a_slip_brings(
    message: str, right: str, wrong: str, tmp_path: Path
) -> None:
    assert f"`{message}`" in chunk("# When something is wrong")
    assert right in FINISHED.text
    file = save(tmp_path, "tide-ball", FINISHED.text.replace(right, wrong, 1))
    with pytest.raises(ProfileFileError) as told:
        library.load_file(file)
    assert message in str(told.value)


def test_several_errors_are_shown() -> None:
    assert len(FAULTS) >= 3


# The reference.

PARTS_OF: dict[type[Section], str] = {
    model.FirmwareProfile: "## The head",
    matching.Match: "## `[match]`",
    matching.ManufacturerData: "## `[match]`",
    matching.Exclude: "## `[match]`",
    variant.Variant: "## `[variant]`",
    variant.Ask: "## `[variant]`",
    variant.Reply: "## `[variant]`",
    gatt.Characteristic: "## `[gatt]`",
    assembly.Assembly: "## `[gatt]`",
    assembly.LengthField: "## `[gatt]`",
    model.Motor: "## `[motor]`",
    model.Setting: "## `[settings]`",
    model.Sequence: "## `[commands]`",
    conversions.Conversion: "## `[values]`",
    phrases.Commands: "## `[commands]`",
    phrases.Write: "## `[commands]`",
    phrases.Step: "## `[[init]]`",
    phrases.KeepAlive: "## `[[keep_alive]]`",
    phrases.Report: "## `[reports]`",
    phrases.Refusal: "## `[refusals]`",
    model.Safety: "## `[safety]`",
    examples.Example: "## `[[examples]]`",
}
"""Where each section is explained."""

HEADINGS = set(re.findall(r"^## `\[+(\w+)\]+`$", GUIDE, re.MULTILINE))
"""The sections of a file that have a heading of their own."""

KEYS = [
    (heading, field.alias or name)
    for section, heading in PARTS_OF.items()
    for name, field in section.model_fields.items()
    if not (section is phrases.Refusal and name in phrases.Report.model_fields)
    and not (section is model.FirmwareProfile and name in HEADINGS)
]


@pytest.mark.parametrize("heading", sorted({heading for heading, _ in KEYS}))
def test_every_key_is_explained_under_its_section(heading: str) -> None:
    explained = chunk(heading)
    for key in (key for under, key in KEYS if under == heading):
        assert re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`", explained), key


def test_every_section_of_the_model_has_its_place_in_the_guide() -> None:
    def below(section: type[Section]) -> set[type[Section]]:
        return {section}.union(*(below(one) for one in section.__subclasses__()))

    in_profiles = {one for one in below(Section) if one.__module__.startswith("unknot.profiles.")}
    assert in_profiles == {*PARTS_OF, Section}


@pytest.mark.parametrize("heading", sorted(set(PARTS_OF.values()) - {"## The head"}))
def test_a_table_has_no_key_that_the_program_does_not_know(heading: str) -> None:
    sections = [section for section, under in PARTS_OF.items() if under == heading]
    known = {field.alias or name for section in sections for name, field in section.model_fields.items()}
    table = chunk(heading).split("The slots say what is told")[0]
    told = {key for cells in rows(table) for key in code(cells[0]) if re.fullmatch(r"[a-z_]+", key)}
    assert told <= known


@pytest.mark.parametrize("evidence", model.Evidence)
def test_every_class_of_evidence_is_explained(evidence: model.Evidence) -> None:
    assert f"| `{evidence.value}` |" in GUIDE


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_profile_is_listed_with_its_evidence(file: Path) -> None:
    assert f"| [{file.stem}]({file.name}) | {BY_ID[file.stem].evidence.value} |" in GUIDE


def test_the_entry_point_group_of_plug_ins_is_the_real_one() -> None:
    assert f'[project.entry-points."{plugins.GROUP}"]' in GUIDE


CONVERSIONS = [cells for cells in rows(chunk("## `[values]`")) if "→" in cells[1]]


@pytest.mark.parametrize(("written", "pair", "source"), CONVERSIONS, ids=[cells[0] for cells in CONVERSIONS])
def test_a_conversion_in_the_table_does_what_it_says(written: str, pair: str, source: str) -> None:
    (text,) = code(written)
    conversion = conversions.Conversion.model_validate(tomllib.loads(f"x = {{ {text} }}")["x"])
    match = re.fullmatch(r"(\S+)(?: \((.*)\))? → (.*)", pair)
    assert match is not None
    others = {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", match[2] or "")}
    value = match[1] if match[1].isalpha() else float(match[1])
    assert str(conversion.to_wire(value, others)) == match[3]
    file = FOLDER / f"{source.split(',', maxsplit=1)[0]}.toml"
    assert file.exists() or re.match("made up|as in", source)
    assert not file.exists() or text in file.read_text(encoding="utf-8")


# The frame language.

LANGUAGE = chunk("# The frame language")
SIX = "01 02 03 04 05 06"
"""Bytes before a part, so that the ranges of the guide are in the frame."""


def test_the_parts_of_the_frame_language_in_the_guide_are_in_the_language() -> None:
    parts = [part for cells in rows(LANGUAGE.split("**Rules.**")[0]) for part in code(cells[0])]
    assert len(parts) > 30
    for part in parts:
        assert Frame(f"{SIX} {part}").template


def test_the_ranges_in_the_guide_are_in_the_language() -> None:
    ranges = [
        part for cells in rows(LANGUAGE.split("**Ranges**")[1].split("**`:lenient`**")[0]) for part in code(cells[0])
    ]
    assert len(ranges) == 5
    for part in ranges:
        assert Frame(part if part.startswith("A") else f"{SIX} {part}").template


FRAMES = [cells for cells in rows(LANGUAGE) if len(cells) == 4 and re.fullmatch(r"`[0-9A-F ]+`", cells[1])]


@pytest.mark.parametrize(("template", "data", "tells", "source"), FRAMES, ids=[cells[0] for cells in FRAMES])
def test_a_frame_in_the_table_tells_what_it_says(template: str, data: str, tells: str, source: str) -> None:
    (template,), (data,) = code(template), code(data)
    pairs = [pair.split(" ", 1) for pair in tells.split(", ")]
    values = {name: int(value) if value.isdigit() else value for name, value in pairs}
    frame = Frame(template)
    assert frame.unpack(bytes.fromhex(data)) == values
    assert frame.pack(values) == bytes.fromhex(data)
    file = FOLDER / f"{source.removeprefix('inside ')}.toml"
    assert file.exists() or source == "made up"
    if file.exists():
        text = file.read_text(encoding="utf-8")
        assert template in text
        assert data in text


def test_the_keys_of_keyed_frames_are_all_there_are() -> None:
    told = {key for cells in rows(chunk("## JSON and lines")) for key in code(cells[0])}
    assert told == {"json", "lines", "between", "line", "end"}
    assert keyed({"json": {"a": "$a"}, "end": "0A"}).slots == ("a",)
    assert keyed({"lines": {"a": "$a"}, "between": "=", "line": "0A", "end": "04"}).slots == ("a",)


@pytest.mark.parametrize("check", ALGORITHMS)
def test_every_check_is_in_the_table_with_its_value(check: str) -> None:
    size = ALGORITHMS[check].size
    value = f"{ALGORITHMS[check].compute(b'123456789'):0{2 * size}X}"
    assert re.search(rf"^\| `{check}` \| {size} \| .* \| {value} \|$", GUIDE, re.MULTILINE)


# The page.


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target[1:] in anchors if target.startswith("#") else (FOLDER / target).exists(), target


def test_the_guide_can_be_read_as_source() -> None:
    for line in PROSE.splitlines():
        assert len(line) <= 133 or line.startswith("    "), line


# The specification of the open ball.


def test_the_specification_and_the_profile_name_the_same_uuids() -> None:
    profile = BY_ID["open-ball"]
    for role in profile.gatt.values():
        for uuid in (*role.service, *role.characteristic):
            short = uuid[4:8].upper() if uuid.endswith("-0000-1000-8000-00805f9b34fb") else uuid
            assert f"`{short}`" in SPECIFICATION


def test_the_exchange_in_the_specification_is_what_the_profile_says() -> None:
    codec = Codec(BY_ID["open-ball"])
    exchange = SPECIFICATION.split("## 7. An exchange")[1].split("## 8.")[0]
    said = [bytes.fromhex(data) for data in re.findall(r"^\| \w+ \| `([0-9A-F ]+)`", exchange, re.MULTILINE)]
    level, answer, later, stop, off, refused = said
    assert codec.encode(SetLevel(50, 3.0, 7))[0].data == level
    assert codec.encode(Stop(8))[0].data == stop
    assert refused[0] == 1
    assert refused[2] > BY_ID["open-ball"].motor.levels
    told = [codec.decode("status", data) for data in (answer, later, off)]
    assert [(one.values["sequence"], one.values["level"], one.values["lease"]) for one in told if one is not None] == [
        (7, 50, 3),
        (7, 50, 2.9),
        (8, 0, 0),
    ]
