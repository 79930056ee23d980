"""Makes HTML and SVG from values; whatever is not markup already is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Text that is markup; `el` and `join` make it."""

    __slots__ = ()


def el(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    Args:
        tag: its name.
        children: strings (escaped), markup (as it is), lists of them; None is left out.
        attributes: `class_` and `for_` lose the underscore at the end, other underscores become hyphens; None and
            False are left out, True is an attribute without a value.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def join(children: Iterable[object]) -> Html:
    """Return children one after the other, escaped unless they are markup."""
    parts = []
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Html):
            parts.append(str(child))
        elif isinstance(child, (list, tuple)):
            parts.append(str(join(child)))
        else:
            parts.append(escape(str(child), quote=False))
    return Html("".join(parts))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {key}="{escape(shown)}"'
