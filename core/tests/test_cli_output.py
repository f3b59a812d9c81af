"""What the terminal shows: names that could be markup, and IDs that can be copied."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from consilience.cli.output import run_notice_lines, table
from consilience.model import Notice
from consilience.study.analysing import NoticesOfRun
from consilience.text import one_line, safe_file_name, shortened, spreadsheet_cell

ROWS = [["[/oops]", "[bold red]x[/]"], ["<b>", "a\x1b[31mb"]]
DRAW = "from consilience.cli.output import table; table(['sample', 'finding'], {rows!r}, 'none')"


def on_a_terminal(code: str, columns: int = 60) -> str:
    """Run Python with a pseudo-terminal as its standard output."""
    main, child = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=child, stderr=subprocess.PIPE, env=env
    )
    os.close(child)
    shown = b""
    try:
        while block := os.read(main, 65536):
            shown += block
    except OSError:
        pass  # the terminal is gone with the process
    _, error = process.communicate(timeout=60)
    os.close(main)
    assert process.returncode == 0, error.decode()
    return shown.decode()


def test_names_that_look_like_markup_are_shown_on_a_terminal() -> None:
    text = on_a_terminal(DRAW.format(rows=ROWS))
    assert "[/oops]" in text
    assert "[bold red]x[/]" in text
    assert "\x1b[31mb" not in text


def test_an_identifier_is_never_cut_on_a_narrow_terminal() -> None:
    rows = [["a sample with quite a long name that has to be folded", "f-0123456789abcdef"]]
    assert "f-0123456789abcdef" in on_a_terminal(DRAW.format(rows=rows), columns=40)


def without_colours(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


WIDE = (
    "from consilience.cli.output import table; "
    "table(['finding', 'sample', 'kind', 'says', 'origin', 'caveat'], "
    "[['f-0123456789abcdef', 'powder B', 'lattice_parameter', "
    "'cannot tell: every peak that it would explain is explained by lithium carbonate', "
    "'simulated', '']], 'none')"
)


def test_a_table_that_does_not_fit_is_written_row_by_row_with_no_word_broken() -> None:
    shown = without_colours(on_a_terminal(WIDE, columns=80))
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines[:3] == [
        "finding  f-0123456789abcdef",
        "sample   powder B",
        "kind     lattice_parameter",
    ]
    assert "carbonate" in " ".join(lines).split()
    assert not any("caveat" in line for line in lines), "what is empty takes no line"


def test_a_table_that_fits_breaks_no_word_and_leaves_the_room_to_the_text() -> None:
    shown = without_colours(on_a_terminal(WIDE, columns=120))
    rows = [line.split("│")[1:-1] for line in shown.splitlines() if "│" in line]
    assert [cell.strip() for cell in rows[0]][:3] == [
        "f-0123456789abcdef",
        "powder B",
        "lattice_parameter",
    ]
    assert rows[0][4].strip() == "simulated"
    assert " ".join(row[3].strip() for row in rows).endswith("is explained by lithium carbonate")
    assert all(len(line) <= 120 for line in shown.splitlines())


def test_json_on_a_terminal_is_plain_ascii() -> None:
    code = "from consilience.cli.output import print_json; print_json({'a': '\\x9b\\u202e'})"
    shown = on_a_terminal(code)
    assert shown.isascii()
    assert json.loads(shown) == {"a": "\x9b\u202e"}


def test_without_a_terminal_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    table(["a", "b"], [["x", None], ["long", 3]], "none")
    assert capsys.readouterr().out == "a     b\nx     unknown\nlong  3\n"


@pytest.mark.parametrize("cell", ["=1+1", " =1+1", "\n=1", "＝1+1", "-1+cmd", "@x", "+1", "\tx"])
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert spreadsheet_cell(cell) == "'" + cell


def test_other_cells_stay_as_they_are() -> None:
    assert spreadsheet_cell("LiF") == "LiF"
    assert spreadsheet_cell(-1.5) == -1.5
    assert spreadsheet_cell(None) == "unknown"


def test_text_for_a_line_and_for_a_file_name() -> None:
    assert one_line("a\nb\u202ec") == "a\\x0ab\\u202ec"
    assert safe_file_name("../../etc/pass wd") == "etc_pass_wd"
    assert safe_file_name("...") == "unnamed"


def test_what_runs_noticed_stands_under_the_signals_it_speaks_of() -> None:
    def run(signal: str, text: str) -> NoticesOfRun:
        notice = Notice(code="c", message=text, fix="do", severity="info")
        return NoticesOfRun("p.a", (signal,), (f"scan.emd: {signal}",), (notice,))

    noticed = [
        run("EDS 1", "EDS 1: no k-factors"),
        run("EELS", "no zero loss"),
        run("EDS 2", "EDS 2: no k-factors"),
    ]
    assert list(run_notice_lines(noticed)) == [
        "p.a on scan.emd: EDS 1, scan.emd: EDS 2",
        "  info: no k-factors",
        "    fix: do",
        "p.a on scan.emd: EELS",
        "  info: no zero loss",
        "    fix: do",
    ]


def test_a_long_cell_is_cut_between_words_and_says_so() -> None:
    assert shortened("short enough", 12) == "short enough"
    assert shortened("void fraction grew, and the rim", 22) == "void fraction grew…"
    assert shortened("x" * 40, 10) == "x" * 9 + "…"


def test_many_scans_with_one_name_of_their_signal_take_one_line() -> None:
    titles = tuple(f"scan-{i}-before-{'m' * 30}.nxs: entry.maps" for i in range(7))
    notice = Notice(code="c", message="no scale", fix="", severity="info")
    head, _ = run_notice_lines([NoticesOfRun("p.a", titles, titles, (notice,))])
    assert head == f"p.a on scan-0-before-{'m' * 30}.nxs and 6 more: entry.maps"
