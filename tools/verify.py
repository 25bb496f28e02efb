#!/usr/bin/env python3
"""Checks a proof of hizo with Python's standard library and openssl, written from docs/spec alone.

    verify.py DIR [FILE...] [--policy FILE] [--roots PEM] [--receipt-key KEY]

BLAKE3, ML-DSA and revocation lists are not checked here, and it says so. Exit status: 0 it holds, 3 it does not, 4 it cannot be told.
"""

import argparse, base64, calendar, hashlib, hmac, json, pathlib, re, subprocess, sys, tempfile, time

FILES = ("record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json")
EARLIER = (".note", ".receipt", ".tlog-proof")
FIELDS = ("content", "name", "meta")
TYPES = {"file": b"0", "hard link": b"1", "symbolic link": b"2", "folder": b"5"}
RECORD_WORDS = "keeper space number prev epoch time seen body series commit objects founder slot recovery remove member".split()
RECORD_WORDS += ["wrap", "origin"]
SELF_STAMP = "2.25.212200498540112721591717474817381730384"
HEX = re.compile("[0-9a-f]{64}")
PLAIN = re.compile('[^\x00-\x1f"\\\\\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]*')

class DoesNotHold(Exception):
    """The step that found it, and why."""

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def demand(holds, step, why):
    if not holds:
        raise DoesNotHold(step, why)

def unbase64(text, step, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise DoesNotHold(step, "it is not base64") from None
    canonical = base64.b64encode(data).decode() == text
    demand(canonical and len(data) == (length or len(data)), step, "base64 is not in its one form, or of another length")
    return data

def openssl(arguments, files):
    """Runs openssl with files by their names in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (pathlib.Path(folder) / name).write_bytes(data)
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True)
        return done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")

def ed25519(key, message, signature):
    der = bytes.fromhex("302a300506032b6570032100") + key
    arguments = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile sig -in text".split()
    return len(signature) == 64 and openssl(arguments, {"key": der, "sig": signature, "text": message})[0]

def note(data, step):
    """Text and signature lines (C2SP signed-note): name, key id, signature."""
    try:
        text, lines = data.decode().rsplit("\n\n", 1)
        demand(lines.endswith("\n"), step, "the note has no last line")
        signatures = []
        for line in lines[:-1].split("\n"):
            name, value = re.fullmatch("— ([^ +]+) ([^ ]+)", line).groups()
            value = unbase64(value, step)
            signatures.append((name, value[:4], value[4:]))
        return text + "\n", signatures
    except (ValueError, AttributeError):
        raise DoesNotHold(step, "it is not a signed note") from None

class Key:
    """A verifier key: name+id+base64(type ‖ key)."""

    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        key = base64.b64decode(key, validate=True)
        self.kind, self.key, self.id = key[0], key[1:], bytes.fromhex(key_id)
        if sha256(self.name.encode(), b"\n", key)[:4] != self.id:
            raise ValueError("the key's id is not its own")

    def signed(self, text, signatures, step, say):
        """None: no signature by this key, or one that cannot be checked here."""
        found = None
        for name, key_id, signature in signatures:
            if (name, key_id) == (self.name, self.id):
                if self.kind == 6:
                    say(f"not checked here: the ML-DSA-44 signature of {name}")
                    continue
                message = text.encode()
                if self.kind == 4:
                    seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
                demand(ed25519(self.key, message, signature), step, f"the signature of {name} does not hold")
                found = True
        return found

class Policy:
    """C2SP tlog-policy."""

    def __init__(self, text):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        for words in map(str.split, text.splitlines()):
            match words:
                case ["log", key, *_]:
                    self.logs.append(Key(key))
                case ["witness", name, key, *_]:
                    self.witnesses[name] = Key(key)
                case ["group", name, count, *members]:
                    self.groups[name] = {"any": 1, "all": len(members)}.get(count) or int(count), members
                case ["quorum", name]:
                    self.quorum = name

    def met(self, name, signed):
        if name in self.groups:
            count, members = self.groups[name]
            return sum(self.met(member, signed) for member in members) >= count
        return name == "none" or name in signed

def record_words(data, step):
    lines = note(data, step)[0][:-1].split("\n")
    known = all(line.split(" ")[0] in RECORD_WORDS for line in lines[1:])
    demand(lines[0] == "hizo/record/v1" and known, step, "a line is not known")
    return {line.split(" ")[0]: line.split(" ")[1:] for line in lines[1:]}

def check_record(files, say):
    (text, signatures), words = note(files["record.note"], "record"), record_words(files["record.note"], "record")
    if "record.keys" in files:
        keys = [unbase64(line, "record", 32) for line in files["record.keys"].decode().split()]
        named = [sha256(key)[:8].hex() for key in keys]
        ids = [sha256(name.encode(), b"\n\x01", key)[:4] for name, key in zip(named, keys)]
        demand(list(zip(named, ids)) == [line[:2] for line in signatures], "record", "the keys are not the signatures'")
        holds = all(ed25519(key, text.encode(), line[2]) for key, line in zip(keys, signatures))
        demand(holds, "record", "a signature does not hold")
    else:
        say("not checked here: the record's signatures, whose keys do not lie beside it")
    demand("commit" in words, "commitment", "the record makes no deposit")
    return sha256(files["record.note"]), words["keeper"][0], bytes.fromhex(words["commit"][0])

def unhex(text, step="opening"):
    demand(type(text) is str and HEX.fullmatch(text), step, "a hash is not in its form")
    return bytes.fromhex(text)

def value_of(field, shown):
    """The committed bytes of a shown field."""
    keys = list(shown)[1:]
    if field == "content":
        demand(keys in ([], ["sha256", "key", "blake3"]), "opening", "a content is not in its form")
        return b"".join(unhex(shown[key]) for key in keys)
    if field == "name":
        demand(keys in (["text"], ["hex"]), "opening", "a name is not in its form")
        name = shown["text"].encode() if "text" in shown else bytes.fromhex(shown["hex"])
        safe = 0 < len(name) < 4096 and b"\0" not in name and not {b"", b".", b".."} & set(name.split(b"/"))
        plain = PLAIN.fullmatch(name.decode("utf-8", "surrogateescape"))
        same = plain if "text" in shown else not plain and name.hex() == shown["hex"]
        demand(safe and same, "opening", "a name is not safe, or not in its one form")
        return name
    sized, linked = shown["type"] in ("file", "hard link"), shown["type"] in ("hard link", "symbolic link")
    wanted = ["type"] + ["size"] * sized + ["mode", "mtime_ns"] + ["target"] * linked
    decimal = all(str(int(shown.get(key, 0))) == str(shown.get(key, 0)) for key in ("size", "mtime_ns"))
    demand(keys == wanted and decimal and re.fullmatch("[0-7]{4}", shown["mode"]), "opening", "a meta is not in its form")
    out = TYPES[shown["type"]] + int(shown.get("size", 0)).to_bytes(8, "big") + int(shown["mode"], 8).to_bytes(4, "big")
    out += int(shown["mtime_ns"]).to_bytes(8, "big", signed=True)
    return out + (unhex(shown["target"]) if linked else bytes(32))

def field_hash(field, part):
    if list(part) == ["hidden_sha256", "hidden_blake3"]:
        return unhex(part["hidden_sha256"])
    demand(list(part)[:1] == ["salt"], "opening", "a field is not in its form")
    return sha256(b"hizo-field/v1\n", bytes([len(field)]), field.encode(), unhex(part["salt"]), value_of(field, part))

def leaf_hash(entry):
    return sha256(b"\0hizo-leaf/v1\n", *(field_hash(field, entry[field]) for field in FIELDS))

def root_of(entry, depth):
    index, node, path = entry["sha256"]["index"], leaf_hash(entry), entry["sha256"]["path"]
    demand(type(index) is int and len(path) == depth and index < 2**depth, "opening", "the place is in no tree")
    for sibling in map(unhex, path):
        node = sha256(b"\1", sibling, node) if index & 1 else sha256(b"\1", node, sibling)
        index >>= 1
    return node

def root_of_all(entries, how):
    demand(list(how) == ["dummy_key", "dummies"], "opening", "complete is not in its form")
    depth = next(depth for depth in range(4, 23, 2) if len(entries) < 2**depth)
    demand(how["dummies"] == 2**depth - len(entries), "opening", "the number of dummies is another")
    key, nodes = unhex(how["dummy_key"]), [leaf_hash(entry) for entry in entries]
    nodes += [hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in range(how["dummies"])]
    demand(len(set(nodes)) == len(nodes), "names", "an entry is shown twice")
    nodes.sort()
    while len(nodes) > 1:
        nodes = [sha256(b"\1", left, right) for left, right in zip(nodes[::2], nodes[1::2])]
    return depth, nodes[0]

def check_opening(data, commitment, say):
    step = "opening"
    try:
        shown = json.loads(data)
        canonical = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
        demand(canonical.encode() == data and shown["format"] == "hizo/opening/v1", step, "opening.json is not canonical")
        kind = list(shown)[2]
        demand(list(shown) == ["format", "blind", kind, "entries"], step, "opening.json has other members")
        blind, entries = unhex(shown["blind"]), shown["entries"]
        places = ["sha256", "blake3"] if kind == "depth" else []
        demand(all(list(entry) == [*FIELDS, *places] for entry in entries), step, "an entry is not in its form")
        if kind == "complete":
            roots = [root_of_all(entries, shown["complete"])]
        else:
            demand(entries and shown["depth"] in range(4, 23, 2), step, "no tree has this depth")
            roots = [(shown["depth"], root_of(entry, shown["depth"])) for entry in entries]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
        raise DoesNotHold(step, "opening.json is not in its form") from None
    for depth, root in roots:
        found = sha256(b"hizo-root/v1\n", blind, bytes([depth]), root)
        demand(found == commitment, step, "it does not lead to the commitment")
    say("not checked here: the second hash family, BLAKE3")
    if kind == "depth":
        indices = [entry["sha256"]["index"] for entry in entries]
        demand(len(set(indices)) == len(indices), "names", "an entry is shown twice")
    names = [value_of("name", entry["name"]) for entry in entries if "salt" in entry["name"]]
    demand(len(set(names)) == len(names), "names", "a name is shown twice")
    return entries

def check_receipt(data, record, keeper, key, say):
    text, signatures = note(data, "receipt")
    day = "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z)"
    form = f"hizo/receipt/v1\nkeeper (.+)\nrecord ([0-9a-f]{{64}})\nslot ([0-9a-f]{{64}})\ntime {day}\nindex-by {day}\n"
    lines = re.fullmatch(form, text)
    demand(lines and lines[4] <= lines[5], "receipt", "it is not a receipt")
    demand([line[0] for line in signatures] == [lines[1]], "receipt", "it has not one signature by its keeper")
    if key is None:
        say("not checked here: the receipt's signature")
    else:
        demand(key.signed(text, signatures, "receipt", say), "receipt", "it is by another key")
    demand(bytes.fromhex(lines[2]) == record, "receipt", "it is for another record")
    demand(lines[1] == keeper, "receipt", "it is by another keeper")
    return bytes.fromhex(lines[3])

def checkpoint(text, step):
    lines = re.fullmatch("([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]{44})\n", text)
    demand(lines and int(lines[2]) <= 2**63, step, "it is not a checkpoint")
    return lines[1], int(lines[2]), unbase64(lines[3], step, 32)

def check_inclusion(data, leaf):
    head, _, rest = data.decode().partition("\n\n")
    lines = head.split("\n")
    form = len(lines) > 1 and lines[0] == "c2sp.org/tlog-proof@v1" and re.fullmatch("index (0|[1-9][0-9]*)", lines[1])
    demand(form, "inclusion", "it is not a proof of inclusion")
    text, signatures = note(rest.encode(), "inclusion")
    origin, size, root = checkpoint(text, "inclusion")
    place, last, node = int(form[1]), size - 1, sha256(b"\0", leaf)
    demand(place < size, "inclusion", "the log has no such place")
    for line in lines[2:]:  # RFC 9162, 2.1.3.2
        sibling = unbase64(line, "inclusion", 32)
        demand(last > 0, "inclusion", "the path is too long")
        if place & 1 or place == last:
            node = sha256(b"\1", sibling, node)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        place, last = place >> 1, last >> 1
    demand(last == 0 and node == root, "inclusion", "the path does not lead to the root")
    return origin, text, signatures

def check_checkpoint(policy, origin, text, signatures, say):
    if policy is None:
        return ["no-policy"]
    logs = [log.signed(text, signatures, "checkpoint", say) for log in policy.logs if log.name == origin]
    if not any(logs):
        return ["other-log"]
    signed = {name for name, key in policy.witnesses.items() if key.signed(text, signatures, "checkpoint", say)}
    return [] if policy.met(policy.quorum, signed) else ["no-quorum"]

def moment(said):
    """A time as openssl prints it, in seconds since 1970."""
    return calendar.timegm(time.strptime(" ".join(said), "%b %d %H:%M:%S %Y"))

class Stamp:
    """An answer over data: why it is not independent, or its time and accuracy in seconds."""

    def __init__(self, name, data, response, chain, roots):
        self.name, self.files = name, {"data": data, "tsr": response, "roots": roots or b"", "chain": chain or b""}
        _, text = openssl(["ts", "-reply", "-in", "tsr", "-text"], self.files)
        said = re.search("Time stamp: (\\w+) +(\\d+) (\\d+:\\d+:\\d+)[.\\d]* (\\d+) GMT", text)
        demand(said, "stamps", "it is not a stamp")
        accuracy = re.search("Accuracy: 0x([0-9A-F]+) seconds", text)
        self.time, self.accuracy = moment(said.groups()), int(accuracy[1], 16) if accuracy else 0
        self.latest = self.time + self.accuracy
        holds, said = self.holds_at(self.time, "roots" if roots else "chain")
        vouched = "certificate verify error" not in said or "purpose" in said
        demand(holds or not vouched or not roots and not chain, "stamps", said.strip()[-200:])
        self.doubt = "self-stamped" if SELF_STAMP in text else "no-roots" if not roots else "" if holds else "not-vouched"

    def holds_at(self, seconds, roots="roots"):
        arguments = ["ts", "-verify", "-data", "data", "-in", "tsr", "-CAfile", roots, "-attime", str(seconds)]
        beside = ["-untrusted", "chain"] if b"BEGIN CERTIFICATE" in self.files["chain"] else []
        return openssl(arguments + beside, self.files)

def stamps_of(files, place, roots):
    found = ((re.fullmatch(re.escape(place) + "stamps/(.+)[.]tsr", name), files[name]) for name in sorted(files))
    data = files[place + "checkpoint"]
    return [Stamp(it[1], data, tsr, files.get(it[0][:-4] + ".pem"), roots) for it, tsr in found if it]

def check_renewal(files, place, before, earlier, keeper, policy, receipt_key, say):
    """The names of the earlier stamps that stand under this head."""
    later, _ = note(files[place + "checkpoint"], "renewals")
    demand(checkpoint(later, "renewals")[0] == keeper, "renewals", "the later head is of another log")
    for name in earlier:
        demand(before + f"stamps/{name}.tsr" in files, "renewals", f"there is no earlier stamp {name}")
        record, receipt, proof = (files[f"{place}earlier/{name}{kind}"] for kind in EARLIER)
        words, others = record_words(record, "renewals"), set(RECORD_WORDS[8:]) - {"epoch"}
        answer = files[before + f"stamps/{name}.tsr"]
        says = words["body"] == [sha256(answer).hex(), str(len(answer))] and not others & set(words)
        demand(says, "renewals", f"the record does not say the stamp {name}, and nothing else")
        slot = check_receipt(receipt, sha256(record), keeper, receipt_key, say)
        origin, text, signatures = check_inclusion(proof, slot + sha256(record))
        demand(text == later, "renewals", "the stamped head is another")
        if policy:
            check_checkpoint(policy, origin, text, signatures, say)
    demand(earlier, "renewals", "it covers no earlier stamp")

def check_renewals(files, stamps, roots, *told):
    """All stamps, those over each head in a list, and the covered ones of each head by name."""
    heads, covered, before = [stamps], [], ""
    for number in range(1, 1 + len({name.split("/")[1] for name in files if name.startswith("renewals/")})):
        place = f"renewals/{number}/"
        names = (re.fullmatch(place + "earlier/(.+)[.]note", name) for name in sorted(files))
        covered.append([name[1] for name in names if name])
        try:
            check_renewal(files, place, before, covered[-1], *told)
            later = stamps_of(files, place, roots)
        except DoesNotHold as fault:
            raise DoesNotHold("renewals", fault.args[1]) from None
        for head, names in zip(heads, covered):
            for old in (stamp for stamp in head if stamp.name in names and not stamp.doubt):
                wrong = any(new.latest + old.accuracy < old.time for new in later if not new.doubt)
                demand(not wrong, "renewals", "a later stamp says an earlier time")
        heads.append(later)
        before = place
    return heads, covered + [[]]

def since(heads, covered):
    """The earliest time of a stamp whose chain of renewals has no gap; None without an independent one."""
    sound = []
    for number in reversed(range(len(heads))):
        later = [stamp for stamp in sound if stamp.number > number]
        for stamp in (stamp for stamp in heads[number] if not stamp.doubt):
            # In time: its certificates had not ended. To openssl they have in the last second of their life.
            in_time = stamp.name in covered[number] and any(stamp.holds_at(new.latest - 1)[0] for new in later)
            if not later or in_time:
                stamp.number = number
                sound.append(stamp)
    return min((stamp.latest for stamp in sound), default=None)

def check_files(entries, given):
    contents = [entry for entry in entries if "sha256" in entry["content"]]
    for data in given if contents else []:
        same = [entry for entry in contents if entry["content"]["sha256"] == sha256(data).hex()]
        demand(same, "files", "a file is not shown")
        sizes = [int(entry["meta"].get("size", len(data))) for entry in same]
        demand(len(data) in sizes, "files", "a file has another length")
    return ["nothing-to-compare"] if given and not contents else []

def verify(files, policy, roots, receipt_key, given, say):
    """The doubts, and the time since when; raises DoesNotHold."""
    record, keeper, commitment = check_record(files, say)
    entries = check_opening(files["opening.json"], commitment, say)
    slot = check_receipt(files["receipt.note"], record, keeper, receipt_key, say)
    origin, text, signatures = check_inclusion(files["record.tlog-proof"], slot + record)
    demand(origin == keeper, "checkpoint", "it is of another log than the record names")
    doubts = check_checkpoint(policy, origin, text, signatures, say)
    stamped, _ = note(files["checkpoint"], "stamped")
    demand(checkpoint(stamped, "stamped") and stamped == text, "stamped", "another checkpoint was stamped")
    for name in sorted(name for name in files if name.endswith(".crl")):
        say(f"not checked here: {name}; openssl verify -crl_check_all reads it")
    first = stamps_of(files, "", roots)
    heads, covered = check_renewals(files, first, roots, keeper, policy, receipt_key, say)
    found, latest = [stamp.doubt for head in heads for stamp in head], since(heads, covered)
    if latest is None:
        order = ["self-stamped", "no-roots", "not-vouched"]
        doubts.append(next((doubt for doubt in order if doubt in found), "no-stamp"))
    doubts += check_files(entries, given)
    if "kept.json" in files:
        say("not checked here: that the packs hold what is shown (kept.json)")
    return doubts, latest and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(latest))

def read_folder(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    for name in ("--policy", "--roots"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--receipt-key", type=Key)
    told = parser.parse_args()
    files = read_folder(told.bundle)
    missing = [name for name in FILES if name not in files]
    if missing:
        print(f"cannot be told: there is no {missing[0]}")
        return 4
    policy = told.policy and Policy(told.policy.read_text(encoding="utf-8"))
    roots = told.roots and told.roots.read_bytes()
    given = [path.read_bytes() for path in told.files]
    try:
        doubts, since = verify(files, policy, roots, told.receipt_key, given, print)
    except DoesNotHold as fault:
        print(f"it does not hold: {fault.args[0]}: {fault.args[1]}")
        return 3
    print(f"cannot be told: {', '.join(doubts)}" if doubts else f"it holds, since {since}")
    return 4 if doubts else 0

if __name__ == "__main__":
    sys.exit(main())
