"""Changes one key of a YAML file that people write, and nothing else in it: comments and layout stay."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import yaml

from harness.errors import UserError

_PLAIN = re.compile(r"[A-Za-z][\w-]*")


def set_text(text: str, key: Sequence[str], value: str, where: str = "values") -> str:
    """Return the text of a YAML file with a key set to a text, in quotes; maps above it are made where they are absent.

    Args:
        text: of the file, block style on the way to the key; `{}` counts as absent.
        key: the steps to it.
        value: what it is set to.
        where: the file's name, for errors.

    Raises:
        UserError: it is no map of maps on the way to the key, or written in braces there.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise UserError("expected a mapping", where=where)
    lines = text.splitlines()
    changed = _set(lines, root, list(key), value, -2, where)
    result = "\n".join(changed) + "\n"
    found = yaml.safe_load(result)
    for step in key:
        found = found[step]
    if found != value:  # the file is odd in a way that is not known here: better not touched
        raise UserError(f"cannot write {'.'.join(key)}", where=where, fix=f"write it by hand: {json.dumps(value)}")
    return result


def _set(lines: list[str], node: yaml.Node | None, key: list[str], value: str, indent: int, where: str) -> list[str]:
    """Return the lines with the rest of a key set in the map `node`, which is the value of a key indented so far."""
    if isinstance(node, yaml.MappingNode) and node.value:
        if node.flow_style:
            raise UserError(f"{key[0]}: stands in braces", where=where, fix="write the map in lines, one for each key")
        column = node.value[0][0].start_mark.column
        for name, inner in node.value:
            if name.value != key[0]:
                continue
            if len(key) == 1:
                return _replaced(lines, name, inner, value, where)
            if isinstance(inner, yaml.ScalarNode) and inner.tag != "tag:yaml.org,2002:null":
                raise UserError(f"{key[0]}: is no map", where=where, fix="write the keys below it as a map")
            if isinstance(inner, yaml.MappingNode) and inner.value:
                return _set(lines, inner, key[1:], value, column, where)
            line = name.start_mark.line
            opened = re.sub(r":\s*(\{\s*\}|null|~)?(\s+#.*)?$", r":\2", lines[line])
            return [*lines[:line], opened, *_block(key[1:], value, column + 2), *lines[line + 1 :]]
        last = _last_line(node)
        return [*lines[: last + 1], *_block(key, value, column), *lines[last + 1 :]]
    return [*lines, *_block(key, value, indent + 2)]


def _replaced(lines: list[str], name: yaml.Node, inner: yaml.Node, value: str, where: str) -> list[str]:
    start, end = inner.start_mark, inner.end_mark
    if not isinstance(inner, yaml.ScalarNode) or start.line != end.line or start.line != name.start_mark.line:
        raise UserError(f"line {start.line + 1}: is no text on one line", where=where, fix="write it as one")
    line = lines[start.line]
    before = line[: start.column] if start.column > name.end_mark.column + 1 else f"{line[: name.end_mark.column]}: "
    return [*lines[: start.line], before + json.dumps(value) + line[end.column :], *lines[start.line + 1 :]]


def _last_line(node: yaml.Node) -> int:
    """Return the line on which a node's last scalar or brace ends; comments and empty lines after it are not its."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        name, inner = node.value[-1]
        return max(_last_line(inner), int(name.end_mark.line))
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1])
    end: int = node.end_mark.line
    return end if node.end_mark.column > 0 else max(end - 1, node.start_mark.line)


def _block(key: list[str], value: str, column: int) -> list[str]:
    names = [step if _PLAIN.fullmatch(step) else json.dumps(step) for step in key]
    lines = [f"{' ' * (column + 2 * depth)}{name}:" for depth, name in enumerate(names)]
    return [*lines[:-1], f"{lines[-1]} {json.dumps(value)}"]
