"""Markdown read out as lines of plain text: no marks, no boxes, tables row by row, at most 78 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

WIDTH = 78
"""Columns of a line."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6} +(.*?)(?: +#+)? *$")
_ITEM = re.compile(r"( *)([-*+]|\d+[.)]) +(.*)")
_RULE = re.compile(r" *\|?[ :|-]*-[ :|-]*\|?[ :|-]*$")
_CODE = re.compile(r"(`+)(.+?)\1(?!`)")
_MARKS = (
    (re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)"), r"\1 (\2)"),
    (re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!|-])"), r"\1"),
)


def wrapped(text: str, first: str = "", then: str | None = None) -> list[str]:
    """One paragraph in lines of at most `WIDTH` columns; words stay whole where they fit.

    Args:
        first: what the first line begins with; `then`: the others, spaces of the same width without it.
    """
    later = " " * len(first) if then is None else then
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def without_marks(text: str) -> str:
    """Inline Markdown without its marks; a link keeps its address behind its words."""
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_unmarked(text[end : code.start()]), code[2].strip()]
        end = code.end()
    # Marks around code, as in **`x`**, stand in two pieces.
    return "".join([*pieces, _unmarked(text[end:])]).replace("**", "")


def _unmarked(text: str) -> str:
    for pattern, kept in _MARKS:
        text = pattern.sub(kept, text)
    return text


def read_out(markdown: str) -> list[str]:
    """The lines of a text, with an empty one between its paragraphs."""
    lines: list[str] = []
    for block in _blocks(markdown.split("\n")):
        lines += ["", *block] if lines else block
    return lines


def _blocks(source: list[str]) -> Iterator[list[str]]:
    """Headings, code, tables, list items and paragraphs, each as its lines."""
    at = 0
    while at < len(source):
        line = source[at]
        end = at + 1
        if not line.strip():
            at = end
            continue
        if fence := _FENCE.match(line):
            end = next((i for i in range(end, len(source)) if source[i].strip() == fence[1]), len(source))
            yield _code(source[at + 1 : end])
            end += 1
        elif heading := _HEADING.match(line):
            yield wrapped(f"Section: {without_marks(heading[1])}")
        elif "|" in line and end < len(source) and _RULE.match(source[end]):
            while end < len(source) and "|" in source[end]:
                end += 1
            yield _table(source[at:end])
        else:
            while end < len(source) and _goes_on(source[end]):
                end += 1
            yield _paragraph(source[at:end])
        at = end


def _goes_on(line: str) -> bool:
    """Whether a line belongs to the paragraph or the list item before it."""
    starts = (_FENCE, _HEADING, _ITEM)
    return bool(line.strip()) and not line.startswith("|") and not any(start.match(line) for start in starts)


def _paragraph(lines: list[str]) -> list[str]:
    text = " ".join(line.strip().removeprefix("> ") for line in lines)
    item = _ITEM.match(lines[0])
    if item is None:
        return wrapped(without_marks(text))
    mark = "- " if item[2] in "-*+" else f"{item[2]} "
    return wrapped(without_marks(" ".join([item[3], *(line.strip() for line in lines[1:])])), item[1] + mark)


def _code(lines: list[str]) -> list[str]:
    """Code as it stands, between two lines that say so."""
    shown: list[str] = []
    for line in lines:
        shown += [line[i : i + WIDTH - 4] for i in range(0, len(line), WIDTH - 4)] or [""]
    return ["Code:", *(f"    {line}".rstrip() for line in shown), "End of code."]


def _table(lines: list[str]) -> list[str]:
    """Each row as `header: value`, after a line that says how many there are."""
    headers, *rows = (_cells(line) for line in (lines[0], *lines[2:]))
    told = [f"Table of {len(rows)} {'row' if len(rows) == 1 else 'rows'}:"]
    for number, row in enumerate(rows, 1):
        pairs = [
            f"{header}: {cell}" if header else cell
            for header, cell in zip(headers, row, strict=False)
            if cell
        ]  # fmt: skip
        told += wrapped("; ".join(pairs) + ".", f"  row {number}, ")
    return [*told, "End of table."]


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [without_marks(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]
