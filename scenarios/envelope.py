"""What every scenario file says besides its levers: what it is, in three languages, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scenarios.fields import Strict, Text
from scenarios.future_levers import FutureLevers
from scenarios.policy_levers import PolicyLevers

LANGUAGES = ("en", "ru", "kk")
Name = Annotated[str, Field(min_length=1, max_length=300)]


class Words(Strict):
    """A text by language; Russian and Kazakh default to English."""

    en: Text
    ru: Annotated[str, Field(max_length=2000)] = ""
    kk: Annotated[str, Field(max_length=2000)] = ""


class Envelope(Strict):
    """The keys of a scenario file that are no levers."""

    format: Literal[1] = Field(alias="schema", description="version of this format: 1")
    kind: Literal["policy", "future"] = Field(
        description="policy: what a government sets; future: what nobody here sets"
    )
    title: Words
    description: Words | None = None
    sources: Annotated[tuple[Text, ...], Field(max_length=100, strict=False)] = Field(
        (), description="one text a source"
    )
    assumptions: Annotated[tuple[Text, ...], Field(max_length=100, strict=False)] = Field(
        (), description="what has no source"
    )
    extends: Name | None = Field(
        None, description="a file of the library, or a path from this file, to start from"
    )
    combines: Annotated[tuple[Name, ...], Field(max_length=50, strict=False)] = Field(
        (), description="several of them, whose levers are put together"
    )
    remove: Annotated[tuple[Name, ...], Field(max_length=500, strict=False)] = Field(
        (), description="inherited levers to leave out, as 'lever.NAME'"
    )


class PolicyFile(Envelope, PolicyLevers):
    """A policy file: what a government sets."""


class FutureFile(Envelope, FutureLevers):
    """A future file: what nobody here sets."""


LEVERS: dict[str, type[PolicyLevers] | type[FutureLevers]] = {"policy": PolicyLevers, "future": FutureLevers}


def envelope_keys() -> tuple[str, ...]:
    """Names of the keys of a file that are no levers, as written there."""
    return tuple(field.alias or name for name, field in Envelope.model_fields.items())
