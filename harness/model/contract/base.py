"""What the parts of a contract are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
Sentence = Annotated[str, Field(min_length=8)]


class Closed(BaseModel):
    """A closed object: a key that is not declared is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
