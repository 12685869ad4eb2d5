"""The right word that a wrong one was probably meant to be; used by `unknot.diagnostics.source`.

Right words come from the sentence about what was expected, or from the pydantic model in whose table a key stands.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import BaseModel

LONGEST = 60
"""A word of more characters is no misspelt one (judgement); comparing it would take long."""


def nearest(word: str, right: Iterable[str], present: Iterable[str] = ()) -> str:
    """The right word that looks most like this one, and is not there already; an empty string if none does."""
    if len(word) > LONGEST:
        return ""
    by_likeness = {_plain(one): one for one in right if one not in present}
    close = get_close_matches(_plain(word), by_likeness, n=1)
    found = by_likeness[close[0]] if close else ""
    return found if found != word else ""


def quoted_word(found: str) -> str:
    """The word that stands quoted at the end of what was found, or an empty string."""
    match = re.search(r"(?:^|\s)'([^']+)'$", found)
    return match[1] if match else ""


def alternatives(expected: str) -> tuple[str, ...]:
    """The words of a sentence such as "one of a, b or c"; none if it is not a list of single words."""
    first, *others = re.split(r", | or ", expected)
    words = [first.rpartition(" ")[2] if others else first, *others]
    words = [word.strip("'\"") for word in words]
    return tuple(words) if all(re.fullmatch(r"[\w.-]+", word) for word in words) else ()


def keys_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys, as files write them, of the table at pydantic's location in a model."""
    annotations: list[Any] = [model]
    for part in location:
        # A location also counts and names what no annotation shows: it is passed over.
        annotations = [inner for annotation in annotations for inner in _below(annotation, part)] or annotations
    return [
        field.alias or name
        for annotation in annotations
        for section in _models(annotation)
        for name, field in section.model_fields.items()
    ]


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotations under a key, an index, or the word that tells a kind of table from others."""
    if _is_model(annotation):
        fields = annotation.model_fields
        inner = [field.annotation for name, field in fields.items() if part in (field.alias, name)]
        tells_its_kind = any(part in get_args(field.annotation) for field in fields.values())
        yield from inner or ([annotation] if tells_its_kind else [])
    elif get_origin(annotation) is dict:
        yield get_args(annotation)[1]
    elif get_origin(annotation) in (tuple, list):
        yield get_args(annotation)[0]
    else:
        for one in get_args(annotation):
            yield from _below(one, part)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of which a value may be one."""
    if _is_model(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _is_model(annotation: Any) -> bool:
    from pydantic import BaseModel

    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
