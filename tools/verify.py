#!/usr/bin/env python3
"""Checks a proof of hizo with Python's standard library and openssl, written from docs/spec alone.

    verify.py DIR [FILE...] [--policy FILE] [--roots PEM] [--receipt-key KEY]

Beside it lie notes.py, for what a log says, and stamps.py, for what authorities say. BLAKE3, ML-DSA, revocation lists
and kept.json are not checked here, and it says so. Exit status: 0 it holds, 1 what was brought cannot be used, 3 it
does not hold, 4 it cannot be told.
"""

import argparse, hmac, json, os, pathlib, re, sys

from notes import HASH, DoesNotHold, Key, Policy, check_checkpoint, check_inclusion, demand, ed25519, note
from notes import read_checkpoint, seconds, sha256, step, unbase64, unhex
from stamps import NAMED, readable, since, stamps_of

FIELDS = ("content", "name", "meta")
TYPES = {"file": b"0", "hard link": b"1", "symbolic link": b"2", "folder": b"5"}
INTEGER, DAY = "(?:0|[1-9][0-9]{0,19})", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
RECORD = re.compile(
    f"hizo/record/v1\nkeeper (?P<keeper>[^ \n]{{1,255}})\nspace [0-9a-f]{{32}}\nnumber (?P<number>{INTEGER})\n"
    f"prev (?P<prev>{HASH}|-)\nepoch {INTEGER}\ntime (?P<time>{DAY})\nseen (?:[1-9][0-9]{{0,19}} {HASH}|0 -)\n"
    f"body (?:(?P<body>{HASH}) (?P<bytes>{INTEGER})|-)\n"
    f"(?:series [0-9a-f]{{16}} (?P<k>{INTEGER}) (?P<before>{HASH}|-)\n"
    f"commit (?P<commit>{HASH}) {HASH}\nobjects (?P<lines>{INTEGER}) (?P<total>{INTEGER}) {HASH}\n)?"
    "(?P<control>(?:(?:founder|slot|recovery|remove|member|session|epoch|wrap|origin) [^\n]+\n)*)"
)
RECEIPT = f"hizo/receipt/v1\nkeeper (.+)\nrecord ({HASH})\nslot ({HASH})\ntime ({DAY})\nindex-by ({DAY})\n"
# A name that can be shown as text: nothing that controls, misleads or cannot be seen.
PLAIN = re.compile('[^\x00-\x1f"\\\\\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f'
                   '\ud800-\udfff\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]*')
EARLIER = (".note", ".receipt", ".tlog-proof")
RENEWAL = "renewals/([1-9][0-9]*)/"
LIMITS = {  # docs/spec/proof.md, "Files": what is read, and at most so many bytes of it
    f"record[.]note|{RENEWAL}earlier/{NAMED}[.]note": 60 << 10,
    "record[.]keys": 512,
    f"receipt[.]note|{RENEWAL}earlier/{NAMED}[.]receipt": 2 << 10,
    f"({RENEWAL})?checkpoint": 256 << 10,
    f"record[.]tlog-proof|{RENEWAL}earlier/{NAMED}[.]tlog-proof": 264 << 10,
    "opening[.]json": 64 << 20,
    f"({RENEWAL})?stamps/{NAMED}[.]tsr": 132 << 10,
    f"({RENEWAL})?stamps/{NAMED}[.]pem": 1 << 20,
}

def read_record(data):
    """What a record says, its text and its signatures; of docs/spec/record.md as much as a deposit needs."""
    text, signatures = note(data)
    said = RECORD.fullmatch(text)
    number, size, k, lines, total = (int(said[name] or 0) for name in ("number", "bytes", "k", "lines", "total"))
    holds = all(int(it) < 2**64 for it in re.findall(" ([0-9]{1,20})(?=[ \n])", text))
    holds &= (number == 0) == (said["prev"] == "-") and (not said["body"] or 1 <= size <= 1 << 20)
    if said["commit"]:
        holds &= not said["control"] and number > 0 and k > 0 and (k == 1) == (said["before"] == "-")
        holds &= 1 <= lines <= 1 << 16 and lines <= total <= lines << 24
    demand(holds and (said["commit"] or said["control"] or said["body"]), "a number is none that a record has")
    seconds(said["time"])
    names = {name for name, _, signature in signatures if re.fullmatch("[0-9a-f]{16}", name) and len(signature) == 64}
    demand(len(names) == len(signatures) <= 8, "its signatures are not in their form")
    return said, text, signatures

def check_signers(data, text, signatures):
    """The keys beside a record are those of its signatures, in the order of the keys."""
    keys = [unbase64(line) for line in data.decode().removesuffix("\n").split("\n")]
    names = [sha256(key)[:8].hex() for key in keys]
    ids = [sha256(name.encode(), b"\n\x01", key)[:4] for name, key in zip(names, keys)]
    same = list(zip(names, ids)) == [line[:2] for line in signatures] and data.endswith(b"\n")
    demand(same and keys == sorted(keys), "the keys are not the signatures', in their order")
    for key, line in zip(keys, signatures):
        demand(ed25519(key, text.encode(), line[2]), "a signature does not hold")

def value_of(field, shown):
    """The committed bytes of a shown field (docs/spec/commit.md)."""
    keys = list(shown)[1:]
    if field == "content":
        demand(keys in ([], ["sha256", "key", "blake3"]), "a content is not in its form")
        return b"".join(unhex(shown[key]) for key in keys)
    if field == "name":
        name = shown["text"].encode() if keys == ["text"] else bytes.fromhex(shown["hex"])
        plain = PLAIN.fullmatch(name.decode("utf-8", "surrogateescape"))
        in_hex = keys == ["hex"] and not plain and name.hex() == shown["hex"]
        demand(plain if keys == ["text"] else in_hex, "a name is not in its one form")
        safe = 0 < len(name) < 4096 and b"\0" not in name and not {b"", b".", b".."} & set(name.split(b"/"))
        demand(safe, "a name is not safe")
        return name
    sized, linked = shown["type"] in ("file", "hard link"), shown["type"] in ("hard link", "symbolic link")
    wanted = ["type"] + ["size"] * sized + ["mode", "mtime_ns"] + ["target"] * linked
    decimal = all(str(int(shown[key])) == shown[key] for key in ("size", "mtime_ns") if key in shown)
    demand(keys == wanted and decimal and re.fullmatch("[0-7]{4}", shown["mode"]), "a meta is not in its form")
    out = TYPES[shown["type"]] + int(shown.get("size", 0)).to_bytes(8, "big") + int(shown["mode"], 8).to_bytes(4, "big")
    out += int(shown["mtime_ns"]).to_bytes(8, "big", signed=True)
    return out + (unhex(shown["target"]) if linked else bytes(32))

def field_hash(field, part):
    if list(part) == ["hidden_sha256", "hidden_blake3"]:
        return unhex(part["hidden_sha256"])
    demand(list(part)[0] == "salt", "a field is not in its form")
    return sha256(b"hizo-field/v1\n", bytes([len(field)]), field.encode(), unhex(part["salt"]), value_of(field, part))

def leaf_hash(entry):
    content, meta = entry["content"], entry["meta"]
    if "salt" in content and "salt" in meta:
        demand(("sha256" in content) == (meta["type"] in ("file", "hard link")), "a content does not fit to its type")
    return sha256(b"\0hizo-leaf/v1\n", *(field_hash(field, entry[field]) for field in FIELDS))

def root_of(entry, depth):
    """Where one entry leads to, in a tree of this depth."""
    index, path, node = entry["sha256"]["index"], entry["sha256"]["path"], leaf_hash(entry)
    form = list(entry["sha256"]) == ["index", "path"] and type(index) is int and len(path) == depth
    demand(form and 0 <= index < 2**depth, "the place is in no tree")
    for sibling in map(unhex, path):
        node = sha256(b"\1", sibling, node) if index & 1 else sha256(b"\1", node, sibling)
        index >>= 1
    return node

def root_of_all(entries, how, depth):
    """The root over all entries and dummies."""
    same = list(how) == ["dummy_key", "dummies"] and type(how["dummies"]) is int
    demand(same and how["dummies"] == 2**depth - len(entries), "the number of dummies is another")
    key, nodes = unhex(how["dummy_key"]), [leaf_hash(entry) for entry in entries]
    nodes += [hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in range(how["dummies"])]
    with step("names"):
        demand(len(set(nodes)) == len(nodes), "an entry is shown twice")
    nodes.sort()
    while len(nodes) > 1:
        nodes = [sha256(b"\1", left, right) for left, right in zip(nodes[::2], nodes[1::2])]
    return nodes[0]

def check_opening(data, commitment):
    shown = json.loads(data)
    demand((json.dumps(shown, indent=2, ensure_ascii=False) + "\n").encode() == data, "opening.json is not canonical")
    kind, blind, entries = list(shown)[2], unhex(shown["blind"]), shown["entries"]
    members = list(shown) == ["format", "blind", kind, "entries"] and shown["format"] == "hizo/opening/v1"
    fields = [*FIELDS, "sha256", "blake3"] if kind == "depth" else [*FIELDS]
    demand(members and all(list(entry) == fields for entry in entries), "opening.json has other members")
    depths = [depth for depth in range(4, 23, 2) if kind == "depth" or len(entries) < 2**depth]
    if kind == "complete":
        depth, roots = depths[0], [root_of_all(entries, shown[kind], depths[0])]
    else:
        depth = shown["depth"]
        demand(entries and type(depth) is int and depth in depths, "no tree has this depth")
        roots = [root_of(entry, depth) for entry in entries]
    found = {sha256(b"hizo-root/v1\n", blind, bytes([depth]), root) for root in roots}
    demand(found == {commitment}, "it does not lead to the commitment")
    with step("names"):
        indices = [entry["sha256"]["index"] for entry in entries if kind == "depth"]
        names = [value_of("name", entry["name"]) for entry in entries if "salt" in entry["name"]]
        demand(len(set(indices)) == len(indices) and len(set(names)) == len(names), "an entry or a name is shown twice")
    return entries

def check_receipt(data, record, keeper, key, say):
    """The slot, and since when the keeper says he has it."""
    text, signatures = note(data)
    by, named, slot, kept, due = re.fullmatch(RECEIPT, text).groups()
    demand(seconds(kept) <= seconds(due), "it is due before it was kept")
    demand([line[0] for line in signatures] == [by], "it has not one signature by its keeper")
    demand(key is None or key.signed(text, signatures, say), "it is by another key")
    demand(named == record.hex() and by == keeper, "it is for another record, or by another keeper")
    return bytes.fromhex(slot), seconds(kept)

def earlier_in(files, place):
    """The names of the earlier stamps that a renewal covers."""
    kinds = "[.](?:note|receipt|tlog-proof)"
    return sorted({it[1] for name in files if (it := re.fullmatch(f"{place}earlier/{NAMED}{kinds}", name))})

def check_renewal(files, place, before, keeper, policy, receipt_key, say):
    """Every earlier stamp is a record that stands under this head."""
    later, _ = note(files[place + "checkpoint"])
    demand(read_checkpoint(later)[0] == keeper, "the later head is of another log")
    demand(earlier_in(files, place), "it covers no earlier stamp")
    for name in earlier_in(files, place):
        record, receipt, proof = (files[f"{place}earlier/{name}{kind}"] for kind in EARLIER)
        said, answer = read_record(record)[0], files[before + f"stamps/{name}.tsr"]
        says = [said["body"], said["bytes"]] == [sha256(answer).hex(), str(len(answer))]
        demand(says and not said["commit"] and not said["control"], "a record does not say the stamp, and nothing else")
        slot, _ = check_receipt(receipt, sha256(record), keeper, receipt_key, say)
        origin, text, signatures = check_inclusion(proof, slot + sha256(record))
        demand(text == later, "the stamped head is another")
        if policy:
            check_checkpoint(policy, origin, text, signatures, say)

def check_renewals(files, stamps, roots, *told):
    """All stamps, those over each head in a list, and the names of those that a later head covers."""
    heads, covered, before = [stamps], [], ""
    for number in range(1, 1 + renewals(files)):
        place = f"renewals/{number}/"
        check_renewal(files, place, before, *told)
        covered.append(earlier_in(files, place))
        heads.append(stamps_of(files, place, roots))
        for old in (stamp for stamp in heads[-2] if stamp.name in covered[-1] and not stamp.doubt):
            wrong = any(new.latest + old.accuracy < old.time for new in heads[-1] if not new.doubt)
            demand(not wrong, "a later stamp says an earlier time")
        before = place
    return heads, covered + [[]]

def check_files(entries, given, say):
    contents, compared = [entry for entry in entries if "sha256" in entry["content"]], 0
    for data in given if contents else []:
        same = [entry for entry in contents if entry["content"]["sha256"] == sha256(data).hex()]
        demand(same, "a file is not shown")
        demand(all(int(entry["meta"].get("size", len(data))) == len(data) for entry in same), "another length")
        compared += len(same)
    if compared < len(contents):
        say(f"committed to, not compared with a file: {len(contents) - compared} of {len(contents)} shown contents")
    return ["nothing-to-compare"] if given and not contents else []

def verify(files, policy, roots, receipt_key, given, say):
    """The doubts, and the time since when; raises DoesNotHold. The steps are those of docs/spec/proof.md."""
    with step("record"):
        said, text, signatures = read_record(files["record.note"])
        if "record.keys" in files:
            check_signers(files["record.keys"], text, signatures)
    with step("commitment"):
        demand(said["commit"], "the record makes no deposit")
    record, keeper = sha256(files["record.note"]), said["keeper"]
    with step("opening"):
        entries = check_opening(files["opening.json"], bytes.fromhex(said["commit"]))
    with step("receipt"):
        slot, kept = check_receipt(files["receipt.note"], record, keeper, receipt_key, say)
    with step("inclusion"):
        origin, text, signatures = check_inclusion(files["record.tlog-proof"], slot + record)
    with step("checkpoint"):
        demand(origin == keeper, "it is of another log than the record names")
        doubts = check_checkpoint(policy, origin, text, signatures, say)
    with step("stamped"):
        stamped, _ = note(files["checkpoint"])
        demand(read_checkpoint(stamped) and stamped == text, "another checkpoint was stamped")
    with step("stamps"):
        first = stamps_of(files, "", roots)
    with step("renewals"):
        heads, covered = check_renewals(files, first, roots, keeper, policy, receipt_key, say)
    found, latest = [stamp for head in heads for stamp in head], since(heads, covered)
    if any(stamp.latest < kept * 10**9 for stamp in found if not stamp.doubt):
        say("warning: the keeper says a time after that of an independent stamp")
    if latest is None:
        order = ("self-stamped", "no-roots", "not-vouched")
        doubts.append(next((doubt for doubt in order if doubt in [stamp.doubt for stamp in found]), "no-stamp"))
    with step("files"):
        doubts += check_files(entries, given, say)
    unread = {"the second hash family, BLAKE3": True, "the receipt's signature": not receipt_key,
              "the record's signatures, whose keys do not lie beside it": "record.keys" not in files}
    for what in (what for what, is_so in unread.items() if is_so):
        say(f"not checked here: {what}")
    return doubts, latest and readable(latest)

def renewals(files):
    return len({name.split("/")[1] for name in files if name.startswith("renewals/")})

def read_folder(folder):
    """The files of a proof: no others, none by a link, none past its limit; and the names of those not checked here."""
    files, unread = {}, []
    for path in (pathlib.Path(at) / name for at, _, names in os.walk(folder) for name in names):
        name = path.relative_to(folder).as_posix()
        limit = next((limit for form, limit in LIMITS.items() if re.fullmatch(form, name)), None)
        beside = name.endswith(".pem") and not path.with_suffix(".tsr").is_file()
        if limit is None or beside or path.is_symlink() or not path.is_file():
            unread += [name] if name == "kept.json" or name.endswith(".crl") else []
            continue
        demand(path.stat().st_size <= limit, f"{name} is too long")
        files[name] = path.read_bytes()
        stamps = sum(name.endswith(".tsr") for name in files)
        demand(stamps <= 64 and renewals(files) <= 32, "there are too many stamps or renewals")
    return files, sorted(unread)

def is_missing(files):
    """The first file without which a proof is not whole."""
    places = [f"renewals/{number}/" for number in range(1, 1 + renewals(files))]
    earlier = [f"{place}earlier/{name}" for place in places for name in earlier_in(files, place)]
    wanted = ["record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json"]
    wanted += [place + "checkpoint" for place in places]
    wanted += [name + kind for name in earlier for kind in EARLIER]
    return next((name for name in wanted if name not in files), None)

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--policy", type=pathlib.Path)
    parser.add_argument("--roots", type=pathlib.Path)
    parser.add_argument("--receipt-key", type=Key)
    told = parser.parse_args()
    try:
        policy = told.policy and Policy(told.policy.read_text(encoding="utf-8"))
        roots = told.roots and told.roots.read_bytes()
        if roots and (b"BEGIN CERTIFICATE" not in roots or re.search(rb"^hizo/authorities/v1\s*$", roots, re.M)):
            raise ValueError("roots are PEM here: the rules of a list of authorities are not implemented")
        given = [path.read_bytes() for path in told.files]
    except (ValueError, OSError) as error:
        print(f"what was brought cannot be used: {error}")
        return 1
    try:
        with step("limits"):
            files, unread = read_folder(told.bundle)
        if missing := is_missing(files):
            print(f"cannot be told: there is no {missing}")
            return 4
        for name in unread:
            print(f"not checked here: {name}")
        doubts, latest = verify(files, policy, roots, told.receipt_key, given, print)
    except DoesNotHold as fault:
        print(f"it does not hold: {fault.args[0]}: {fault.args[1]}")
        return 3
    print(f"cannot be told: {', '.join(doubts)}" if doubts else f"it holds, since {latest}")
    return 4 if doubts else 0

if __name__ == "__main__":
    sys.exit(main())
