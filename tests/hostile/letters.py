#!/usr/bin/env python3
"""The letters that output may hold (letters.def): written with --write, else checked against this Python's Unicode data."""
import os
import re
import sys
import unicodedata

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "analyzer", "output", "letters.def")
HEAD = """/*
 * Code points from U+0080 on that reports show as they are: the letters of Unicode 14 (general categories Lu, Ll, Lt, Lm,
 * Lo), without those that turn the direction of text (bidirectional classes R and AL: in a terminal, columns would change
 * places) and without the four Hangul fillers, which are invisible. Made by tests/hostile/letters.py --write.
 * LETTERS(first, last), in ascending order.
 */
"""
FILLERS = (0x115F, 0x1160, 0x3164, 0xFFA0)


def is_letter(code):
    char = chr(code)
    return unicodedata.category(char)[0] == "L" and unicodedata.bidirectional(char) not in ("R", "AL", "AN") and code not in FILLERS


def ranges():
    found = []
    for code in range(0x80, 0x110000):
        if not is_letter(code):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def shown_codes():
    """-> the set of code points that letters.def holds"""
    with open(TABLE, encoding="utf-8") as file:
        pairs = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"^LETTERS\(0x([0-9a-f]+), 0x([0-9a-f]+)\)", file.read(), re.M)]
    return {code for first, last in pairs for code in range(first, last + 1)}, pairs


def main():
    if sys.argv[1:] == ["--write"]:
        with open(TABLE, "w", encoding="utf-8") as file:
            file.write(HEAD + "".join(f"LETTERS(0x{first:x}, 0x{last:x})\n" for first, last in ranges()))
        return 0
    codes, pairs = shown_codes()
    wrong = [hex(code) for code in codes if not is_letter(code)]
    ordered = all(a[0] <= a[1] < b[0] for a, b in zip(pairs, pairs[1:]))
    print(f"{len(pairs)} ranges, {len(codes)} letters; not letters: {wrong[:10]}; in order: {ordered}")
    return 1 if wrong or not ordered or len(codes) < 100000 else 0


if __name__ == "__main__":
    sys.exit(main())
