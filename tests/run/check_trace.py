#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_trace.py TRACE [LINES] - every line is an object with its fields, and counts equal counters.

LINES: so many there are, those of processes that introduce themselves left out.
"""
import collections
import json
import sys

ALWAYS = {"time": int, "pid": int, "tid": int, "enclave": (int, type(None)), "kind": str}
RESULT = {"fault": (str, type(None)), "code": int, "name": str}
SECINFO = {"type": (str, int), "permissions": str, "pending": bool, "modified": bool, "pr": bool}
FAULT = {"error_code": int, "access": str, "refused_by": str}

FIELDS = {
    "encls": {"name": str, "result": dict},
    "enclu": {"name": str, "result": dict},
    "exit": {"name": str, "cause": str},
    "fault": {"name": str, **FAULT},
    "exception": {"vector": int, "error_code": int, "address": int, "signal": bool},
    "ioctl": {"name": str, "result": dict},
    "mmap": {"address": int, "size": int, "prot": str, "result": dict},
    "mprotect": {"address": int, "size": int, "prot": str, "result": dict},
    "munmap": {"address": int, "size": int},
    "open": {"path": str},
    "close": {"fd": int, "result": dict},
    "attach": {"fd": int},
    "count": {"name": str, "thread": int, "EENTER": int, "aex": int},
    "process": {"name": str, "format": int, "path": str},
    "note": {"about": str, "text": str},
}
NAMED = {
    "EADD": {"offset": int, "secinfo": dict},
    "EEXTEND": {"offset": int, "count": int},
    "EAUG": {"offset": int, "secinfo": dict},
    "EREMOVE": {"offset": int},
    "EBLOCK": {"offset": int},
    "EWB": {"offset": int},
    "ELDU": {"offset": int},
    "EMODPR": {"offset": int, "secinfo": dict},
    "EMODT": {"offset": int, "secinfo": dict},
    "EACCEPT": {"offset": int, "secinfo": dict},
    "EACCEPTCOPY": {"offset": int, "secinfo": dict},
    "EMODPE": {"offset": int, "secinfo": dict},
    "EENTER": {"tcs": int},
    "ERESUME": {"tcs": int},
    "ADD_PAGES": {"offset": int, "count": int, "secinfo": dict, "measured": bool, "done": int},
    "RESTRICT": {"offset": int, "count": int, "secinfo": dict, "done": int},
    "MODIFY_TYPES": {"offset": int, "count": int, "secinfo": dict, "done": int},
    "REMOVE_PAGES": {"offset": int, "count": int, "done": int},
}
IOCTLS = {
    "CREATE": "ioctl_create",
    "ADD_PAGES": "ioctl_add_pages",
    "INIT": "ioctl_init",
    "PROVISION": "ioctl_provision",
    "RESTRICT": "ioctl_restrict",
    "MODIFY_TYPES": "ioctl_modify_types",
    "REMOVE_PAGES": "ioctl_remove",
}
CAUSES = {
    "interrupt": "aex_interrupts",
    "IPI": "aex_interrupts",
    "death": "aex_interrupts",
    "page fault": "aex_faults + aex_exceptions",
    "exception": "aex_faults + aex_exceptions",
}


class Refused(Exception):
    pass


def need(where, obj, fields):
    for key, kind in fields.items():
        if key not in obj:
            raise Refused(f"{where}: no {key}")
        if not isinstance(obj[key], kind) or (kind is int and isinstance(obj[key], bool)):
            raise Refused(f"{where}: {key} is {obj[key]!r}")


def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Refused(f"a key twice among {keys}")
    return dict(pairs)


def check_line(event):
    need("always", event, ALWAYS)
    kind = event["kind"]
    if kind not in FIELDS:
        raise Refused(f"unknown kind {kind}")
    need(kind, event, FIELDS[kind])
    if "version_array" not in event:  # a page of no enclave: it has no offset
        need(event.get("name"), event, NAMED.get(event.get("name"), {}))
    if "result" in event:
        need("result", event["result"], RESULT)
        if event["result"]["fault"] == "#PF":
            need("result", event["result"], {"address": int})
    if "secinfo" in event:
        need("secinfo", event["secinfo"], SECINFO)
    if kind == "exit" and event["cause"] == "page fault":
        need("page fault", event, FAULT)
        if "offset" not in event and "address" not in event:
            raise Refused("a page fault without address")


def count(event, counts):
    """What the line stands for, by the names of the counters."""
    kind, name = event["kind"], event.get("name")
    if kind == "encls":
        counts[name] += event.get("count", 1)
    elif kind == "enclu":
        counts[name] += 1
        if name == "EEXIT" and event["result"]["fault"] is None:
            counts["eexit"] += 1
    elif kind == "exit":
        counts["aex"] += 1
        counts[CAUSES[event["cause"]]] += 1
        counts["ipis"] += event["cause"] == "IPI"
    elif kind == "fault":
        counts["page_faults"] += 1
    elif kind == "exception":
        counts["exceptions"] += 1
    elif kind == "ioctl":
        counts[IOCTLS[name]] += 1
    elif kind == "mmap" and event["result"]["code"] >= 0:
        counts["mmaps"] += 1
    elif kind in ("mprotect", "munmap"):
        counts[kind + "s"] += 1


UNSEEN = {  # counters that no line of a trace stands for
    "eaug_faults", "epc_pages", "epc_pages_max", "traps", "host_mprotects",
    "aex_faults", "aex_exceptions", "evicted", "reloaded",
}


def compare(enclave, counts, counters, rows):
    """How many counters were compared."""
    counters = dict(counters)
    counters["aex_faults + aex_exceptions"] = counters["aex_faults"] + counters["aex_exceptions"]
    for name, value in counters.items():
        if name not in UNSEEN and counts[name] != value:
            raise Refused(f"enclave {enclave}: {name} is {value}, the trace has {counts[name]}")
        if name not in ("epc_pages", "epc_pages_max") and "+" not in name:
            total = sum(row[name] for row in rows)
            if total != value:
                raise Refused(f"enclave {enclave}: {name} is {value}, its threads' {total}")
    if counters["aex"] != counters["aex_interrupts"] + counters["aex_faults + aex_exceptions"]:
        raise Refused(f"enclave {enclave}: the kinds of AEX do not add up")
    return len(counters) - len(UNSEEN)


def main():
    counts = collections.defaultdict(collections.Counter)
    totals, rows, introduced = {}, collections.defaultdict(list), set()
    lines = 0
    with open(sys.argv[1], "rb") as trace:
        for number, line in enumerate(trace, 1):
            try:
                if not line.endswith(b"\n"):
                    raise Refused("cut off")
                event = json.loads(line.decode("utf-8"), object_pairs_hook=unique)
                check_line(event)
                if event["kind"] != "process" and event["pid"] not in introduced:
                    raise Refused(f"process {event['pid']} has not been introduced")
            except (Refused, ValueError) as refusal:
                sys.exit(f"{sys.argv[1]}:{number}: {refusal}: {line!r}")
            enclave = event["enclave"]
            if event["kind"] == "process":
                introduced.add(event["pid"])
            elif event["kind"] == "count":
                fields = {k: v for k, v in event.items()
                          if k not in ALWAYS and k not in ("name", "thread")}
                if event["name"] == "enclave":
                    if enclave in totals:
                        sys.exit(f"{sys.argv[1]}:{number}: enclave {enclave} ends twice")
                    totals[enclave] = fields
                else:
                    rows[enclave].append(fields)
            elif enclave is not None:
                count(event, counts[enclave])
            lines += event["kind"] != "process"
    if len(sys.argv) > 2:
        if lines != int(sys.argv[2]):
            sys.exit(f"{sys.argv[1]}: {lines} lines, not {sys.argv[2]}")
        print(f"{lines} lines")
        return
    if not totals:
        sys.exit(f"{sys.argv[1]}: no enclave has ended")
    compared = 0
    try:
        for enclave, counters in totals.items():
            compared += compare(enclave, counts[enclave], counters, rows[enclave])
    except Refused as refusal:
        sys.exit(f"{sys.argv[1]}: {refusal}")
    print(f"{lines} lines of {len(totals)} enclaves, {compared} counters equal")


main()
