#!/usr/bin/env python3
"""Checks a proof of hizo with Python's standard library and openssl, written from docs/spec alone.

    verify.py DIR [FILE...] [--policy FILE] [--roots PEM] [--receipt-key KEY]

BLAKE3, ML-DSA, revocation lists and kept.json are not checked here, and it says so. Exit status: 0 it holds, 1 what was
brought cannot be used, 3 it does not hold, 4 it cannot be told.
"""

import argparse, base64, calendar, contextlib, hashlib, hmac, json, os, pathlib, re, subprocess, sys, tempfile, time

FILES = ("record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json")
EARLIER = (".note", ".receipt", ".tlog-proof")
FIELDS = ("content", "name", "meta")
TYPES = {"file": b"0", "hard link": b"1", "symbolic link": b"2", "folder": b"5"}
SELF_STAMP = "2.25.212200498540112721591717474817381730384"
ESS_V2 = bytes.fromhex("060b2a864886f70d010910022f")  # the attribute that says by which certificate a token is
HEX = re.compile("[0-9a-f]{64}")
INTEGER, HASH, DAY = "(?:0|[1-9][0-9]{0,19})", "[0-9a-f]{64}", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
RECORD = re.compile(
    f"hizo/record/v1\nkeeper (?P<keeper>[^ \n]{{1,255}})\nspace [0-9a-f]{{32}}\nnumber (?P<number>{INTEGER})\n"
    f"prev (?P<prev>{HASH}|-)\nepoch {INTEGER}\ntime (?P<time>{DAY})\nseen (?:[1-9][0-9]{{0,19}} {HASH}|0 -)\n"
    f"body (?:(?P<body>{HASH}) (?P<bytes>{INTEGER})|-)\n(?:series [0-9a-f]{{16}} (?P<k>{INTEGER}) (?P<before>{HASH}|-)\n"
    f"commit (?P<commit>{HASH}) {HASH}\nobjects (?P<lines>{INTEGER}) (?P<total>{INTEGER}) {HASH}\n)?"
    "(?P<control>(?:(?:founder|slot|recovery|remove|member|session|epoch|wrap|origin) [^\n]+\n)*)"
)
NAME = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
LIMITS = {  # docs/spec/proof.md, "Files": what is read, and at most so many bytes of it
    "record[.]note|renewals/[1-9][0-9]*/earlier/" + NAME + "[.]note": 60 << 10,
    "record[.]keys": 512,
    "receipt[.]note|renewals/[1-9][0-9]*/earlier/" + NAME + "[.]receipt": 2 << 10,
    "(renewals/[1-9][0-9]*/)?checkpoint": 256 << 10,
    "record[.]tlog-proof|renewals/[1-9][0-9]*/earlier/" + NAME + "[.]tlog-proof": 264 << 10,
    "opening[.]json": 64 << 20,
    "(renewals/[1-9][0-9]*/)?stamps/" + NAME + "[.]tsr": 132 << 10,
    "(renewals/[1-9][0-9]*/)?stamps/" + NAME + "[.]pem": 1 << 20,
}
PLAIN = re.compile('[^\x00-\x1f"\\\\\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff'
                   '\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]*')

class DoesNotHold(Exception):
    """The step that found it, and why."""

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def demand(holds, step, why):
    if not holds:
        raise DoesNotHold(step, why)

@contextlib.contextmanager
def reading(step):
    """What cannot be read does not hold."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise DoesNotHold(step, "it is not in its form") from None

def unbase64(text, length=None):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text or len(data) != (length or len(data)):
        raise ValueError("base64 is not in its one form, or of another length")
    return data

def is_time(text):
    return text >= "1970" and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) == text

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
    with reading(step):
        text, lines = data.decode().rsplit("\n\n", 1)
        demand(lines.endswith("\n"), step, "the note has no last line")
        signatures = []
        for line in lines[:-1].split("\n"):
            name, value = re.fullmatch("— ([^ +]+) ([^ ]+)", line).groups()
            signatures.append((name, unbase64(value)[:4], unbase64(value)[4:]))
        return text + "\n", signatures

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
        self.logs, self.witnesses, self.groups, self.quorum, members = [], {}, {}, None, []
        for words in map(str.split, text.splitlines()):
            match words:
                case ["log", key, *_]:
                    self.logs.append(Key(key))
                case ["witness", name, key, *_]:
                    self.witnesses[name] = Key(key)
                case ["group", name, count, *named]:
                    count, members = {"any": 1, "all": len(named)}.get(count) or int(count), members + named
                    if not 1 <= count <= len(named) or not {*named} <= {*self.witnesses, *self.groups}:
                        raise ValueError("a group asks for more than it has, or for nothing")
                    self.groups[name] = count, named
                case ["quorum", name]:
                    self.quorum = name
                case [word, *_] if not word.startswith("#"):
                    raise ValueError("a line of the policy is not known")
        known = {"none", *self.witnesses, *self.groups}
        keys = [key.key for key in [*self.logs, *self.witnesses.values()]]
        if self.quorum not in known or len(set(members)) < len(members) or len(set(keys)) < len(keys):
            raise ValueError("the policy has no quorum that it defines, or names something twice")

    def met(self, name, signed):
        if name in self.groups:
            count, members = self.groups[name]
            return sum(self.met(member, signed) for member in members) >= count
        return name == "none" or name in signed

def record_said(data, step):
    """What a record says, its text and its signatures; of docs/spec/record.md as much as a deposit needs."""
    text, signatures = note(data, step)
    said = RECORD.fullmatch(text)
    demand(said, step, "it is not a record")
    with reading(step):
        number = {key: int(value) for key, value in said.groupdict().items() if value and value.isdecimal()}
        deposit, integers = bool(said["commit"]), re.findall(" ([0-9]{1,20})(?=[ \n])", text)
        holds = all(int(it) < 2**64 for it in integers) and is_time(said["time"]) and (number["number"] == 0) == (said["prev"] == "-")
        holds &= not said["body"] or 1 <= number["bytes"] <= 1 << 20
        if deposit:
            holds &= not said["control"] and number["number"] > 0 and number["k"] > 0
            holds &= (number["k"] == 1) == (said["before"] == "-") and 1 <= number["lines"] <= 1 << 16
            holds &= number["lines"] <= number["total"] <= number["lines"] << 24
        demand(holds and (deposit or said["control"] or said["body"]), step, "a number or time is none that a record has")
        names = {name for name, _, signature in signatures if HEX.fullmatch(name * 4) and len(signature) == 64}
        demand(len(names) == len(signatures) <= 8, step, "its signatures are not in their form")
    return said, text, signatures

def check_record(files, say):
    said, text, signatures = record_said(files["record.note"], "record")
    if "record.keys" in files:
        with reading("record"):
            lines = files["record.keys"].decode()
            keys = [unbase64(line) for line in lines.removesuffix("\n").split("\n")]
        named = [sha256(key)[:8].hex() for key in keys]
        ids = [sha256(name.encode(), b"\n\x01", key)[:4] for name, key in zip(named, keys)]
        same = list(zip(named, ids)) == [line[:2] for line in signatures] and lines.endswith("\n")
        demand(same and keys == sorted(keys), "record", "the keys are not the signatures', in their order")
        holds = all(ed25519(key, text.encode(), line[2]) for key, line in zip(keys, signatures))
        demand(holds, "record", "a signature does not hold")
    else:
        say("not checked here: the record's signatures, whose keys do not lie beside it")
    demand(said["commit"], "commitment", "the record makes no deposit")
    return sha256(files["record.note"]), said["keeper"], bytes.fromhex(said["commit"])

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
    decimal = all(str(int(shown[key])) == shown[key] for key in ("size", "mtime_ns") if key in shown)
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
    content, meta = entry["content"], entry["meta"]
    if "salt" in content and "salt" in meta:
        wanted = meta["type"] in ("file", "hard link")
        demand(("sha256" in content) == wanted, "opening", "a content does not fit to its type")
    return sha256(b"\0hizo-leaf/v1\n", *(field_hash(field, entry[field]) for field in FIELDS))

def root_of(entry, depth):
    index, node, path = entry["sha256"]["index"], leaf_hash(entry), entry["sha256"]["path"]
    demand(type(index) is int and list(entry["sha256"]) == ["index", "path"] and 0 <= index, "opening", "no place")
    demand(len(path) == depth and index < 2**depth, "opening", "the place is in no tree")
    for sibling in map(unhex, path):
        node = sha256(b"\1", sibling, node) if index & 1 else sha256(b"\1", node, sibling)
        index >>= 1
    return node

def root_of_all(entries, how):
    demand(list(how) == ["dummy_key", "dummies"], "opening", "complete is not in its form")
    depth = next(depth for depth in range(4, 23, 2) if len(entries) < 2**depth)
    demand(type(how["dummies"]) is int and how["dummies"] == 2**depth - len(entries), "opening", "the number of dummies is another")
    key, nodes = unhex(how["dummy_key"]), [leaf_hash(entry) for entry in entries]
    nodes += [hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in range(how["dummies"])]
    demand(len(set(nodes)) == len(nodes), "names", "an entry is shown twice")
    nodes.sort()
    while len(nodes) > 1:
        nodes = [sha256(b"\1", left, right) for left, right in zip(nodes[::2], nodes[1::2])]
    return depth, nodes[0]

def check_opening(data, commitment, say):
    step = "opening"
    with reading(step):
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
            demand(entries and type(shown["depth"]) is int and shown["depth"] in range(4, 23, 2), step, "no tree has this depth")
            roots = [(shown["depth"], root_of(entry, shown["depth"])) for entry in entries]
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
    day = f"({DAY})"
    form = f"hizo/receipt/v1\nkeeper (.+)\nrecord ([0-9a-f]{{64}})\nslot ([0-9a-f]{{64}})\ntime {day}\nindex-by {day}\n"
    lines = re.fullmatch(form, text)
    with reading("receipt"):
        demand(lines and is_time(lines[4]) and is_time(lines[5]) and lines[4] <= lines[5], "receipt", "it is no receipt")
    demand([line[0] for line in signatures] == [lines[1]], "receipt", "it has not one signature by its keeper")
    if key is None:
        say("not checked here: the receipt's signature")
    else:
        demand(key.signed(text, signatures, "receipt", say), "receipt", "it is by another key")
    demand(bytes.fromhex(lines[2]) == record, "receipt", "it is for another record")
    demand(lines[1] == keeper, "receipt", "it is by another keeper")
    return bytes.fromhex(lines[3]), calendar.timegm(time.strptime(lines[4], "%Y-%m-%dT%H:%M:%SZ"))

def checkpoint(text, step):
    lines = re.fullmatch("([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]{44})\n", text)
    demand(lines, step, "it is not a checkpoint")
    with reading(step):
        demand(int(lines[2]) <= 2**63, step, "no log is that long")
        return lines[1], int(lines[2]), unbase64(lines[3], 32)

def check_inclusion(data, leaf):
    with reading("inclusion"):
        head, _, rest = data.decode().partition("\n\n")
    lines = head.split("\n")
    form = len(lines) > 1 and lines[0] == "c2sp.org/tlog-proof@v1" and re.fullmatch("index (0|[1-9][0-9]*)", lines[1])
    demand(form, "inclusion", "it is not a proof of inclusion")
    text, signatures = note(rest.encode(), "inclusion")
    origin, size, root = checkpoint(text, "inclusion")
    place, last, node = int(form[1]), size - 1, sha256(b"\0", leaf)
    demand(place < size, "inclusion", "the log has no such place")
    for line in lines[2:]:  # RFC 9162, 2.1.3.2
        with reading("inclusion"):
            sibling = unbase64(line)
        demand(last > 0 and len(sibling) == 32, "inclusion", "the path is too long")
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

def nanoseconds(said):
    """A time as openssl prints it, in nanoseconds since 1970."""
    month, day, clock, fraction, year = said
    seconds = calendar.timegm(time.strptime(f"{month} {day} {clock} {year}", "%b %d %H:%M:%S %Y"))
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))

class Stamp:
    """An answer over data: why it does not count, or its time and accuracy in nanoseconds."""

    def __init__(self, name, data, response, chain, roots):
        self.name, self.doubt = name, "not-vouched" if roots else "no-roots"
        self.files = {"data": data, "tsr": response, "roots": roots or b"", "chain": chain or b""}
        _, text = openssl(["ts", "-reply", "-in", "tsr", "-text"], self.files)
        said = re.search("Time stamp: (\\w+) +(\\d+) (\\d+:\\d+:\\d+)(?:[.](\\d+))? (\\d+) GMT", text)
        kind, imprint = re.search("Hash Algorithm: (sha256|sha384|sha512)\n", text), text.partition("Message data:\n")[2]
        if not said or not kind or ESS_V2 not in response:  # of a kind that is not read
            return
        shown = re.findall("^    [0-9a-f]{4} - (.{47})", imprint.partition("Serial number")[0], re.M)
        imprint = bytes.fromhex("".join(shown).replace("-", " "))
        demand(imprint == hashlib.new(kind[1], data).digest(), "stamps", "a stamp is over other bytes")
        number = "(?:0x([0-9A-F]+)|unspecified) "
        accuracy = re.search(f"Accuracy: {number}seconds, {number}millis, {number}micros", text)
        parts = [int(part or "0", 16) for part in accuracy.groups()] if accuracy else [0, 0, 0]
        self.time, self.accuracy = nanoseconds(said.groups()), (parts[0] * 10**6 + parts[1] * 1000 + parts[2]) * 1000
        self.latest = self.time + self.accuracy
        said = self.signature()
        holds, chain = self.holds_at(self.time) if roots else (False, "")
        false = re.search("verification failure|digest failure", said) or "ess cert id" in chain
        demand(not false, "stamps", "a stamp's signature does not hold, or binds another certificate")
        own = re.search(f"Policy OID: {re.escape(SELF_STAMP)}\n", text)
        self.doubt = "self-stamped" if own else "" if holds else self.doubt

    def signature(self):
        """What openssl says against the signature, whoever gave it."""
        with tempfile.NamedTemporaryFile() as token:
            openssl(["ts", "-reply", "-in", "tsr", "-token_out", "-out", token.name], self.files)
            beside = ["-certfile", "chain"] if b"BEGIN CERTIFICATE" in self.files["chain"] else []
            verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", token.name, "-out", "said", *beside]
            holds, said = openssl(verify, self.files)
            return "" if holds else said

    def holds_at(self, moment):
        """To openssl a certificate has ended in the last second of its life, to hizo at its end."""
        for seconds in (moment // 10**9, -(-moment // 10**9) - 1):
            arguments = ["ts", "-verify", "-data", "data", "-in", "tsr", "-CAfile", "roots", "-attime", str(seconds)]
            beside = ["-untrusted", "chain"] if b"BEGIN CERTIFICATE" in self.files["chain"] else []
            holds, said = openssl(arguments + beside, self.files)
            if holds:
                break
        return holds, said

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
        said, _, _ = record_said(record, "renewals")
        answer = files[before + f"stamps/{name}.tsr"]
        says = [said["body"], said["bytes"]] == [sha256(answer).hex(), str(len(answer))]
        demand(says and not said["commit"] and not said["control"], "renewals",
               f"the record does not say the stamp {name}, and nothing else")
        slot, _ = check_receipt(receipt, sha256(record), keeper, receipt_key, say)
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
            in_time = stamp.name in covered[number] and any(stamp.holds_at(new.latest)[0] for new in later)
            if not later or in_time:
                stamp.number = number
                sound.append(stamp)
    return min((stamp.latest for stamp in sound), default=None)

def check_files(entries, given, say):
    contents, compared = [entry for entry in entries if "sha256" in entry["content"]], 0
    for data in given if contents else []:
        same = [entry for entry in contents if entry["content"]["sha256"] == sha256(data).hex()]
        demand(same, "files", "a file is not shown")
        demand(all(int(entry["meta"].get("size", len(data))) == len(data) for entry in same), "files", "another length")
        compared += len(same)
    if compared < len(contents):
        say(f"committed to, not compared with a file: {len(contents) - compared} of {len(contents)} shown contents")
    return ["nothing-to-compare"] if given and not contents else []

def readable(moment):
    fraction = f"{moment % 10**9:09}".rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 10**9)) + f".{fraction}" * bool(fraction) + "Z"

def verify(files, policy, roots, receipt_key, given, say):
    """The doubts, and the time since when; raises DoesNotHold."""
    record, keeper, commitment = check_record(files, say)
    entries = check_opening(files["opening.json"], commitment, say)
    slot, kept = check_receipt(files["receipt.note"], record, keeper, receipt_key, say)
    origin, text, signatures = check_inclusion(files["record.tlog-proof"], slot + record)
    demand(origin == keeper, "checkpoint", "it is of another log than the record names")
    doubts = check_checkpoint(policy, origin, text, signatures, say)
    stamped, _ = note(files["checkpoint"], "stamped")
    demand(checkpoint(stamped, "stamped") and stamped == text, "stamped", "another checkpoint was stamped")
    for name in sorted(name for name in files if name.endswith(".crl")):
        say(f"not checked here: {name}; openssl verify -crl_check_all reads it")
    first = stamps_of(files, "", roots)
    heads, covered = check_renewals(files, first, roots, keeper, policy, receipt_key, say)
    counted = [stamp.latest for head in heads for stamp in head if not stamp.doubt]
    if counted and min(counted) < kept * 10**9:
        say("warning: the keeper says a time after that of an independent stamp")
    found, latest = [stamp.doubt for head in heads for stamp in head], since(heads, covered)
    if latest is None:
        order = ["self-stamped", "no-roots", "not-vouched"]
        doubts.append(next((doubt for doubt in order if doubt in found), "no-stamp"))
    if "kept.json" in files:
        say("not checked here: that the packs hold what is shown (kept.json)")
    doubts += check_files(entries, given, say)
    return doubts, latest and readable(latest)

def read_folder(folder):
    """The files of a proof: no others, none by a link, none past its limit."""
    files = {}
    for at, _, names in os.walk(folder):
        for path in (pathlib.Path(at) / name for name in names):
            name = path.relative_to(folder).as_posix()
            limit = next((limit for form, limit in LIMITS.items() if re.fullmatch(form, name)), None)
            beside = name.endswith(".pem") and not path.with_suffix(".tsr").is_file()
            if limit is None or beside or path.is_symlink() or not path.is_file():
                continue
            demand(path.stat().st_size <= limit, "limits", f"{name} is too long")
            files[name] = b""
            demand(sum(name.endswith(".tsr") for name in files) <= 64, "limits", "there are too many stamps")
    demand(len({name.split("/")[1] for name in files if name.startswith("renewals/")}) <= 32, "limits", "too many renewals")
    return {name: (folder / name).read_bytes() for name in files}

def is_missing(files):
    """The first file without which a proof is not whole."""
    numbers = {int(name.split("/")[1]) for name in files if name.startswith("renewals/")}
    wanted = [*FILES, *(f"renewals/{number}/checkpoint" for number in range(1, 1 + len(numbers)))]
    earlier = {name.rpartition(kind)[0] for name in files for kind in EARLIER if "/earlier/" in name and name.endswith(kind)}
    wanted += [name + kind for name in sorted(earlier) for kind in EARLIER]
    return next((name for name in wanted if name not in files), None)

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    for name in ("--policy", "--roots"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--receipt-key", type=Key)
    told = parser.parse_args()
    try:
        policy = told.policy and Policy(told.policy.read_text(encoding="utf-8"))
        roots = told.roots and told.roots.read_bytes()
        if roots and b"BEGIN CERTIFICATE" not in roots or roots and re.search(rb"^hizo/authorities/v1\s*$", roots, re.M):
            raise ValueError("roots are PEM here: the rules of a list of authorities are not implemented")
        given = [path.read_bytes() for path in told.files]
    except (ValueError, OSError) as error:
        print(f"what was brought cannot be used: {error}")
        return 1
    try:
        files = read_folder(told.bundle)
        if missing := is_missing(files):
            print(f"cannot be told: there is no {missing}")
            return 4
        doubts, since = verify(files, policy, roots, told.receipt_key, given, print)
    except DoesNotHold as fault:
        print(f"it does not hold: {fault.args[0]}: {fault.args[1]}")
        return 3
    print(f"cannot be told: {', '.join(doubts)}" if doubts else f"it holds, since {since}")
    return 4 if doubts else 0

if __name__ == "__main__":
    sys.exit(main())
