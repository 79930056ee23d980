"""How generated files are written: comments, Markdown tables, JSON, YAML."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

WIDTH = 118


def comment(*sentences: str, indent: int = 0) -> list[str]:
    """Return YAML comment lines: the sentences as one paragraph, each with a full stop, wrapped."""
    prefix = " " * indent + "# "
    paragraph = " ".join(sentence(part) for part in sentences if part.strip())
    return textwrap.wrap(
        paragraph,
        WIDTH,
        initial_indent=prefix,
        subsequent_indent=prefix,
        break_long_words=False,
        break_on_hyphens=False,
    )


def sentence(words: str) -> str:
    """Return the words on one line, ended by a full stop unless they end a sentence already."""
    line = " ".join(words.split())
    return line if not line or line[-1] in ".!?:" else f"{line}."


class _Dumper(yaml.SafeDumper):
    """YAML with lists indented below their key, as `ct lint` wants them, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # without quotes where that is read back as the same text, else in double quotes, as the rest of the file
    try:
        plain = yaml.safe_load(value) == value
    except yaml.YAMLError:
        plain = False
    style = "|" if "\n" in value else None if plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def to_yaml(value: Any, indent: int = 0) -> list[str]:
    """Return a value as lines of YAML in block style; keys stay in their order."""
    dumped = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=False
    )
    return [" " * indent + line if line else "" for line in dumped.removesuffix("...\n").splitlines()]


def to_json(value: Any) -> str:
    """Return a value as indented JSON with a line feed at its end; keys stay in their order."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def code(words: object) -> str:
    """Return words as Markdown code that may stand in a table, or nothing for nothing."""
    line = " ".join(str(words).split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


def cell(words: object) -> str:
    """Return prose for Markdown: on one line, no markup but its own code spans, and no end of a table's cell."""
    parts = " ".join(str(words).split()).replace("|", "\\|").split("`")
    plain = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    spans = parts[1::2]
    return "`".join(part for pair in itertools.zip_longest(plain, spans) for part in pair if part is not None)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table and an empty line, or nothing where there is no row; cells are Markdown already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *lines, ""]


def section(title: str, *bodies: Sequence[str], level: int = 2) -> list[str]:
    """Return a heading with its bodies below it, or nothing where all of them are empty."""
    lines = [line for body in bodies for line in body]
    return [f"{'#' * level} {title}", "", *lines] if lines else []


def page(*blocks: Sequence[str]) -> str:
    """Return blocks of lines as one Markdown file without empty lines at its end."""
    return "\n".join(line for block in blocks for line in block).rstrip() + "\n"
