"""The base of all parts of a profile file; used by `unknot.profiles.model` and the modules that it is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """The base of all parts of a profile: frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
