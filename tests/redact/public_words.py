#!/usr/bin/env python3
"""What the recorder writes into a capture as public text is made of words that `kymo redact` keeps (public_words.def): else notes of every redacted
capture had holes. Looks at all texts in the recorder's sources and tables. --bless adds what is missing. Also: a field of events.def without a
sensitivity does not compile."""
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import kymo_env  # noqa: E402

LIST = kymo_env.source("public_words.def")
TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
FORMAT = re.compile(r"%[-+ 0#]*[\d.*]*(?:hh|h|ll|l|z|j)?[diouxXscpfgm%]")


def words_of(text):
    for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]*", re.sub(r'\\[nt"\\]', " ", FORMAT.sub(" ", text))):
        for part in word.split("_"):
            if len(part) > 2 and not re.fullmatch(r"[0-9]+|[0-9a-z]{1,2}[0-9]+", part.lower()):
                yield part.lower()


def wanted():
    found = {}
    folders = ["recorder/session", "recorder/pipeline", "recorder/host", "recorder/live", "recorder/budget", "recorder/names", "analyzer/recover"]
    for folder in folders:
        for path in glob.glob(os.path.join(kymo_env.ROOT, folder, "*.[ch]")) + glob.glob(os.path.join(kymo_env.ROOT, folder, "*.def")):
            with open(path, encoding="utf-8") as file:
                source = re.sub(r"^\s*#\s*include.*$", "", file.read(), flags=re.M)
            for text in TEXT.findall(source):
                for word in words_of(text):
                    found.setdefault(word, os.path.relpath(path, kymo_env.ROOT))
    with open(kymo_env.source("probes.def"), encoding="utf-8") as file:
        for word in words_of(re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)):
            found.setdefault(word, "bpf/probes.def")
    return found


def without_sensitivity():
    """-> whether events.def compiles with a field whose sensitivity was forgotten"""
    with open(kymo_env.source("events.def"), encoding="utf-8") as file:
        table = file.read()
    field = "FIELD(loss, 7, u32, reserved, UINT, USER, NONE, PUBLIC, OPT)"
    if field not in table:
        sys.exit("public_words.py: the field that is to be spoiled is not in events.def")
    results = []
    for spoiled in (field, field.replace("PUBLIC, ", ""), field.replace("PUBLIC", "")):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "formats/table"))
            with open(os.path.join(folder, "formats/table/events.def"), "w", encoding="utf-8") as file:
                file.write(table.replace(field, spoiled))
            done = subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-I", folder, "-I", kymo_env.ROOT,
                                   kymo_env.source("schema.c")], capture_output=True, check=False)
            results.append(done.returncode == 0)
    return results


def main():
    with open(LIST, encoding="utf-8") as file:
        text = file.read()
    known = set(re.findall(r'PUBLIC_WORD\("([^"]*)"\)', text))
    missing = {word: path for word, path in wanted().items() if word not in known}
    if "--bless" in sys.argv[1:] and missing:
        head = text[:text.index("PUBLIC_WORD(\"")]
        with open(LIST, "w", encoding="utf-8") as file:
            file.write(head + "".join(f'PUBLIC_WORD("{word}")\n' for word in sorted(known | set(missing))))
        missing = {}
    for word, path in sorted(missing.items()):
        print(f"'{word}' of {path} is not in public_words.def (add it, or run this with --bless)")
    if sorted(known) != [word for word in re.findall(r'PUBLIC_WORD\("([^"]*)"\)', text)]:
        print("public_words.def is not sorted")
        missing["order"] = LIST
    sound, *spoiled = without_sensitivity()
    if not sound or any(spoiled):
        print(f"a field without a sensitivity compiles: {spoiled}; with one: {sound}")
    print(f"{len(known)} words, {len(missing)} missing")
    sys.exit(bool(missing) or not sound or any(spoiled))


main()
