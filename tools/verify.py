#!/usr/bin/env python3
"""Checks a proof of hizo with Python's standard library and openssl, written from docs/spec alone.

    verify.py DIR [FILE...] [--policy FILE] [--roots PEM] [--receipt-key KEY]

BLAKE3, ML-DSA, revocation lists and kept.json are not checked here, and it says so. Exit status: 0 it holds, 1 what was
brought cannot be used, 3 it does not hold, 4 it cannot be told.
"""

import argparse, calendar, hashlib, hmac, json, pathlib, re, struct, subprocess, sys, tempfile, time
from base64 import b64decode, b64encode

HASH, INTEGER, NODE = "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,19})", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
DAY = "(?:19[7-9]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z"
BASE64 = "(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"  # no spare bits
RECORD = (  # docs/spec/record.md, as much of it as a deposit needs
    f"hizo/record/v1\nkeeper (?P<keeper>[^ \n]{{1,255}})\nspace [0-9a-f]{{32}}\n"
    f"(?:number 0\nprev -|number (?P<number>[1-9][0-9]{{0,19}})\nprev {HASH})\nepoch (?P<epoch>{INTEGER})\n"
    f"time (?P<time>{DAY})\n"
    f"seen (?:[1-9][0-9]{{0,19}} {HASH}|0 -)\nbody (?:(?P<body>{HASH}) (?P<bytes>{INTEGER})|-)\n"
    f"(?:(?(number)|(?!))series [0-9a-f]{{16}} (?:1 -|(?!1 )[1-9][0-9]{{0,19}} {HASH})\n"
    f"commit (?P<commit>{HASH}) {HASH}\nobjects (?P<lines>{INTEGER}) (?P<total>{INTEGER}) {HASH}\n|"
    "(?P<control>(?:(?:founder|slot|recovery|remove|member|session|epoch|wrap|origin|admins|rotator|rotator-ends)"
    " [^\n]+\n)+)|(?<!\nbody -\n))")
RECEIPT = f"hizo/receipt/v1\nkeeper (.+)\nrecord ({HASH})\nslot ({HASH})\ntime ({DAY})\nindex-by ({DAY})\n(copies 2\n)?"
INCLUSION = f"(?s)c2sp[.]org/tlog-proof@v1\nindex (0|[1-9][0-9]*)\n((?:{NODE}\n)*)\n(.+)"
PLAIN = ('[^\x00-\x1f"\\\\\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f'
         '\ud800-\udfff\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f\U000e0100-\U000e01ef]*')  # without what misleads
SALT, HIDDEN = f'{{"salt": "{HASH}"', f'{{"hidden_sha256": "{HASH}", "hidden_blake3": "{HASH}"}}'
PLACE = f'{{"index": {INTEGER}, "path": \\[(?:"{HASH}"(?:, )?)*]}}'
OPENING = (  # opening.json on one line
    f'{{"format": "hizo/opening/v1", "blind": "{HASH}", (?:"depth": (?:[468]|1[02468]|2[02])|'
    f'"complete": {{"dummy_key": "{HASH}", "dummies": (?P<dummies>{INTEGER})}}), "entries": \\[(?:'
    f'{{"content": (?:{SALT}(?:, "sha256": "{HASH}", "key": "{HASH}", "blake3": "{HASH}")?}}|{HIDDEN}), '
    f'"name": (?:{SALT}, (?:"text": "{PLAIN}|"hex": "(?:[0-9a-f]{{2}})+)"}}|{HIDDEN}), '
    f'"meta": (?:{SALT}, "type": "(?:(?:file|hard link)", "size": "{INTEGER}|symbolic link|folder)", '
    f'"mode": "[0-7]{{4}}", "mtime_ns": "(?:0|-?[1-9][0-9]{{0,18}})"(?:, "target": "{HASH}")?}}|{HIDDEN})'
    f'(?(dummies)|, "sha256": {PLACE}, "blake3": {PLACE})}}(?:, )?)*]}}')
TYPES = {"file": b"0", "hard link": b"1", "symbolic link": b"2", "folder": b"5"}
STAMP = (  # a token, as openssl shows it; the first policy is that of stamps which a keeper gives itself
    "Version: .+\nPolicy OID: (?:(?P<own>2[.]25[.]212200498540112721591717474817381730384)|.+)\n"
    "(?P<imprint>Hash Algorithm: (?P<hash>sha256|sha384|sha512)\nMessage data:\n(?: {4}.+\n)+)Serial number: .+\n"
    "Time stamp: (?P<day>.+:..)[.]?(?P<fraction>[0-9]{0,9}) (?P<year>[0-9]+) GMT\nAccuracy: (?P<accuracy>[^-\n]+)\n")
# What was signed says by which certificate.
ESS_V2 = r"(?s)\n        signedAttrs:\n.*\(1[.]2[.]840[.]113549[.]1[.]9[.]16[.]2[.]47\).*\n        unsignedAttrs:"
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error)

def demand(holds, why):
    if not holds:
        raise ValueError(why)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def nanoseconds(text, form="%Y-%m-%dT%H:%M:%SZ"):
    return calendar.timegm(time.strptime(text, form)) * 10**9

def readable(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 10**9)) + f".{moment % 10**9:09}".rstrip(".0") + "Z"

def openssl(files, *commands):
    """Runs openssl in a folder of these files: whether the last command is content, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        for command in commands:
            done = subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True)
    return done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")

def has_signed(key, text, signatures):
    """Whether a key has, name+id+base64(kind ‖ key) as C2SP writes it. Every signature of its name and id must hold."""
    name, key_id, key = re.fullmatch(f"([^+]*)[+]([0-9a-f]{{8}})[+]({BASE64})", key).groups()
    key = b64decode(key)
    demand(key[0] in (1, 4, 6) and sha256(name.encode(), b"\n", key)[:4].hex() == key_id, "a key's id is not its own")
    own = [signature[4:] for signer, signature in signatures if (signer, signature[:4].hex()) == (name, key_id)]
    if own and key[0] == 6:
        print(f"not checked here: the ML-DSA-44 signature of {name}")
        return False
    for said in own:
        cut = 8 if key[0] == 4 else 0  # a witness puts its time before the signature
        signed = f"cosignature/v1\ntime {int.from_bytes(said[:8], 'big')}\n{text}" if cut else text
        files = {"key": bytes.fromhex("302a300506032b6570032100") + key[1:], "sig": said[cut:], "text": signed.encode()}
        holds, _ = openssl(files, "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile sig -in text")
        demand(holds and len(said) == 64 + cut, f"the signature of {name} does not hold")
    return bool(own)

class Policy(str):  # C2SP tlog-policy: the logs, the witnesses, and who of them must have signed
    def doubts(self, origin, text, signatures):
        met, once, by_log, quorum = {"none": True}, ["none"], False, None  # once: members of groups, and keys
        for words in map(str.split, self.splitlines()):
            match words:
                case ["log", key, *_]:
                    once.append(b64decode(key.split("+", 2)[2])[1:])
                    by_log |= has_signed(key, text, signatures) and key.split("+")[0] == origin
                case ["witness", name, key, *_] if name not in met:
                    once.append(b64decode(key.split("+", 2)[2])[1:])
                    met[name] = has_signed(key, text, signatures)
                case ["group", name, count, *named] if name not in met:
                    count = {"any": 1, "all": len(named)}.get(count) or int(count)
                    demand(1 <= count <= len(named), "a group asks for more than it has, or for nothing")
                    met[name] = sum(met[member] for member in named) >= count
                    once += named
                case ["quorum", name] if quorum is None:
                    quorum = met[name]
                case [word, *_]:
                    demand(word.startswith("#"), "a line of the policy is not known, or defines what is defined")
        demand(len({*once}) == len(once) and quorum is not None, "the policy names twice, or no quorum")
        return ["other-log"] if not by_log else [] if quorum else ["no-quorum"]

def read_note(form, data):
    """What a signed note (C2SP) says in this form, its text, and its signatures: name, and key id ‖ signature."""
    note = re.fullmatch(f"(?s)(.*\n)\n((?:— [^\\s+]+ {BASE64}\n)+)", data.decode())
    said = note and re.fullmatch(form, note[1])
    demand(said and note[2].count("\n") <= 64, "it is not in its form")
    return said, note[1], [(name, b64decode(value)) for name, value in re.findall("— (\\S+) (\\S+)\n", note[2])]

def read_record(data):
    said, text, signatures = read_note(RECORD, data)
    size, lines, total = (int(said[name] or 1) for name in ("bytes", "lines", "total"))
    holds = int(said["epoch"]) < 2**32 and 1 <= size <= 1 << 20 and 1 <= lines <= 1 << 16
    holds &= lines <= total <= lines << 24
    holds &= all(int(it) < 2**64 for it in re.findall(r" ([0-9]{1,20})(?=\s)", text)) and nanoseconds(said["time"]) >= 0
    names = {name for name, it in signatures if re.fullmatch("[0-9a-f]{16}", name) and len(it) == 68}
    demand(holds and len(names) == len(signatures) <= 8, "a number or a signature is none that a record has")
    return said, text, signatures

def read_checkpoint(data):
    said, text, signatures = read_note(f"([^\n]+)\n(0|[1-9][0-9]*)\n({NODE})\n", data)
    demand(int(said[2]) <= 2**63, "the log has more leaves than one may have")
    return said, text, signatures

def climb(node, index, size, path):
    """The root over a leaf (RFC 9162, 2.1.3.2): above where its way meets that of the last leaf, siblings lie left."""
    meeting = (index ^ (size - 1)).bit_length()
    demand(index < size and len(path) == meeting + (index >> meeting).bit_count(), "there is no such place, or path")
    for level, sibling in enumerate(path):
        is_left = level >= meeting or index >> level & 1
        node = sha256(b"\1", sibling, node) if is_left else sha256(b"\1", node, sibling)
    return node

def check_inclusion(data, leaf):  # gives the checkpoint under which the leaf stands: the log's name, text, signatures
    index, path, head = re.fullmatch(INCLUSION, data.decode()).groups()
    said, text, signatures = read_checkpoint(head.encode())
    root = climb(sha256(b"\0", leaf), int(index), int(said[2]), [*map(b64decode, path.split())])
    demand(root == b64decode(said[3]), "the path does not lead to the root")
    return said[1], text, signatures

def field_hash(field, entry):  # docs/spec/commit.md, "Fields"
    part, content = entry[field], entry["content"]
    if "hidden_sha256" in part:
        return bytes.fromhex(part["hidden_sha256"])
    salt, *values = part.values()
    if field == "content":
        value = bytes.fromhex("".join(values))
    elif field == "name":
        value = part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])
        is_plain = re.fullmatch(PLAIN, value.decode("utf-8", "surrogateescape"))
        safe = len(value) < 4096 and b"\0" not in value and not {b"", b".", b".."} & {*value.split(b"/")}
        demand(safe and bool(is_plain) == ("text" in part), "a name is not safe, or not in its one form")
    else:
        fits = "salt" not in content or ("sha256" in content) == ("size" in part)
        demand(fits and ("target" in part) == ("link" in part["type"]), "a content or a target does not fit to a type")
        numbers = int(part.get("size", "0")), int(part["mode"], 8), int(part["mtime_ns"])
        value = struct.pack(">cQIq", TYPES[part["type"]], *numbers) + bytes.fromhex(part.get("target", "00" * 32))
    return sha256(b"hizo-field/v1\n", bytes([len(field)]), field.encode(), bytes.fromhex(salt), value)

def check_opening(data, commitment):
    """The entries, and what stands once in the tree: places, or all leaves."""
    shown = json.loads(data)
    demand((json.dumps(shown, indent=2, ensure_ascii=False) + "\n").encode() == data, "opening.json is not canonical")
    demand(re.fullmatch(OPENING, json.dumps(shown, ensure_ascii=False)), "opening.json is not in its form")
    entries, fields = shown["entries"], ["content", "name", "meta"]
    leaves = [sha256(b"\0hizo-leaf/v1\n", *(field_hash(field, entry) for field in fields)) for entry in entries]
    if "complete" in shown:
        depth = next(depth for depth in range(4, 23, 2) if len(leaves) < 2**depth)
        key, dummies = bytes.fromhex(shown["complete"]["dummy_key"]), range(2**depth - len(leaves))
        demand(shown["complete"]["dummies"] == len(dummies), "the number of dummies is another")
        once = leaves + [hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in dummies]
        roots = sorted(once)
        while len(roots) > 1:
            roots = [sha256(b"\1", *pair) for pair in zip(roots[::2], roots[1::2])]
    else:
        depth, places = shown["depth"], [entry["sha256"] for entry in entries]
        once, paths = [it["index"] for it in places], [[*map(bytes.fromhex, it["path"])] for it in places]
        roots = [climb(leaf, index, 2**depth, path) for leaf, index, path in zip(leaves, once, paths)]
    found = {sha256(b"hizo-root/v1\n", bytes.fromhex(shown["blind"]), bytes([depth]), root) for root in roots}
    demand(found == {commitment}, "it does not lead to the commitment")
    return entries, once

class Stamp:
    """An authority's answer over data, as openssl reads it: why it does not count, or its time with its accuracy."""

    def __init__(self, **files):
        self.files, self.is_renewed, self.doubt = files, False, "not-vouched" if files["roots"] else "no-roots"
        self.has_chain = b"BEGIN CERTIFICATE" in files["chain"]
        token = "ts -reply -in tsr -token_out"  # which was signed, unlike the answer around it
        said = re.match(STAMP, openssl(files, token + " -text")[1])
        size = re.match(r" +0:d=0 +hl=([0-9]+) +l= *([0-9]+) ", openssl(files, "asn1parse -inform DER -in tsr")[1])
        attributes = openssl(files, token + " -out token", "cms -cmsout -print -inform DER -in token")[1]
        if not said or not re.search(ESS_V2, attributes) or int(size[1]) + int(size[2]) != len(files["tsr"]):
            return  # of a kind that is not read
        demand(said["imprint"] in openssl(files, f"ts -query -data data -text -{said['hash']}")[1], "over other bytes")
        verify = "cms -verify -noverify -inform DER -in token -out said" + " -certfile chain" * self.has_chain
        false = re.search("verification failure|digest failure", openssl(files, token + " -out token", verify)[1])
        demand(not false, "the signature of a stamp does not hold")
        moment = nanoseconds(f"{said['day']} {said['year']}", "%b %d %H:%M:%S %Y") + int(said["fraction"].ljust(9, "0"))
        parts = zip(re.findall("0x[0-9A-F]+|un", said["accuracy"]), (10**9, 10**6, 10**3))
        accuracy = sum(int(count, 16) * unit for count, unit in parts if count != "un")
        self.earliest, self.latest, holds = moment - accuracy, moment + accuracy, self.holds_at(moment)
        self.doubt = "self-stamped" if said["own"] else "" if holds else self.doubt

    def holds_at(self, moment):
        """To openssl a certificate has ended in the last second of its life, to hizo at its end."""
        verify = "ts -verify -data data -in tsr -CAfile roots" + " -untrusted chain" * self.has_chain
        results = [openssl(self.files, f"{verify} -attime {at}") for at in (moment // 10**9, -(-moment // 10**9) - 1)]
        demand(not any("ess cert id" in said for _, said in results), "the certificate of a stamp is another")
        return any(holds for holds, _ in results)

class Proof:  # a bundle, and what was brought to hold it against: what the command line says
    def read(self, name, most, step=None):
        path, self.step = self.bundle / name, step or self.step
        if path.resolve() != path or not path.is_file():  # not by way of a link
            raise FileNotFoundError(f"there is no {name}")
        demand(path.stat().st_size <= most, f"{name} is too long")
        return path.read_bytes()

    def names(self, place, *kinds):
        """Of what lies at a place: files of these kinds, without the ending."""
        paths = [path for path in (self.bundle / place).glob("*") if path.resolve() == path]
        found = {path.name.removesuffix(kind) for path in paths for kind in kinds if path.name.endswith(kind)}
        return sorted(name for name in found if re.fullmatch("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", name))

    def stamps(self, place, step):
        stamps, head, at = {}, self.read(place + "checkpoint", 256 << 10, step), place + "stamps"
        for name in self.names(at, ".tsr"):
            chain = self.read(f"{at}/{name}.pem", 1 << 20) if name in self.names(at, ".pem") else b""
            stamps[name] = Stamp(data=head, tsr=self.read(f"{at}/{name}.tsr", 132 << 10), chain=chain, roots=self.roots)
        return stamps

    def check_logged(self, place, record, receipt, proof, step=None):
        """A record stands under the head at a place: the doubts, and since when the keeper says that he has it."""
        said, text, signatures = read_note(RECEIPT, self.read(receipt, 2 << 10, step or "receipt"))
        slot, kept = bytes.fromhex(said[3]), nanoseconds(said[4])
        demand(kept <= nanoseconds(said[5]) and said[2] == sha256(record).hex(), "for another record, or due too early")
        demand([said[1], *(name for name, _ in signatures)] == [self.keeper] * 2, "it is not by the keeper alone")
        demand(not self.receipt_key or has_signed(self.receipt_key, text, signatures), "it is by another key")
        head = check_inclusion(self.read(proof, 264 << 10, step or "inclusion"), slot + sha256(record))
        self.step = step or "checkpoint"
        demand(head[0] == self.keeper, "it is of another log than the record names")
        doubts = self.policy.doubts(*head) if self.policy else ["no-policy"]
        stamped = read_checkpoint(self.read(place + "checkpoint", 256 << 10, step or "stamped"))
        demand(stamped[1] == head[1], "another checkpoint was stamped")
        return doubts, kept

    def renew(self, place, before):
        """Marks the stamps before that are records under the later head at a place, and gives the stamps over that."""
        stamps = self.stamps(place, "renewals")
        covered = self.names(place + "earlier", ".note", ".receipt", ".tlog-proof")
        demand(covered and {*covered} <= {*before}, "it covers no stamp, or one that is not there")
        for name in covered:
            at, answer = f"{place}earlier/{name}", before[name].files["tsr"]
            note = self.read(at + ".note", 60 << 10)
            says = read_record(note)[0].group("body", "bytes", "commit", "control")
            demand(says == (sha256(answer).hex(), str(len(answer)), None, None), "a record says more than the stamp")
            self.check_logged(place, note, at + ".receipt", at + ".tlog-proof", "renewals")
            before[name].is_renewed = True
        earlier = [it.earliest for it in before.values() if it.is_renewed and not it.doubt]
        demand(all(at <= it.latest for at in earlier for it in stamps.values() if not it.doubt), "it is too early")
        return stamps

    def verify(self):
        """The doubts, and the time since when it was held. The steps: docs/spec/proof.md, "How to verify"."""
        self.step, self.bundle = "brought", self.bundle.resolve()
        lengths = {sha256(data).hex(): str(len(data)) for data in map(pathlib.Path.read_bytes, self.files)}
        self.policy = self.policy and Policy(self.policy.read_text(encoding="utf-8"))
        if self.policy is not None:
            self.policy.doubts("", "", [])
        if self.receipt_key is not None:
            has_signed(self.receipt_key, "", [])
        told, self.roots = self.roots, self.roots.read_bytes() if self.roots else b""
        is_pem = b"BEGIN CERTIFICATE" in self.roots and b"hizo/authorities/v1" not in self.roots
        demand(is_pem or not told, "roots are PEM here: the rules of a list of authorities are not implemented")
        unread = [path.relative_to(self.bundle) for kind in ("*.crl", "kept.json") for path in self.bundle.rglob(kind)]
        unread += ["the receipt's signature"] * (not self.receipt_key)
        unread += ["the record's signatures, whose keys are not there"] * (not (self.bundle / "record.keys").exists())
        for what in ["the second hash family, BLAKE3", *unread]:
            print("not checked here:", ascii(str(what))[1:-1])

        self.step = "limits"
        renewals = [name for name in self.names("renewals", "") if re.fullmatch("[1-9][0-9]*", name)]
        places = ["", *(f"renewals/{1 + number}/" for number in range(len(renewals)))]
        count = sum(len(self.names(place + "stamps", ".tsr")) for place in places)
        demand(len(renewals) <= 32 and count <= 64, "there are too many stamps or renewals")

        note = self.read("record.note", 60 << 10, "record")
        record, text, signatures = read_record(note)
        self.keeper = record["keeper"]
        if (self.bundle / "record.keys").exists():
            data = self.read("record.keys", 512).decode()
            keys = [b64decode(line) for line in data.split()]
            demand(re.fullmatch(f"(?:{NODE}\n)*", data) and keys == sorted(keys), "the keys are not in their order")
            for key, (name, signature) in zip(keys, signatures, strict=True):
                named = f"{sha256(key)[:8].hex()}+{signature[:4].hex()}+" + b64encode(b"\1" + key).decode()
                demand(has_signed(named, text, [(name, signature)]), "a key is not that of its signature")
        self.step = "commitment"
        demand(record["commit"], "the record makes no deposit")
        entries, once = check_opening(self.read("opening.json", 64 << 20, "opening"), bytes.fromhex(record["commit"]))
        self.step = "names"
        names = [[*entry["name"].items()][1] for entry in entries if "salt" in entry["name"]]
        demand(len({*names}) == len(names) and len({*once}) == len(once), "an entry or a name is shown twice")

        doubts, kept = self.check_logged("", note, "receipt.note", "record.tlog-proof")
        heads = [self.stamps("", "stamps")]
        for place in places[1:]:
            heads.append(self.renew(place, heads[-1]))
        independent = [[it for it in head.values() if not it.doubt] for head in heads]
        sound = []  # those whose chain of renewals has no gap, the last ones first
        for stamps in reversed(independent):
            later = [it.latest for it in sound]
            sound += [it for it in stamps if not later or it.is_renewed and any(map(it.holds_at, later))]
        if any(it.latest < kept for stamps in independent for it in stamps):
            print("warning: the keeper says a time after that of an independent stamp")
        if not sound:  # of several doubts the one that is last by its letters is told: self-stamped before the others
            doubts.append(max((it.doubt for head in heads for it in head.values()), default="no-stamp"))

        self.step = "files"
        shown = [(it["content"]["sha256"], it["meta"].get("size")) for it in entries if "sha256" in it["content"]]
        compared = [(digest, size) for digest, size in shown if digest in lengths]
        demand(not shown or {digest for digest, _ in compared} == {*lengths}, "a file is not shown")
        demand(all(size in (None, lengths[digest]) for digest, size in compared), "a file has another length")
        if len(compared) < len(shown):
            print(f"committed to, not compared with a file: {len(shown) - len(compared)} of {len(shown)} contents")
        doubts += ["nothing-to-compare"] * bool(lengths and not shown)
        return doubts, sound and readable(min(it.latest for it in sound))

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("bundle", "--policy", "--roots"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--receipt-key")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    proof = parser.parse_args(namespace=Proof())
    try:
        doubts, since = proof.verify()
    except (OSError, *UNREADABLE) as fault:
        code = 1 if proof.step == "brought" else 4 if isinstance(fault, OSError) else 3
        verdicts = {1: "what was brought cannot be used", 3: f"it does not hold: {proof.step}", 4: "cannot be told"}
        why = fault if isinstance(fault, (OSError, ValueError)) else "it is not in its form"
        print(f"{verdicts[code]}: {why}")
        return code
    print(f"cannot be told: {', '.join(doubts)}" if doubts else f"it holds, since {since}")
    return 4 if doubts else 0

if __name__ == "__main__":
    sys.exit(main())
