#!/usr/bin/env python3
"""Runs a corpus of real programs through the command line, and compares what they do with what is recorded of them.

usage: corpus.py --packages DIR --corpus FILE --answerer COMMAND [--switchboard BINARY] [--only PACKAGE] [--jobs N]

DIR is a checkout of the packages; it is the only library directory. FILE has one JSON object a line: the program
(`code`, or `pkg`, whose `run(ctx)` is called), its `ctx`, who answers (`answers_rule`), and what came of it: `state`,
`pauses`, `prompts`, the `pattern` of the sizes of the pauses, hashes of prompts, queries and result, and `error_norm`.
COMMAND answers when it is given the rule as its last argument.

Rows that are marked as deterministic must be the same in every field; of the others those fields are compared that
`det` names. Each session is then run again from its record alone, and has to do the same. Prints every difference and a line of sums; the exit code is 1 if there was one that is not wanted.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STRICT = ["state", "pauses", "prompts", "pattern", "prompts_sha256", "queries_sha256", "result_sha256", "error_norm"]
WEAK = {"state": "state", "prompts_set_sha256": "prompt_set", "result_sha256": "result"}

# Of a program that does not come to an end.
MOST_PAUSES = 300


class Number(str):
    """A number as it was written."""


def compact(value):
    """JSON with sorted keys, and every number as it was written."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(str(k))}:{compact(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def sha256(pieces):
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def framed(text):
    data = text.encode()
    return str(len(data)).encode() + b":" + data


def pattern_of(pauses):
    """Runs of equal sizes: `s` for one query, `b3` for three, `s*4` for four times one."""
    runs = []
    for pause in pauses:
        size = "s" if len(pause) == 1 else f"b{len(pause)}"
        if runs and runs[-1][0] == size:
            runs[-1][1] += 1
        else:
            runs.append([size, 1])
    return ",".join(size if times == 1 else f"{size}*{times}" for size, times in runs)


def query_form(place, query):
    """What is hashed of a query. Its place in the pause stands for its name, which is unique here."""
    system = query.get("system")
    fields = [
        query["query_id"] if query["query_id"].startswith("f-") else f"q-{place}",
        str(query["max_tokens"]),
        str(int(query["grounded"])),
        str(int(query["underspecified"])),
    ]
    form = "\t".join(fields).encode() + b"\t"
    return form + (b"-" if system is None else framed(system)) + b"\t" + framed(query["prompt"]) + b"\n"


def error_form(text):
    """The first line of an error without its place and without what depends on addresses."""
    line = text.split("\n")[0]
    line = re.sub(r"^(\[string \"[^\"]*\"\]|[\w.-]+):(\d+:)? ", "", line)
    return re.sub(r"(table: ).*", r"\1", line)


def program_of(row):
    if row.get("code"):
        return row["code"]
    package = row["pkg"].split("#")[0]
    return f'local p = require("{package}"); return p.run(ctx)'


def run(row, options):
    """Runs one program in an empty home and an empty directory."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "work").mkdir()
        (place / "ctx.json").write_text(compact(row["ctx"]))
        (place / "program.lua").write_text(program_of(row))
        command = [options.switchboard, "run", str(place / "program.lua"), "--ctx", f"@{place / 'ctx.json'}"]
        command += ["--home", str(place / "home"), "--lib", options.packages, "--max-pauses", str(MOST_PAUSES)]
        command += ["--answerer", f"{options.answerer} {row['answers_rule']}", "-o", "jsonl"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(place / "home")}
        ended = subprocess.run(
            command, cwd=place / "work", env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        verified = verify(ended.stdout, options, environment)
    pauses, end = [], None
    for line in ended.stdout.splitlines():
        event = json.loads(line, parse_float=Number, parse_int=int)
        if event["kind"] == "pause_requested":
            pauses.append(event["info"]["prompts"])
        elif event["kind"] == "terminal":
            end = event
    if end is None:
        raise RuntimeError(f"{row['pkg']}: no end: {ended.stderr}")
    prompts = [query["prompt"] for pause in pauses for query in pause]
    is_done = end["state"] == "done"
    return {
        "pkg": row["pkg"],
        "answers_rule": row["answers_rule"],
        "state": end["state"],
        "pauses": len(pauses),
        "prompts": len(prompts),
        "pattern": pattern_of(pauses),
        "prompts_sha256": sha256(framed(prompt) + b"\n" for prompt in prompts),
        "prompts_set_sha256": sha256(framed(prompt) + b"\n" for prompt in sorted(prompts, key=str.encode)),
        "queries_sha256": sha256(query_form(*it) for pause in pauses for it in enumerate(pause)),
        "result_sha256": sha256([compact(end.get("value")).encode()]),
        "result": end.get("value"),
        "verified": verified,
        "error_norm": None if is_done else error_form(end["error"]),
    }


def verify(events, options, environment):
    """Runs every session of the record once more from it alone. What came otherwise, or None."""
    events = [json.loads(line) for line in events.splitlines()]
    ids = sorted({event[key] for event in events for key in ("session", "child") if key in event})
    for session in ids:
        command = [options.switchboard, "session", "verify", session, "--home", environment["HOME"]]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        if ended.returncode != 0:
            return (ended.stdout + ended.stderr).strip()
    return None


def differences(row, ours):
    if row["deterministic"]:
        return [name for name in STRICT if (row.get(name) or None) != (ours.get(name) or None)]
    return [name for name, kind in WEAK.items() if row["det"].get(kind) and row[name] != ours[name]]


def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def is_wanted(row, ours, found):
    """Whether the only difference is one that is wanted: JSON null is nil, so a field that is null is not there."""
    if found != ["result_sha256"] or "result" not in row:
        return False
    return compact(without_nulls(row["result"])) == compact(without_nulls(ours["result"]))


def first_difference(row, ours):
    """Where two results part."""
    a, b = compact(row.get("result")), compact(ours["result"])
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"…{a[max(0, at - 30):at + 60]} | …{b[max(0, at - 30):at + 60]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--answerer", required=True)
    parser.add_argument("--switchboard", default="switchboard")
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.packages = str(Path(options.packages).resolve())
    # Programs run in a directory of their own.
    options.switchboard = str(Path(shutil.which(options.switchboard) or options.switchboard).resolve())
    lines = Path(options.corpus).read_text().splitlines()
    rows = [json.loads(line, parse_float=Number) for line in lines]
    rows = [row for row in rows if options.only in (None, row["pkg"])]
    begun = time.monotonic()
    different = wanted = unverified = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for row, ours in zip(rows, pool.map(lambda row: run(row, options), rows)):
            found = differences(row, ours)
            if ours["verified"]:
                unverified += 1
                print("NOT AGAIN", row["pkg"], row["answers_rule"], ours["verified"][:600])
            if is_wanted(row, ours, found):
                wanted += 1
                print("WANTED", row["pkg"], row["answers_rule"], "null is nil:", first_difference(row, ours))
            elif found:
                different += 1
                print("DIFFERENT", row["pkg"], row["answers_rule"], found)
                print("   state", row["state"], row["error_norm"], "| ours", ours["state"], ours["error_norm"])
                if "result_sha256" in found and ours["state"] == "done":
                    print("   result", first_difference(row, ours))
    seconds = time.monotonic() - begun
    weak = sum(not row["deterministic"] for row in rows)
    print(f"{len(rows)} rows, {len(rows) - different - wanted} the same, {wanted} wanted differences, {different} others; "
          f"{weak} compared weakly; {len(rows) - unverified} did the same when run again from their record")
    print(f"{seconds:.1f} s with {options.jobs} at a time")
    return 1 if different or unverified else 0


if __name__ == "__main__":
    sys.exit(main())
