"""Documents: every link leads to something that is there, and every page is to be found from the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.paths import repository
from harness.process import run

ROOT = repository()
INDEX = "docs/README.md"
FOLDERS = ("adr", "runbooks")  # listed as a whole
LINK = re.compile(r"\]\(([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages(root: Path) -> list[Path]:
    """Return the Markdown pages that Git has or would take."""
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
    listed = run(*words, cwd=root).stdout.splitlines() if (root / ".git").exists() else []
    return [root / name for name in listed if (root / name).is_file()] or sorted(root.rglob("*.md"))


def anchors(page: Path) -> set[str]:
    """Return the names that a page's headings can be linked by, as GitHub makes them."""
    titles = HEADING.findall(CODE.sub(lambda found: found[0].strip("`").replace("\n#", ""), page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower()).replace(" ", "-") for title in titles}


def broken(root: Path) -> Iterator[str]:
    """Yield `page: link` for every link to a file or a heading that is not there."""
    for page in pages(root):
        for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            path, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            target = page.parent / path if path else page
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                yield f"{page.relative_to(root)}: {link}"


def unlisted(root: Path) -> set[str]:
    """Return the pages below docs/ that the index does not name."""
    index = root / INDEX
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    return {
        str(page.relative_to(root))
        for page in pages(root)
        if page.is_relative_to(root / "docs") and page.parent.name not in FOLDERS and page != index
        and page.resolve() not in listed
    }  # fmt: skip


def test_every_link_leads_somewhere() -> None:
    assert list(broken(ROOT)) == []


def test_every_page_is_in_the_index() -> None:
    assert unlisted(ROOT) == set()
    assert all(f"({folder}/" in (ROOT / INDEX).read_text(encoding="utf-8") for folder in FOLDERS)


@pytest.mark.parametrize("link", ["gone.md", "other.md#no-heading", "#nowhere"])
def test_a_link_to_nothing_is_found(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/other.md").write_text("# A `heading`: of [some](x.md) words\n", encoding="utf-8")
    index = "[this](other.md#a-heading-of-some-words)\n"
    (tmp_path / "docs/x.md").touch()
    (tmp_path / INDEX).write_text(index, encoding="utf-8")
    assert list(broken(tmp_path)) == []
    assert unlisted(tmp_path) == {"docs/x.md"}
    (tmp_path / INDEX).write_text(f"{index}`[code](gone.md)` [that]({link})\n", encoding="utf-8")
    assert list(broken(tmp_path)) == [f"docs/README.md: {link}"]
