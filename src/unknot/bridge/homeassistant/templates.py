"""The templates with which Home Assistant reads what a gateway tells, as texts; used by `entities`.

Each is quiet when a topic is cleared (then there is no ``value_json``), when a value is null and when it is none of
those that the entity knows: "None" is Home Assistant's word for not known. Nothing that a person has named stands in
them, only ids and numbers of ours. They use what every Jinja has, so that tests can render them. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable


def of(key: str) -> str:
    """A value of what was told, to stand within a template; undefined if it was not told. "a.b" is b in a."""
    outer, _, inner = key.rpartition(".")
    return f"({of(outer) if outer else 'value_json'}|default({{}})).{inner}"


def told(key: str) -> str:
    """A value as it is; an empty one is not known."""
    return f"{{{{ {of(key)}|default(none, true) }}}}"


def short(key: str, most: int) -> str:
    """The first signs of a text; an empty one is not known."""
    return f"{{{{ ({of(key)}|default(none, true)|string)[:{most}] }}}}"


def whole(key: str) -> str:
    """A number without its fraction."""
    return f"{{% set v = {of(key)} %}}{{{{ v|round|int if v is number else None }}}}"


def within(key: str, low: int, high: int) -> str:
    """A number without its fraction, if it lies between ``low`` and ``high``."""
    return f"{{% set v = {of(key)} %}}{{{{ v|round|int if v is number and {low} <= v <= {high} else None }}}}"


def among(key: str, words: Iterable[str]) -> str:
    """A word, if it is one of these."""
    return f"{{% set v = {of(key)} %}}{{{{ v if v in {listed(words)} else None }}}}"


def either(condition: str, key: str, yes: str, no: str) -> str:
    """``yes`` or ``no``, after a condition on ``v``, which is the value."""
    return f"{{% set v = {of(key)} %}}{{{{ None if v is not defined else '{yes}' if {condition} else '{no}' }}}}"


def count(key: str) -> str:
    """How many there are in a list."""
    return f"{{% set v = {of(key)} %}}{{{{ v|length if v is iterable and v is defined else None }}}}"


def attributes(**values: str) -> str:
    """An object for an entity's attributes: each name with where its text is found; an empty text if it is not told."""
    pairs = ", ".join(f"'{name}': {of(key)}|default('', true)" for name, key in values.items())
    return f"{{{{ {{{pairs}}}|tojson }}}}"


def event(words: Iterable[str]) -> str:
    """What was told, if its ``event_type`` is one of these, else nothing, which Home Assistant passes over."""
    return f"{{{{ value if {of('event_type')}|default('') in {listed(words)} else '' }}}}"


def event_by(key: str, words: Iterable[str]) -> str:
    """The same for what has its kind under another key."""
    known = f"v in {listed(words)}"
    return f"{{% set v = {of(key)}|default('') %}}{{{{ dict(value_json, event_type=v)|tojson if {known} else '' }}}}"


def command(key: str) -> str:
    """A `unknot.bridge.payloads.SetCommand` with the number or the word that was chosen."""
    return f'{{"{key}": {{{{ value|tojson }}}} }}'


def listed(words: Iterable[str]) -> str:
    """The words as a list, to stand within a template."""
    return json.dumps([str(word) for word in words])
