# SPDX-License-Identifier: Apache-2.0
"""The house rules that a compiler does not check: direction of includes, banned calls, heavy headers, dead links."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
FLOORS = {
    "base": 0,
    "net": 1, "wire/kafka": 1, "wire/cql": 1, "sql": 1,
    "log": 2, "table": 2, "client": 2, "http": 2,
    "broker": 3, "cql": 3, "stream": 3, "transfer": 3,
    "main": 5,
}
SOURCES = sorted(p for p in SRC.rglob("*") if p.suffix in (".h", ".cc") and p.parent != SRC)
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.M)


def room_of(path: str) -> str:
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "wire" else parts[0]


def test_there_is_something_to_check():
    assert len(SOURCES) > 20


def test_every_source_stands_in_a_known_room():
    unknown = {room_of(str(p.relative_to(SRC))) for p in SOURCES} - FLOORS.keys()
    assert not unknown, f"rooms without a floor: {unknown}"


def test_includes_go_down():
    wrong = []
    for path in SOURCES:
        own = room_of(str(path.relative_to(SRC)))
        for included in INCLUDE.findall(path.read_text()):
            other = room_of(included)
            if other not in FLOORS:
                wrong.append(f"{path.relative_to(ROOT)}: '{included}' is not a path from src/")
            elif other != own and FLOORS[other] >= FLOORS[own]:
                wrong.append(f"{path.relative_to(ROOT)}: {own} (floor {FLOORS[own]}) includes {included} (floor {FLOORS[other]})")
    assert not wrong, "\n".join(wrong)


def test_room_declarations_agree_with_the_floors():
    wrong = []
    for path in SRC.rglob("CMakeLists.txt"):
        text = re.sub(r"#.*", "", path.read_text())
        declared = re.search(r"room\((\S+)\s+FLOOR (\d)", text)
        if declared and FLOORS.get(declared[1]) != int(declared[2]):
            wrong.append(f"{path.relative_to(ROOT)}: floor {declared[2]}")
    assert not wrong, wrong


BANNED = {
    r"\bstd::thread\b": ("net", "net::Loops or net::BlockingPool"),
    r"\bstd::jthread\b": ("net", "net::Loops or net::BlockingPool"),
    r"\bsleep_for\b|\busleep\(|\bsleep\(": ("", "a timer of net::Loop, or wait for the event itself"),
    r"\bstd::regex\b": ("", "a parser: std::regex recurses on its input"),
    r"\brand\(\)|\bsrand\(": ("", "<random> with a seed that is printed"),
    r"\busing namespace std;": ("", "names with std::"),
}


def test_banned_calls_have_replacements():
    wrong = []
    for path in SOURCES:
        room = room_of(str(path.relative_to(SRC)))
        text = re.sub(r"//.*", "", path.read_text())
        for pattern, (allowed, instead) in BANNED.items():
            if room != allowed and (found := re.search(pattern, text)):
                wrong.append(f"{path.relative_to(ROOT)}: {found[0]}: use {instead}")
    assert not wrong, "\n".join(wrong)


HEAVY = r'#include [<"](boost/asio|boost/beast|rocksdb/|tao/pegtl|librdkafka|simdjson|yaml-cpp|boost/json|CLI/)'


def test_heavy_headers_stay_inside_their_room():
    """A room may share a slow part among its own files; no other room may come to include it, however indirectly."""
    includes = {str(p.relative_to(SRC)): INCLUDE.findall(p.read_text()) for p in SOURCES}
    heavy = {name for name in includes if name.endswith(".h") and re.search(HEAVY, (SRC / name).read_text())}
    allowed = {"net/asio_loop.h": {"net", "http"}}
    wrong = []
    for name in includes:
        seen, open_ = set(), list(includes[name])
        while open_:
            header = open_.pop()
            if header in seen or header not in includes:
                continue
            seen.add(header)
            open_ += includes[header]
        wrong += [f"{name} includes {h}" for h in seen & heavy
                  if room_of(h) != room_of(name) and room_of(name) not in allowed.get(h, set())]
    assert not wrong, "\n".join(wrong)


def test_every_source_names_its_licence():
    missing = [str(p.relative_to(ROOT)) for p in SOURCES if "SPDX-License-Identifier: Apache-2.0" not in p.read_text()[:200]]
    assert not missing, missing


def test_headers_are_included_once():
    missing = [str(p.relative_to(ROOT)) for p in SOURCES if p.suffix == ".h" and "#pragma once" not in p.read_text()]
    assert not missing, missing


def test_files_stay_readable():
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := p.read_text().count("\n")) > 900}
    assert not long, f"look for the second noun in: {long}"


def test_links_in_documents_lead_somewhere():
    dead = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert not dead, "\n".join(dead)
