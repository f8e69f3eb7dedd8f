# SPDX-License-Identifier: Apache-2.0
"""COMPAT.md says what the binary says. Renew its generated part with `./dev test --rewrite compat`."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import harness  # noqa: E402

BEGIN, END = "<!-- made from the code: begin -->\n", "<!-- made from the code: end -->\n"


def test_compat_page_is_in_step_with_the_code():
    page = ROOT / "COMPAT.md"
    text = page.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    made = subprocess.run([str(harness.BINARY), "version", "--compat"], capture_output=True, text=True, check=True).stdout
    wanted = before + BEGIN + "\n" + made + "\n" + END + after
    if os.environ.get("REWRITE_RESULTS"):
        page.write_text(wanted)
    assert page.read_text() == wanted
