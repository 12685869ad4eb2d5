from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.profiles.shipped import BY_ID, DRIVEN
from tests.protocols.test_model import GOOD
from unknot.errors import LimitExceeded, UnknownNameError
from unknot.profiles import library as profile_library
from unknot.protocols import library, limits
from unknot.protocols.timeline import Side, compile_protocol

SHIPPED = sorted(file.stem for file in library.shipped_folder().glob("*.toml"))
PROFILES = tuple({BY_ID[name].motor.levels: name for name in DRIVEN}.values())
"""One profile for each number of levels that there is: nothing else of a profile matters to a protocol."""

FORBIDDEN = re.compile(
    r"\b(treat(s|ed|ment)?|cur(e|es|ed|ing)|heal(s|ed|ing)?|reliev(e|es|ed|ing)|relief|diagnos\w*|adhesions?"
    r"|break(s|ing)? up|therap(y|eutic)|medications?|painkillers?|opioids?|side effects?|pain-free|get rid of|fix(es)?"
    r"|tinnitus|tmj|migraines?|headaches?|sciatica|fasciitis|push through)\b",
    re.IGNORECASE,
)


def own(folder: Path, name: str, text: str) -> Path:
    file = folder / library.FOLDER / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_the_six_muscles_of_the_founding_article_ship() -> None:
    assert SHIPPED == ["calf", "it-band", "levator-scapulae", "piriformis", "quadriceps", "upper-trapezius"]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("muscle", SHIPPED)
def test_every_muscle_compiles_for_every_profile_and_side(muscle: str, profile: str, side: Side) -> None:
    timeline = compile_protocol(library.load(muscle), profile_library.load(profile), side=side)
    sides = 2 if side is Side.BOTH else 1
    assert timeline.seconds == sides * sum(step.seconds for step in library.load(muscle).steps)
    assert timeline.motor_seconds == sides * 110


@pytest.mark.parametrize("muscle", SHIPPED)
def test_the_overview_agrees_with_the_protocol_and_its_timeline(muscle: str) -> None:
    (face,) = (face for face in library.overview() if face.id == muscle)
    loaded = library.load(muscle)
    timeline = compile_protocol(loaded, profile_library.load("open-ball"))
    assert (face.title, face.ceiling, face.seconds) == (loaded.title, loaded.ceiling.value, timeline.seconds)


def test_the_overview_is_ordered_by_id_and_complete() -> None:
    assert [face.id for face in library.overview()] == SHIPPED


@pytest.mark.parametrize("muscle", SHIPPED)
def test_a_shipped_file_makes_no_medical_claim(muscle: str) -> None:
    text = library.files()[muscle].read_text(encoding="utf-8")
    claims = [line for line in text.splitlines() if FORBIDDEN.search(line)]
    assert claims == []


@pytest.mark.parametrize(
    "word", ["It treats the calf.", "Cures", "heals knots", "relieves", "Relief from", "no side effects"]
)
def test_a_medical_claim_would_be_found(word: str) -> None:
    assert FORBIDDEN.search(word)


@pytest.mark.parametrize("word", ["secure the ball", "health", "the physical therapist", "obscured"])
def test_a_harmless_word_is_no_claim(word: str) -> None:
    assert not FORBIDDEN.search(word)


@pytest.mark.parametrize("muscle", SHIPPED)
def test_what_is_felt_is_said_as_what_guides_describe(muscle: str) -> None:
    assert library.load(muscle).felt.startswith("guides describe it as felt ")


@pytest.mark.parametrize("muscle", SHIPPED)
def test_a_person_is_told_when_to_stop(muscle: str) -> None:
    cautions = " ".join(library.load(muscle).cautions)
    assert "Stay at 5 of 10" in cautions
    assert "stop at 8" in cautions
    assert "at once if" in cautions


@pytest.mark.parametrize("muscle", ["calf", "it-band", "quadriceps"])
def test_a_leg_is_looked_at_before_it_is_vibrated(muscle: str) -> None:
    cautions = " ".join(library.load(muscle).cautions)
    assert "Is one leg swollen, warm, red or throbbing? Then do not start" in cautions
    assert "call an ambulance" in cautions


@pytest.mark.parametrize("muscle", ["levator-scapulae", "upper-trapezius"])
def test_a_neighbour_of_the_neck_leaves_the_neck_alone(muscle: str) -> None:
    loaded = library.load(muscle)
    assert "the neck: its sides, its front and its spine" in loaded.no_go
    assert "dizzy" in " ".join(loaded.cautions)


@pytest.mark.parametrize(
    ("muscle", "ceiling"),
    [
        ("calf", "moderate"),
        ("it-band", "gentle"),
        ("levator-scapulae", "gentle"),
        ("piriformis", "moderate"),
        ("quadriceps", "strong"),
        ("upper-trapezius", "moderate"),
    ],
)
def test_the_ceilings_are_those_that_were_chosen(muscle: str, ceiling: str) -> None:
    assert library.load(muscle).ceiling == ceiling


@pytest.mark.parametrize("muscle", SHIPPED)
def test_no_shipped_protocol_is_strong_by_itself(muscle: str) -> None:
    assert library.load(muscle).peak <= limits.Ceiling.MODERATE.percent


@pytest.mark.parametrize("muscle", SHIPPED)
def test_spots_are_held_45_s_with_15_s_between_and_a_stretch_after(muscle: str) -> None:
    steps = library.load(muscle).steps
    assert [step.do for step in steps[:6]] == ["settle", "hold", "move"] * 2
    assert [step.seconds for step in steps[:6]] == [10, 45, 15] * 2
    assert {step.do for step in steps[6:]} == {"stretch", "rest"}


GIVEN = {
    ("S1", "hold"): (30, 60),
    ("L50", "stretch"): (15, 30),
    ("L54", "stretch"): (45, 45),
    ("L28", "stretch"): (10, 30),
    ("L29a", "stretch"): (30, 30),
    ("L29a", "rest"): (10, 15),
}
"""The seconds that each source gives, and for what."""


@pytest.mark.parametrize("muscle", SHIPPED)
def test_a_cited_source_gives_the_number(muscle: str) -> None:
    for step in library.load(muscle).steps:
        cited = {number: key for number, key in step.source.items() if key != "J"}
        assert set(cited) <= {"for"}
        for key in cited.values():
            low, high = GIVEN[key, step.do]
            assert low <= step.seconds <= high


def test_the_owners_file_replaces_a_shipped_one(own_files: Path) -> None:
    own(own_files, "calf", GOOD)
    assert library.load("calf").title == "Muscle"
    assert {face.id: face.title for face in library.overview()}["calf"] == "Muscle"


def test_the_owners_file_is_one_more(own_files: Path) -> None:
    own(own_files, "mine", GOOD)
    assert library.load("mine").id == "mine"
    assert [face.id for face in library.overview()] == sorted([*SHIPPED, "mine"])


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    file = own(tmp_path, "anywhere", GOOD)
    assert library.load(str(file)).id == "anywhere"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no muscle is called 'Piriform'; did you mean piriformis\?"):
        library.load("Piriform")


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(UnknownNameError) as told:
        library.load("xx")
    assert str(told.value) == f"no muscle is called 'xx'; there are: {', '.join(SHIPPED)}"


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ('title = "Muscle"\n', "", "1:1: found a protocol without 'title'"),
        ('ceiling = "moderate"\n', "", "1:1: found a protocol without 'ceiling'"),
        ('for = "30s"\n', "", "24:3: steps.2.for: found a protocol without 'for'"),
        ('for = "30s"', "for = 30", "26:7: steps.2.for: found a protocol without a duration with its unit"),
    ],
)
def test_a_file_without_a_face_is_named_and_left_out(
    own_files: Path, good: str, bad: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = own(own_files, "mine", GOOD.replace(good, bad))
    assert "mine" not in [one.id for one in library.overview()]
    assert caplog.messages[0].startswith(f"left out: {file}:{told}")


def test_what_editors_leave_behind_is_no_protocol(own_files: Path) -> None:
    own(own_files, ".#calf", "")
    assert ".#calf" not in library.files()


def test_a_ceiling_of_a_file_is_held_when_it_is_compiled(own_files: Path) -> None:
    own(own_files, "mine", GOOD.replace("to = 40", "to = 70"))
    with pytest.raises(LimitExceeded, match="the ceiling 'moderate' is"):
        compile_protocol(library.load("mine"), profile_library.load("open-ball"))
