"""What output may hold, written down a second time (safe_text.h, xml_text.h, json_string.h, sink_csv.c say how kymo does it).

Each check_* takes bytes and returns None, or what is wrong as text."""
import csv
import io
import json
import os
import re
import xml.parsers.expat

import letters

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOWN = {chr(code) for code in range(0x20, 0x7F)} | {chr(code) for code in letters.shown_codes()[0]}
csv.field_size_limit(1 << 24)
PLAIN = bytes(range(0x20, 0x7F)) + b"\n"
FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Elements of a flame graph and their attributes; nothing in a capture may add to them.
SVG_ELEMENTS = {
    "svg": {"xmlns", "class", "version", "width", "height", "viewBox", "data-left", "data-width", "data-char", "data-row"},
    "style": set(), "script": set(), "title": set(),
    "g": {"class", "data-s", "data-n"},
    "rect": {"class", "x", "y", "width", "height", "rx", "fill"},
    "text": {"class", "x", "y", "text-anchor", "role", "tabindex"},
}
SVG_VALUE = re.compile(r"[-#A-Za-z0-9.% :/]*\Z")  # of attributes: numbers, colours, our own class names


class Shown(dict):
    """For str.translate: what a code point is shown as"""
    def __missing__(self, code):
        char = chr(code)
        self[code] = char if char in SHOWN else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
        return self[code]


SHOWN_AS = Shown()


def shown(data):
    """-> how kymo shows bytes"""
    return data.decode("utf-8", "surrogateescape").translate(SHOWN_AS)


def check_text(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error}"
    bad = sorted(set(data.translate(None, PLAIN).decode("utf-8")) - SHOWN)
    return f"holds {[hex(ord(char)) for char in bad[:8]]}" if bad else None


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def check_json(data):
    try:
        text = data.decode("utf-8")
        json.loads(text, parse_constant=no_constant)
    except ValueError as error:
        return f"not JSON in UTF-8: {error}"
    if b"\\ud" in data and re.search(r"\\u(?:d[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2}\\u)d[c-f][0-9a-f]{2})", re.sub(r"\\\\", "", text)):
        return "holds half of a surrogate pair"
    return check_text(data)


def check_json_lines(data):
    for line in data.split(b"\n")[:-1]:
        wrong = check_json(line)
        if wrong:
            return f"{wrong}: {line[:120]!r}"
    return None if data.endswith(b"\n") or not data else "the last line has no end"


def csv_rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def check_csv(data):
    wrong = check_text(data.replace(b"\r\n", b"\n"))
    if wrong or not data:
        return wrong
    try:
        rows = csv_rows(data)
    except csv.Error as error:
        return f"not CSV: {error}"
    if len(rows) != data.count(b"\r\n"):
        return "a record is not one line"
    for row in rows:
        if len(row) != len(rows[0]):
            return f"{len(row)} cells where the head has {len(rows[0])}"
        for cell in row:
            if cell.startswith(FORMULA) and not re.fullmatch(r"-?[0-9.]+(e[-+][0-9]+)?", cell):
                return f"a cell that a spreadsheet would run: {cell[:40]!r}"
    for cell in re.findall(rb"(?:^|,)('[^,\r]*)", data, re.M):
        return f"an apostrophe outside quotes: {cell[:40]!r}"
    return None


def read_svg(data):
    """-> (what is wrong or None, [(element, attributes)], [(element, its own text)])"""
    elements, texts, stack, wrong = [], [], [], []

    def start(name, attributes):
        elements.append((name, attributes))
        stack.append([name, ""])
        if name not in SVG_ELEMENTS:
            wrong.append(f"element {name[:40]!r}")
            return
        for attribute, value in attributes.items():
            if attribute not in SVG_ELEMENTS[name]:
                wrong.append(f"attribute {attribute[:40]!r} of {name}")
            elif not SVG_VALUE.match(value):
                wrong.append(f"{name}'s {attribute} is {value[:60]!r}")

    def end(name):
        texts.append((name, stack.pop()[1]))

    def characters(text):
        if stack:
            stack[-1][1] += text

    def refuse(*what):
        wrong.append(f"markup that no flame graph has: {what!r:.80}")

    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as error:
        wrong.append(f"not well-formed: {error}")
    return (wrong[0] if wrong else None), elements, texts


def asset(name):
    with open(os.path.join(ROOT, "analyzer", "web", name), encoding="utf-8") as file:
        return file.read().strip()


def check_svg(data):
    wrong, _, texts = read_svg(data)
    if wrong:
        return wrong
    for element, file in (("script", "flame.js"), ("style", "flame.css")):
        found = [text.strip() for name, text in texts if name == element]
        if found != [asset(file)]:
            return f"{len(found)} {element} elements, or one that is not ours"
    for name, text in texts:
        if name in ("text", "title"):
            wrong = check_text(text.encode("utf-8"))
            if wrong or "\n" in text.strip("\n"):
                return f"text of a {name} {wrong}"
    return check_text(data.replace(b"\t", b" "))


def folded_name(data, is_frame):
    """-> a name in a folded line; the oracle for folded_name.c"""
    if not data:
        return "[unknown]"
    text = shown(data).replace(";", ":")
    text = ("_" + text[1:] if text[0] == " " else text) if is_frame else text.replace(" ", "_")
    text = re.sub(r" ([0-9.]*)\Z", r"_\1", text) if re.search(r" [0-9.]*\Z", text) else text
    if text in ("[unknown]", "[no stack]"):
        return "\\x5b" + text[1:]
    return text[:-1] + "\\x5d" if text.endswith("_[k]") else text
