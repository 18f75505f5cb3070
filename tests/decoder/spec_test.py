#!/usr/bin/env python3
"""formats/SPEC.md against the code: each list has its table, each row the same numbers, each constant the same value.

    spec_test.py [ROOT]

Reads text only, no build. Says what differs, one line each; exit status 1 if anything does.
"""
import os
import re
import sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Constants of the code that are no part of the format: a reader's or writer's own business.
NOT_OF_THE_FORMAT = {"CAP_ERR_TEXT_BYTES", "CAP_FLAG_KNOWN"}
HEADERS = ("limits.h", "body_layout.h", "block_header.h", "bytes.h")
FILES = {name: os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(ROOT, "formats")) for name in names}
problems, checked = [], 0


def read(name):
    with open(FILES[name], encoding="utf-8") as file:
        return file.read()


def expect(condition, text):
    global checked
    checked += 1
    if not condition:
        problems.append(text)


def same(what, code, text):
    """Two dicts or lists of the same things."""
    if not isinstance(code, dict):
        code, text = dict(enumerate(code)), dict(enumerate(text))
    for key in sorted(set(code) | set(text), key=str):
        expect(code.get(key) == text.get(key), f"{what} {key}: the code has {code.get(key, 'nothing')}, SPEC.md {text.get(key, 'nothing')}")


# -------- the text --------

SPEC = read("SPEC.md")


def section(title):
    """-> text from a heading that begins so, to the next one of its level or above"""
    match = re.search(rf"^(#+) {re.escape(title)}.*?$", SPEC, re.M)
    if not match:
        problems.append(f"SPEC.md has no section '{title}'")
        return ""
    rest = SPEC[match.end():]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.M)
    return rest[:end.start()] if end else rest


def tables(text):
    """-> [[row as a list of cells]] of the tables in it, heads first"""
    found, rows = [], []
    for line in text.splitlines() + [""]:
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not all(re.fullmatch("-+", cell) for cell in cells):
                rows.append(cells)
        elif rows:
            found.append(rows)
            rows = []
    return found


def table(text, *head):
    """-> rows below the head of the table that begins with these columns"""
    for rows in tables(text):
        if tuple(rows[0][:len(head)]) == head:
            return rows[1:]
    problems.append(f"SPEC.md has no table {' | '.join(head)} where it is looked for")
    return []


def numbered(text, *head, name=1):
    return {int(row[0]): row[name] for row in table(text, *head)}


# -------- the code --------

def macro(text, name, count):
    """-> argument lists of NAME(...) at the beginning of a line, quotes removed"""
    found = re.findall(rf"^{name}\(([^)]*)\)", text, re.M)
    lists = [[part.strip().strip('"') for part in args.split(",")] for args in found]
    return [args for args in lists if len(args) == count]


def enum(text, name, prefix):
    """-> {value: name without prefix}"""
    body = re.search(rf"enum {name} \{{(.*?)\}};", text, re.S)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    return {int(value): item for item, value in re.findall(rf"{prefix}(\w+) = (\d+)", body)}


def budgets():
    """-> {name: (fixed part, times the file's size)} of the #define CAP_NAME(file_bytes)"""
    found = {}
    for name, value in re.findall(r"^#define (CAP_\w+)\(file_bytes\) ([^/\n]*)", read("limits.h").replace("\\\n", " "), re.M):
        match = re.fullmatch(r"\s*\(\((\d+)ull << (\d+)\) \+ (\d+) \* \(file_bytes\)\)\s*", value)
        expect(match, f"{name} is not of the form that spec_test.py reads: {value}")
        if match:
            found[name] = int(match[1]) << int(match[2]), int(match[3])
    return found


def constants():
    """-> {name: value} of all #define CAP_NAME number"""
    found = {}
    for header in HEADERS:
        text = read(header).replace("\\\n", " ")
        for name, value in re.findall(r"^#define (CAP_\w+)[ \t]+([^\n]*)", text, re.M):
            value = re.sub(r"/\*.*", "", value).strip()
            value = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)u?l?l?\b", r"\1", value)
            if re.fullmatch(r"[0-9a-fA-Fx()<<*+ ]+", value):
                found[name] = eval(value)  # numbers and shifts only, as the pattern says
    return found


# -------- comparisons --------

def check_events():
    text = read("events.def")
    kinds = {row[1]: row[2] for row in macro(read("kinds.def"), "KIND", 4)}
    kinds |= {row[2]: row[3] for row in macro(read("enums.def"), "ENUM", 4)}
    units = {row[1]: row[2] for row in macro(read("kinds.def"), "UNIT", 3)}
    senses = {row[1]: row[2] for row in macro(read("kinds.def"), "SENSITIVITY", 3)}
    blocks = {row[1]: row[2] for row in macro(read("blocks.def"), "BLOCK", 5)}
    events = macro(text, "EVENT_BEGIN", 6)
    fields = macro(text, "FIELD", 9)
    chapter = section("8. Row types")
    same("row type", {int(e[0]): e[2] for e in events}, {int(number): name for name, number in re.findall(r"^### (\w+) \((\d+)\)$", chapter, re.M)})
    for number, _, name, block, *_ in events:
        own = section(f"{name} ({number})")
        code = {int(f[1]): (f[3], f[2], kinds[f[4]], units[f[6]], senses[f[7]], {"REQ": "always", "OPT": "optional"}[f[8]])
                for f in fields if f[0] == name}
        same(f"field of {name}", code, {int(row[0]): tuple(row[1:7]) for row in table(own, "id", "field", "type", "kind", "unit", "sensitivity", "column")})
        expect(f"Stored in {blocks[block]} blocks" in own, f"{name}: SPEC.md does not say 'Stored in {blocks[block]} blocks'")
    flags = {name: int(value) for value, name in re.findall(r"^FLAG\((\d+), (EV_[A-Z_]+)\)", text, re.M)}
    shown = {row[1]: int(row[0]) for rows in tables(chapter) if rows[0][:2] == ["flag", "name"] for row in rows[1:]}
    same("flag", flags, shown)
    frames = re.search(r"#define EV_MAX_FRAMES (\d+)", read("events.h"))[1]
    expect(f"EV_MAX_FRAMES ({frames})" in chapter, f"EV_MAX_FRAMES is not {frames} in SPEC.md")


def check_lists():
    kinds, enums = read("kinds.def"), read("enums.def")
    chapter = section("6. SCHEMA")
    blocks = {int(b[0]): (b[2], {"SKIPPABLE": "yes", "NEEDED": "no"}[b[3]], b[4].lower()) for b in macro(read("blocks.def"), "BLOCK", 5)}
    same("block type", blocks, {int(row[0]): tuple(row[1:4]) for row in table(section("4. Block types"), "type", "name", "skippable", "body")})
    all_kinds = {int(k[0]): (k[2], k[3]) for k in macro(kinds, "KIND", 4)}
    all_kinds |= {int(e[1]): (e[3], "VARINT") for e in macro(enums, "ENUM", 4)}
    same("kind", all_kinds,
         {int(row[0]): (row[1], row[3]) for row in table(section("Kinds"), "kind", "name", "value", "encoding")})
    same("unit", {int(u[0]): u[2] for u in macro(kinds, "UNIT", 3)}, numbered(section("Units"), "unit", "name"))
    same("sensitivity", {int(s[0]): s[2] for s in macro(kinds, "SENSITIVITY", 3)}, numbered(section("Sensitivity"), "sensitivity", "name"))
    values = [v for v in macro(enums, "ENUM_VALUE", 4) if v[1].isdigit()]
    values += [("event_class", *row) for row in re.findall(r'^CLASS\((\d+), (\w+), (\w+),', read("classes.def"), re.M)]
    titles = {"event_class": "Event classes", "loss_reason": "Loss reasons", "class_state": "Class states", "governed_resource": "Governed resources", "wait_reason": "Wait reasons",
              "block_op": "Disk operations", "stall_kind": "Memory stalls", "file_kind": "File kinds"}
    for name, title in titles.items():
        same(name, {int(v[1]): v[3] for v in values if v[0] == name}, numbered(section(title), "value", "name"))
    expect({v[0] for v in values} == set(titles), "enums.def has an enum that spec_test.py does not know")
    same("encoding", enum(read("schema.h"), "cap_encoding", "CAP_ENC_"), numbered(section("Encodings"), "id", "name"))
    same("end reason", {int(r[0]): f"CAP_END_{r[1]}" for r in macro(read("end_reasons.def"), "END_REASON", 3)},
         numbered(section("END"), "reason", "name"))
    codec = read("schema_codec.c")
    sizes = {name: int(value) for name, value in re.findall(r"#define (TYPE|FIELD|ENUM)_FIXED_BYTES (\d+)", codec)}
    same("schema record", {value: sizes[name] for value, name in enum(codec, "schema_tag", "TAG_").items()},
         {int(row[0]): int(row[3]) for row in table(chapter, "tag", "record", "fixed part", "fixed_len")})
    tlvs = dict(re.findall(r"TLV_(\w+) = (\d+)", read("file_header_decode.c")))
    same("file header entry", {int(value): name.lower().replace("hostname", "host name").replace("_", " ") for name, value in tlvs.items()},
         numbered(section("5. FILE_HEADER"), "tag", "entry"))


def check_layouts():
    layout = read("body_layout.h")
    same("section kind", enum(layout, "cap_section_kind", "CAP_SECTION_"), numbered(section("Body"), "kind", "name"))
    names = {"prologue_len": "LEN", "attempted": "ATTEMPTED", "": "RESERVED"}
    same("prologue offset", enum(layout, "cap_prologue_offset", "CAP_PRO_"),
         {int(row[0]): names.get(row[2], row[2].upper()) for row in table(section("7. Blocks of rows"), "off", "size", "prologue field")})
    offsets = {int(value): name for name, value in re.findall(r"\bOFF_(\w+) = (\d+)", read("block_header.c"))}
    shown = {int(row[0]): row[2].upper() or "RESERVED" for row in table(section("3. Block header"), "off", "size", "field") if row[0].isdigit()}
    del shown[64]  # what later versions add
    offsets[8] = "MARKER"
    same("block header offset", offsets, shown)
    for title, head in (("3. Block header", ("off", "size", "field")), ("5. FILE_HEADER", ("off", "size", "field")),
                        ("7. Blocks of rows", ("off", "size", "prologue field")), ("Body", ("off", "size", "directory entry: 24 bytes")),
                        ("Body", ("off", "size", "column entry: 12 bytes")), ("INDEX", ("off", "size", "entry: CAP_INDEX_ENTRY_BYTES (48)")),
                        ("END", ("off", "size", "field"))):
        at = 0
        for row in table(section(title), *head):
            if not row[0].isdigit() or not row[1].isdigit():
                break
            expect(int(row[0]) == at, f"{title}: field at {row[0]} begins where {at} is due")
            at = int(row[0]) + int(row[1])
    marker = re.search(r'#define CAP_MARKER "(.*)"', read("block_header.h"))[1]
    marker = marker.encode().decode("unicode_escape").encode("latin-1")
    expect(" ".join(f"{byte:02X}" for byte in marker) in section("3. Block header"), "the marker's bytes are not in SPEC.md")
    for release in macro(read("released.def"), "RELEASED", 4) if "released.def" in FILES else []:
        expect(f"{int(release[3][:-3], 16):016X}" in SPEC, f"released schema {release[3]} is not in SPEC.md")


def check_constants():
    code = {name: value for name, value in constants().items() if name not in NOT_OF_THE_FORMAT}
    limits = {row[0]: int(row[1]) for row in table(section("10. Limits"), "constant", "value")}
    inline = {name: int(value, 0) for name, value in re.findall(r"\b(CAP_[A-Z_]+),? (0x[0-9a-fA-F]+|\d+)\b", section("10. Limits"))}
    known = {**inline, **limits}
    scale = {"Ki": 10, "KiB": 10, "Mi": 20, "MiB": 20}
    shown = {name: (int(number) << scale[unit], int(factor)) for name, number, unit, factor in
             re.findall(r"\b(CAP_[A-Z_]+),\s(\d+) (\w+) \+ (\d+) F\b", section("10. Limits"))}
    same("budget", budgets(), shown)
    known = {name: value for name, value in known.items() if name not in shown}
    for name, value in sorted(code.items()):
        expect(name in known, f"{name} ({value}) has no place in section 10 of SPEC.md")
        expect(known.get(name, value) == value, f"{name}: the code has {value}, SPEC.md {known.get(name)}")
    for name in sorted(known):
        expect(name in code, f"{name} is in SPEC.md, but not in {', '.join(HEADERS)}")
    for name, value in re.findall(r"\b(CAP_[A-Z_]+) \((\d+)\)", SPEC):
        expect(code.get(name) == int(value), f"{name} ({value}) in SPEC.md: the code has {code.get(name)}")
    everything = set(re.findall(r"\bCAP_[A-Z_]+\b", "".join(read(name) for name in sorted(FILES) if name.endswith((".h", ".c", ".def")))))
    everything |= {f"CAP_END_{row[1]}" for row in macro(read("end_reasons.def"), "END_REASON", 3)}
    for name in sorted(set(re.findall(r"\bCAP_[A-Z_]+\b", SPEC))):
        expect(name in everything or name.startswith("CAP_END_") or name in ("CAP_MAX_", "CAP_WRITER_"), f"{name} is in SPEC.md, but nowhere in formats/")
    version = f"version {code['CAP_VERSION_MAJOR']}.{code['CAP_VERSION_MINOR']}"
    expect(SPEC.startswith(f"# The kymo capture format, {version}\n"), f"the title of SPEC.md does not say {version}")
    expect(f"- {version[8:]}: " in section("Change log"), f"the change log has no {version}")


def main():
    check_events()
    check_lists()
    check_layouts()
    check_constants()
    for problem in problems:
        print(problem)
    print(f"{checked} comparisons, {len(problems)} differ")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
