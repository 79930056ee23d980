"""What the parts of a contract are made of."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
Sentence = Annotated[str, Field(min_length=8)]
Tier = Literal["data", "core", "services", "batch"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""The tiers in the order of a first installation: none needs a later one hard (rule slices)."""
Role = Literal["admin", "siteAdmin", "siteTester", "userGroupManager", "slaManager"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Roles of groups in the applications (`global.groups`); the names are those of the Federation-Manager."""


class Closed(BaseModel):
    """A closed object: a key that is not declared is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
