"""Generated frame templates and values for them. Ranges are drawn at random: most of them do not fit their frame."""

from __future__ import annotations

from hypothesis import strategies as st

from unknot.profiles.frames.checks import ALGORITHMS
from unknot.profiles.frames.frame import Value

Made = tuple[str, dict[str, Value]]
"""A template, or a part of one, and the values of its slots."""

INTEGERS = {
    f"{sign}{bits}{order}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "ui"
    for bits in range(8, 65, 8)
    for order in (("",) if bits == 8 else ("le", "be"))
}

TEXTS = st.text("aä€😀 0", max_size=8)

RANGES = st.builds(lambda first, last: f"{first}..{last}", st.integers(0, 5), st.just("") | st.integers(-6, 6).map(str))
CHECKS = st.builds(
    lambda name, over: f"{{{name}:{over}{':be:lenient' if ALGORITHMS.get(name, ALGORITHMS['xor8']).size > 1 else ''}}}",
    st.sampled_from([*ALGORITHMS, "sum8+55", "xor8^A5", "crc8-smbus^FF"]),
    RANGES,
)
LENGTHS = st.builds(
    lambda name, kind, over: f"{{{name}:{kind}:{over}}}",
    st.sampled_from(["length", "length+3", "length-1"]),
    st.sampled_from(["u8", "u16le", "u32be", "dec3", "hex2"]),
    RANGES,
)
NO_INTEREST = st.sampled_from(["{_:1}", "{_:4:FF}", "{_:to30}", "{_:to40:20}"])
FIXED = st.binary(min_size=1, max_size=3).map(lambda data: data.hex(" ")) | st.text(
    "CMD:{}1 ", min_size=1, max_size=4
).map(lambda text: f"'{text}'")
WITHOUT_SLOTS = FIXED | CHECKS | LENGTHS | NO_INTEREST


def integers(name: str) -> st.SearchStrategy[Made]:
    return st.sampled_from(sorted(INTEGERS)).flatmap(
        lambda kind: st.integers(*INTEGERS[kind]).map(lambda value: (f"{{{name}:{kind}}}", {name: value}))
    )


def digits(name: str) -> st.SearchStrategy[Made]:
    return st.tuples(st.sampled_from([("dec", 10), ("hex", 16)]), st.integers(1, 8)).flatmap(
        lambda drawn: st.integers(0, drawn[0][1] ** drawn[1] - 1).map(
            lambda value: (f"{{{name}:{drawn[0][0]}{drawn[1]}}}", {name: value})
        )
    )


def bit_groups(name: str) -> st.SearchStrategy[Made]:
    groups = [
        (f"{{{name}:b4 _:b2 {name}x:b2}}", 15, 3),
        (f"{{5:b3 {name}:b5 {name}x:b8 le}}", 31, 255),
        (f"{{0:b1 {name}[7..13]}} {{{name}x:b1 {name}[0..6]}}", (1 << 14) - 1, 1),
    ]
    return st.sampled_from(groups).flatmap(
        lambda group: st.tuples(st.integers(0, group[1]), st.integers(0, group[2])).map(
            lambda drawn: (group[0], {name: drawn[0], f"{name}x": drawn[1]})
        )
    )


def texts(name: str) -> st.SearchStrategy[Made]:
    return st.tuples(st.sampled_from(["text} 0D 0A", "cstring}", "text40}"]), TEXTS).map(
        lambda drawn: (f"{{{name}:{drawn[0]}", {name: drawn[1]})
    )


def raw(name: str) -> st.SearchStrategy[Made]:
    return st.binary(min_size=1, max_size=4).map(
        lambda data: (f"{{{name}:bytes{len(data)}}}", {name: data.hex(" ").upper()})
    )


def decimals(name: str) -> st.SearchStrategy[Made]:
    return st.integers(0, 10**10 - 1).map(lambda value: (f"{{{name}:dec}} 0A", {name: value}))


def encoded(name: str, depth: int) -> st.SearchStrategy[Made]:
    endings = st.sampled_from([("base64", "2E"), ("hex", "2E"), ("slip", "C0"), ("ppp", "7E")])
    return st.tuples(endings, frames(name, depth + 1)).map(
        lambda drawn: (f"{drawn[0][0]}( {drawn[1][0]} ) {drawn[0][1]}", drawn[1][1])
    )


def tails(name: str) -> st.SearchStrategy[Made]:
    """The end of a frame: nothing, or a part of open width and what follows it."""
    raws = st.binary(max_size=5).map(lambda data: data.hex(" ").upper())
    return st.one_of(
        st.just(("", {})),
        TEXTS.map(lambda text: (f" {{{name}:text}}", {name: text})),
        raws.map(lambda data: (f" {{{name}:bytes}} {{{name}x:u8}} {{sum8:0..-2}}", {name: data, f"{name}x": 7})),
        st.just((" {_:..} {length:u8:0..}", {})),
    )


@st.composite
def frames(draw: st.DrawFn, prefix: str = "s", depth: int = 0) -> Made:
    """A template in the language, apart from its ranges and lengths, and values for its slots."""
    parts: list[str] = []
    values: dict[str, Value] = {}
    for number in range(draw(st.integers(1, 6 - 2 * depth))):
        name = f"{prefix}{number}"
        slots = st.one_of(*(kind(name) for kind in (integers, digits, bit_groups, texts, raw, decimals)))
        without: st.SearchStrategy[Made] = WITHOUT_SLOTS.map(lambda part: (part, {}))
        part, more = draw(st.one_of(slots, without, *([encoded(name, depth)] * (depth < 2))))
        parts.append(part)
        values |= more
    tail, more = draw(tails(f"{prefix}end"))
    return " ".join(parts) + tail, values | more
