#!/usr/bin/env python3
"""Checks a proof of hizo with Python's standard library and openssl, written from docs/spec alone.

    verify.py DIR [FILE...] [--policy FILE] [--roots PEM] [--receipt-key KEY]

BLAKE3, ML-DSA, revocation lists and kept.json are not checked here, and it says so. Exit status: 0 it holds, 1 what was
brought cannot be used, 3 it does not hold, 4 it cannot be told.
"""

import argparse, base64, calendar, hashlib, hmac, json, pathlib, re, struct, subprocess, sys, tempfile, time

HASH, INTEGER, DAY = "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,19})", "[0-9TZ:-]{20}"
RECORD = (  # docs/spec/record.md, as much of it as a deposit needs
    f"hizo/record/v1\nkeeper (?P<keeper>[^ \n]{{1,255}})\nspace [0-9a-f]{{32}}\n"
    f"(?:number 0\nprev -|number (?P<number>[1-9][0-9]{{0,19}})\nprev {HASH})\nepoch {INTEGER}\ntime (?P<time>{DAY})\n"
    f"seen (?:[1-9][0-9]{{0,19}} {HASH}|0 -)\nbody (?:(?P<body>{HASH}) (?P<bytes>{INTEGER})|-)\n"
    f"(?:series [0-9a-f]{{16}} (?:1 -|(?!1 )[1-9][0-9]{{0,19}} {HASH})\ncommit (?P<commit>{HASH}) {HASH}\n"
    f"objects (?P<lines>{INTEGER}) (?P<total>{INTEGER}) {HASH}\n|"
    "(?P<control>(?:(?:founder|slot|recovery|remove|member|session|epoch|wrap|origin) [^\n]+\n)*))"
)
RECEIPT = f"hizo/receipt/v1\nkeeper (.+)\nrecord ({HASH})\nslot ({HASH})\ntime ({DAY})\nindex-by ({DAY})\n(?:copies 2\n)?"
CHECKPOINT = "([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n"
INCLUSION = "c2sp.org/tlog-proof@v1\nindex (0|[1-9][0-9]*)((?:\n[^\n]+)*)\n\n(.+)"
# A name that can be shown as text: nothing that controls, misleads or cannot be seen.
PLAIN = ('[^\x00-\x1f"\\\\\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f'
         '\ud800-\udfff\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]*')
HIDDEN = f"hidden_sha256 {HASH}\nhidden_blake3 {HASH}\n"
FIELDS = {  # of an entry in opening.json: each member and its value a line
    "content": f"salt {HASH}\n(?:sha256 {HASH}\nkey {HASH}\nblake3 {HASH}\n)?",
    "name": f"salt {HASH}\n(?:text {PLAIN}|hex (?:[0-9a-f]{{2}})+)\n",
    "meta": f"salt {HASH}\ntype (?:(?:file|hard link)\nsize {INTEGER}|symbolic link|folder)\nmode [0-7]{{4}}\n"
            f"mtime_ns (?:0|-?[1-9][0-9]{{0,18}})\n(?:target {HASH}\n)?",
}
TYPES = {"file": b"0", "hard link": b"1", "symbolic link": b"2", "folder": b"5"}
EARLIER = {".note": 60 << 10, ".receipt": 2 << 10, ".tlog-proof": 264 << 10}
SELF_STAMP = "Policy OID: 2.25.212200498540112721591717474817381730384\n"
ESS_V2 = bytes.fromhex("060b2a864886f70d010910022f")  # the attribute that says by which certificate a stamp is
NANOSECONDS = {"seconds": 10**9, "millis": 10**6, "micros": 10**3}
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error)

def demand(holds, why):
    if not holds:
        raise ValueError(why)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text):
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 is not in its one form")
    return data

def unhex(text):
    demand(re.fullmatch(HASH, text), "a hash is not in its form")
    return bytes.fromhex(text)

def readable(moment):
    fraction = f"{moment % 10**9:09}".rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 10**9)) + f".{fraction}" * bool(fraction) + "Z"

def nanoseconds(text):
    """Since 1970, of a time that exists."""
    moment = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) * 10**9
    demand(moment >= 0 and readable(moment) == text, "a time is none that exists")
    return moment

def openssl(files, *commands):
    """Runs openssl in a folder of these files: whether the last command is content, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        for command in commands:
            done = subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True)
    return done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")

class Key:
    """A key as C2SP writes it, name+id+base64(kind ‖ key): of kind 1 Ed25519, 4 Ed25519 of a witness, 6 ML-DSA-44."""

    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        key = unbase64(key)
        self.kind, self.key, self.id = key[0], key[1:], sha256(self.name.encode(), b"\n", key)[:4]
        demand(self.id.hex() == key_id, "a key's id is not its own")

    def has_signed(self, text, signatures):
        """As far as it can be checked here; every signature under its name and id must hold."""
        own = [signature[4:] for name, signature in signatures if (name, signature[:4]) == (self.name, self.id)]
        if own and self.kind == 6:
            print(f"not checked here: the ML-DSA-44 signature of {self.name}")
            return False
        for signature in own:
            message = text
            if self.kind == 4:
                message = f"cosignature/v1\ntime {int.from_bytes(signature[:8], 'big')}\n{text}"
                signature = signature[8:]
            der = bytes.fromhex("302a300506032b6570032100") + self.key
            command = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile sig -in text"
            holds = openssl({"key": der, "sig": signature, "text": message.encode()}, command)[0]
            demand(holds and len(signature) == 64, f"the signature of {self.name} does not hold")
        return bool(own)

class Policy:
    """C2SP tlog-policy: the logs, the witnesses, and who of them must have signed."""

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
                    possible = 1 <= count <= len(named) and {*named} <= {*self.witnesses, *self.groups}
                    demand(possible, "a group asks for more than it has, or for nothing")
                    self.groups[name] = count, named
                case ["quorum", name]:
                    self.quorum = name
                case [word, *_]:
                    demand(word.startswith("#"), "a line of the policy is not known")
        keys = [key.key for key in [*self.logs, *self.witnesses.values()]]
        once = len(set(members)) == len(members) and len(set(keys)) == len(keys)
        demand(once and self.quorum in {"none", *self.witnesses, *self.groups}, "the policy names twice, or no quorum")

    def doubts(self, origin, text, signatures):
        """Why a checkpoint does not meet it, if it does not."""
        def met(name):
            count, members = self.groups.get(name, (1, []))
            return sum(map(met, members)) >= count if members else name in {"none", *signed}
        logs = [log.has_signed(text, signatures) for log in self.logs if log.name == origin]
        signed = {name for name, key in self.witnesses.items() if key.has_signed(text, signatures)}
        return ["other-log"] if not any(logs) else [] if met(self.quorum) else ["no-quorum"]

def read_note(form, data):
    """What a signed note (C2SP) says in this form, its text, and its signatures: name, and key id ‖ signature."""
    text, lines = re.fullmatch("(.*\n)\n((?:— [^\\s+]+ \\S+\n)+)", data.decode(), re.S).groups()
    said = re.fullmatch(form, text)
    demand(said, "it is not in its form")
    return said, text, [(name, unbase64(value)) for name, value in re.findall("— (\\S+) (\\S+)\n", lines)]

def read_checkpoint(data):
    said, text, signatures = read_note(CHECKPOINT, data)
    demand(int(said[2]) <= 2**63, "the log has more leaves than one may have")
    return said, text, signatures

def read_record(data):
    said, text, signatures = read_note(RECORD, data)
    size, lines, total = int(said["bytes"] or 1), int(said["lines"] or 1), int(said["total"] or 1)
    holds = all(int(it) < 2**64 for it in re.findall(" ([0-9]{1,20})(?=[ \n])", text))
    holds &= 1 <= size <= 1 << 20 and 1 <= lines <= 1 << 16 and lines <= total <= lines << 24
    holds &= bool(said["number"] if said["commit"] else said["control"] or said["body"])
    demand(holds and nanoseconds(said["time"]) >= 0, "a number is none that a record has")
    names = {name for name, it in signatures if re.fullmatch("[0-9a-f]{16}", name) and len(it) == 68}
    demand(len(names) == len(signatures) <= 8, "its signatures are not in their form")
    return said, text, signatures

def check_signers(data, text, signatures):
    """The keys beside a record are those of its signatures, in the order of the keys."""
    *lines, end = data.decode().split("\n")
    keys = [unbase64(line) for line in lines]
    demand(keys == sorted(keys) and end == "", "the keys are not in their order")
    for key, (name, signature) in zip(keys, signatures, strict=True):
        named = f"{sha256(key)[:8].hex()}+{signature[:4].hex()}+" + base64.b64encode(b"\1" + key).decode()
        demand(Key(named).has_signed(text, [(name, signature)]), "a key is not that of its signature")

def climb(node, index, size, path):
    """The root over a leaf (RFC 9162, 2.1.3.2): above where its way meets that of the last leaf, siblings lie left."""
    meeting = (index ^ (size - 1)).bit_length()
    demand(0 <= index < size <= 2**63, "the tree has no such place")
    demand(len(path) == meeting + (index >> meeting).bit_count(), "the path has another length")
    for level, sibling in enumerate(path):
        is_left = level >= meeting or index >> level & 1
        node = sha256(b"\1", sibling, node) if is_left else sha256(b"\1", node, sibling)
    return node

def check_inclusion(data, leaf):
    """The checkpoint under which the leaf stands: the log's name, text and signatures."""
    index, path, head = re.fullmatch(INCLUSION, data.decode(), re.S).groups()
    said, text, signatures = read_checkpoint(head.encode())
    path = [unbase64(line) for line in path.split("\n")[1:]]
    root = climb(sha256(b"\0", leaf), int(index), int(said[2]), path)
    holds = base64.b64encode(root).decode() == said[3] and all(len(sibling) == 32 for sibling in path)
    demand(holds, "the path does not lead to the root")
    return said[1], text, signatures

def field_hash(field, part):
    """What an entry commits to in a field (docs/spec/commit.md)."""
    lines = "".join(member + " " + value + "\n" for member, value in part.items())
    demand(re.fullmatch(f"{FIELDS[field]}|{HIDDEN}", lines), f"a {field} is not in its form")
    if "hidden_sha256" in part:
        return unhex(part["hidden_sha256"])
    if field == "content":
        value = b"".join(unhex(part[member]) for member in part if member != "salt")
    elif field == "name":
        value = part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])
        is_plain = re.fullmatch(PLAIN, value.decode("utf-8", "surrogateescape"))
        safe = len(value) < 4096 and b"\0" not in value and not {b"", b".", b".."} & {*value.split(b"/")}
        demand(safe and ("text" in part or not is_plain), "a name is not safe, or not in its one form")
    else:
        numbers = int(part.get("size", "0")), int(part["mode"], 8), int(part["mtime_ns"])
        target = unhex(part["target"]) if "target" in part else bytes(32)
        demand(("target" in part) == ("link" in part["type"]), "a meta has a target that does not fit to its type")
        value = struct.pack(">cQIq", TYPES[part["type"]], *numbers) + target
    return sha256(b"hizo-field/v1\n", bytes([len(field)]), field.encode(), unhex(part["salt"]), value)

def leaf_hash(entry):
    content, meta = entry["content"], entry["meta"]
    fits = "salt" not in content or "salt" not in meta or ("sha256" in content) == ("size" in meta)
    demand(fits, "a content does not fit to its type")
    return sha256(b"\0hizo-leaf/v1\n", *(field_hash(field, entry[field]) for field in FIELDS))

def check_opening(data, commitment):
    """The entries, and what stands once in the tree: places, or all leaves."""
    shown = json.loads(data)
    demand((json.dumps(shown, indent=2, ensure_ascii=False) + "\n").encode() == data, "opening.json is not canonical")
    kind, blind, entries = [*shown][2], unhex(shown["blind"]), shown["entries"]
    fields = [*FIELDS] + ["sha256", "blake3"] * (kind == "depth")
    form = [*shown] == ["format", "blind", kind, "entries"] and shown["format"] == "hizo/opening/v1"
    demand(form and all([*entry] == fields for entry in entries), "opening.json has other members")
    leaves = [leaf_hash(entry) for entry in entries]
    if kind == "complete":
        depth = next(depth for depth in range(4, 23, 2) if len(leaves) < 2**depth)
        key, dummies = unhex(shown[kind]["dummy_key"]), range(2**depth - len(leaves))
        form = json.dumps({"dummy_key": key.hex(), "dummies": len(dummies)})
        demand(json.dumps(shown[kind]) == form, "the number of dummies is another")
        once = leaves + [hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in dummies]
        roots = sorted(once)
        while len(roots) > 1:
            roots = [sha256(b"\1", *pair) for pair in zip(roots[::2], roots[1::2])]
    else:
        depth, trees = shown["depth"], [entry["sha256"] for entry in entries]
        once = [tree["index"] for tree in trees]
        form = all([*tree] == ["index", "path"] for tree in trees) and {*map(type, [depth, *once])} == {int}
        demand(form and depth in range(4, 23, 2), "no tree has such a place")
        roots = [climb(leaf, it["index"], 2**depth, [*map(unhex, it["path"])]) for leaf, it in zip(leaves, trees)]
    found = {sha256(b"hizo-root/v1\n", blind, bytes([depth]), root) for root in roots}
    demand(found == {commitment}, "it does not lead to the commitment")
    return entries, once

class Stamp:
    """An authority's answer over data, as openssl reads it: why it does not count, or its time and accuracy."""

    def __init__(self, name, data, answer, chain, roots):
        self.name, self.doubt = name, "not-vouched" if roots else "no-roots"
        self.files = {"data": data, "tsr": answer, "roots": roots or b"", "chain": chain}
        self.has_chain = b"BEGIN CERTIFICATE" in chain
        token = "ts -reply -in tsr -token_out"  # which was signed, unlike the answer around it
        text = openssl(self.files, token + " -text")[1]
        imprint = re.search("^Hash Algorithm: (sha256|sha384|sha512)\nMessage data:\n(?: {4}.+\n)+", text, re.M)
        given = re.search("^Time stamp: ([^.\n]+?)(?:[.]([0-9]+))? ([0-9]+) GMT\n", text, re.M)
        if not imprint or not given or ESS_V2 not in answer:  # of a kind that is not read
            return
        query = openssl(self.files, f"ts -query -data data -no_nonce -text -{imprint[1]}")[1]
        demand(imprint[0] in query, "a stamp is over other bytes")
        whole = calendar.timegm(time.strptime(f"{given[1]} {given[3]}", "%b %d %H:%M:%S %Y"))
        self.time = whole * 10**9 + int((given[2] or "").ljust(9, "0"))
        accuracy = re.findall("(0x[0-9A-F]+) (seconds|millis|micros)", text)
        self.accuracy = sum(int(count, 16) * NANOSECONDS[unit] for count, unit in accuracy)
        self.latest = self.time + self.accuracy
        holds, why = self.holds_at(self.time) if roots else (False, "")
        verify = "cms -verify -noverify -inform DER -in token -out said" + " -certfile chain" * self.has_chain
        false = re.search("verification failure|digest failure", openssl(self.files, token + " -out token", verify)[1])
        demand(not false and "ess cert id" not in why, "a stamp's signature, or its certificate, is another")
        self.doubt = "self-stamped" if SELF_STAMP in text else "" if holds else self.doubt

    def holds_at(self, moment):
        """To openssl a certificate has ended in the last second of its life, to hizo at its end."""
        verify = "ts -verify -data data -in tsr -CAfile roots" + " -untrusted chain" * self.has_chain
        for second in (moment // 10**9, -(-moment // 10**9) - 1):
            holds, said = openssl(self.files, f"{verify} -attime {second}")
            if holds:
                break
        return holds, said

class Proof:
    """A bundle, and what the verifier brought to hold it against."""

    def __init__(self, folder, policy, roots, receipt_key):
        self.folder, self.policy, self.roots, self.receipt_key = folder.resolve(), policy, roots, receipt_key
        self.step = "limits"

    def read(self, name, most):
        """A file of the bundle, not by way of a link."""
        path = self.folder / name
        if path.resolve() != path or not path.is_file():
            raise FileNotFoundError(f"there is no {name}")
        demand(path.stat().st_size <= most, f"{name} is too long")
        return path.read_bytes()

    def names(self, place, *kinds):
        """Of what lies at a place: files of these kinds, without the ending."""
        paths = [path for path in (self.folder / place).glob("*") if path.resolve() == path]
        found = {path.name.removesuffix(kind) for path in paths for kind in kinds if path.name.endswith(kind)}
        return sorted(name for name in found if re.fullmatch("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name))

    def stamps(self, place):
        """The stamps over the head at a place; none may contradict the head or itself."""
        stamps, head = [], self.read(place + "checkpoint", 256 << 10)
        for name in self.names(place + "stamps", ".tsr"):
            at, has_chain = f"{place}stamps/{name}", name in self.names(place + "stamps", ".pem")
            chain = self.read(at + ".pem", 1 << 20) if has_chain else b""
            stamps.append(Stamp(name, head, self.read(at + ".tsr", 132 << 10), chain, self.roots))
        return stamps

    def check_receipt(self, data, record):
        """The record's slot, and since when the keeper says that he has it."""
        said, text, signatures = read_note(RECEIPT, data)
        keeper, named, slot, kept, due = said.groups()
        demand(nanoseconds(kept) <= nanoseconds(due), "it is due before it was kept")
        demand((keeper, named) == (self.keeper, sha256(record).hex()), "it is by another keeper, or for another record")
        demand([name for name, _ in signatures] == [keeper], "it has not one signature by its keeper")
        demand(not self.receipt_key or self.receipt_key.has_signed(text, signatures), "it is by another key")
        return bytes.fromhex(slot), nanoseconds(kept)

    def check_renewal(self, place, before):
        """The names of the earlier stamps, all of them records that stand under the later head."""
        said, later, _ = read_checkpoint(self.read(place + "checkpoint", 256 << 10))
        covered = self.names(place + "earlier", *EARLIER)
        demand(said[1] == self.keeper and covered, "the later head is of another log, or covers no stamp")
        demand({*covered} <= {*self.names(before + "stamps", ".tsr")}, "it covers a stamp that is not there")
        for name in covered:
            record, receipt, proof = (self.read(f"{place}earlier/{name}{kind}", most) for kind, most in EARLIER.items())
            said, answer = read_record(record)[0], self.read(f"{before}stamps/{name}.tsr", 132 << 10)
            says_more = said["commit"] or said["control"]
            same = (said["body"], said["bytes"]) == (sha256(answer).hex(), str(len(answer)))
            demand(same and not says_more, "a record does not say the stamp and nothing else")
            head = check_inclusion(proof, self.check_receipt(receipt, record)[0] + sha256(record))
            demand(head[1] == later, "an earlier stamp stands under another head")
            self.doubts_of(head)
        return covered

    def doubts_of(self, head):
        """Why the policy is not met, if it is not. A signature by a key of it must hold in any case."""
        return self.policy.doubts(*head) if self.policy else ["no-policy"]

    def verify(self, given):
        """The doubts, and the time since when it was held. The steps: docs/spec/proof.md, "How to verify"."""
        renewals = [name for name in self.names("renewals", "") if re.fullmatch("[1-9][0-9]*", name)]
        places = ["", *(f"renewals/{1 + number}/" for number in range(len(renewals)))]
        count = sum(len(self.names(place + "stamps", ".tsr")) for place in places)
        demand(len(renewals) <= 32 and count <= 64, "there are too many stamps or renewals")

        self.step, note = "record", self.read("record.note", 60 << 10)
        record, text, signatures = read_record(note)
        self.keeper = record["keeper"]
        if (self.folder / "record.keys").exists():
            check_signers(self.read("record.keys", 512), text, signatures)
        else:
            print("not checked here: the record's signatures, whose keys do not lie beside it")
        self.step = "commitment"
        demand(record["commit"], "the record makes no deposit")
        self.step = "opening"
        entries, once = check_opening(self.read("opening.json", 64 << 20), bytes.fromhex(record["commit"]))
        self.step = "names"
        names = [[*entry["name"].items()][1] for entry in entries if "salt" in entry["name"]]
        demand(len({*names}) == len(names) and len({*once}) == len(once), "an entry or a name is shown twice")

        self.step = "receipt"
        slot, kept = self.check_receipt(self.read("receipt.note", 2 << 10), note)
        self.step = "inclusion"
        head = check_inclusion(self.read("record.tlog-proof", 264 << 10), slot + sha256(note))
        self.step = "checkpoint"
        demand(head[0] == self.keeper, "it is of another log than the record names")
        doubts = self.doubts_of(head)
        self.step = "stamped"
        stamped = read_checkpoint(self.read("checkpoint", 256 << 10))[1]
        demand(stamped == head[1], "another checkpoint was stamped")

        self.step = "stamps"
        stamps, covered = [self.stamps("")], []
        self.step = "renewals"
        for before, place in zip(places, places[1:]):
            covered.append(self.check_renewal(place, before))
            stamps.append(self.stamps(place))
            earlier = [it.time - it.accuracy for it in stamps[-2] if it.name in covered[-1] and not it.doubt]
            in_order = all(moment <= it.latest for it in stamps[-1] if not it.doubt for moment in earlier)
            demand(in_order, "a later stamp says an earlier time")
        sound = []  # those whose chain of renewals has no gap, the last ones first
        for stamped, names in zip(reversed(stamps), [[], *reversed(covered)]):
            later = [it.latest for it in sound]
            for it in (it for it in stamped if not it.doubt):
                if not later or it.name in names and any(it.holds_at(moment)[0] for moment in later):
                    sound.append(it)
        found = [it for stamped in stamps for it in stamped]
        if any(it.latest < kept for it in found if not it.doubt):
            print("warning: the keeper says a time after that of an independent stamp")
        if not sound:
            order, said = ("self-stamped", "no-roots", "not-vouched"), {it.doubt for it in found}
            doubts.append(next((doubt for doubt in order if doubt in said), "no-stamp"))

        self.step = "files"
        contents = [entry for entry in entries if "sha256" in entry["content"]]
        lengths = {sha256(data).hex(): str(len(data)) for data in given}
        same = [entry for entry in contents if entry["content"]["sha256"] in lengths]
        demand(not contents or {it["content"]["sha256"] for it in same} == {*lengths}, "a file is not shown")
        fits = all(it["meta"].get("size") in (None, lengths[it["content"]["sha256"]]) for it in same)
        demand(fits, "a file has another length")
        if len(same) < len(contents):
            print(f"committed to, not compared with a file: {len(contents) - len(same)} of {len(contents)} contents")
        doubts += ["nothing-to-compare"] * (given != [] and not contents)
        return doubts, sound and readable(min(it.latest for it in sound))

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
        is_pem = not roots or b"BEGIN CERTIFICATE" in roots and not re.search(rb"^hizo/authorities/v1\s*$", roots, re.M)
        demand(is_pem, "roots are PEM here: the rules of a list of authorities are not implemented")
        given = [path.read_bytes() for path in told.files]
    except (OSError, *UNREADABLE) as error:
        print(f"what was brought cannot be used: {error}")
        return 1
    unread = [path.relative_to(told.bundle).as_posix() for path in sorted(told.bundle.rglob("*.crl"))]
    unread += ["kept.json"] if (told.bundle / "kept.json").exists() else []
    unread += ["the receipt's signature"] if not told.receipt_key else []
    for what in ["the second hash family, BLAKE3", *unread]:
        print(f"not checked here: {what}")
    proof = Proof(told.bundle, policy, roots, told.receipt_key)
    try:
        doubts, since = proof.verify(given)
    except OSError as missing:
        print(f"cannot be told: {missing}")
        return 4
    except UNREADABLE as fault:
        why = fault if type(fault) is ValueError else "it is not in its form"
        print(f"it does not hold: {proof.step}: {why}")
        return 3
    print(f"cannot be told: {', '.join(doubts)}" if doubts else f"it holds, since {since}")
    return 4 if doubts else 0

if __name__ == "__main__":
    sys.exit(main())
