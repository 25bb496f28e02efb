#!/usr/bin/env python3
"""Checks the vectors of docs/spec/commit.md with the standard library.

The second hash family needs the package `blake3` of PyPI. Without it the script says aloud what it did not check.
Exit status: 0 everything checked holds, 1 something does not.
"""

import hashlib
import hmac
import json
import pathlib
import sys

try:
    import blake3
except ImportError:
    blake3 = None

FIELDS = (b"content", b"name", b"meta")
DEPTHS = range(4, 23, 2)
TYPES = {"file": b"0", "hard link": b"1", "symlink": b"2", "directory": b"5"}
OPENING_BYTES_MAX = 8192
PATH_BYTES_MAX = 4095


class Refused(Exception):
    """The name of the rule broken."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def blake3_hash(*parts):
    return blake3.blake3(b"".join(parts)).digest()


FAMILIES = {"sha256": sha256}
if blake3:
    FAMILIES["blake3"] = blake3_hash


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class Deposit:
    """What the depositor computes from the seed and the entries."""

    def __init__(self, seed, entries):
        self.prk = mac(b"hizo-commit/v1", seed)
        self.blind = self.expand(b"blind")
        self.dummy_key = self.expand(b"dummy")
        self.depth = next(depth for depth in DEPTHS if len(entries) < 2**depth)
        self.leaves, self.sorted, self.roots, self.commitment = {}, {}, {}, {}
        for family, h in FAMILIES.items():
            leaves = [self.leaf(h, entry) for entry in entries]
            prefix = b"b3" if family == "blake3" else b""
            dummies = range(2**self.depth - len(entries))
            dummies = [mac(self.dummy_key, prefix + number.to_bytes(4, "big")) for number in dummies]
            ordered = sorted(leaves + dummies)
            if len(set(ordered)) != len(ordered):
                raise Refused("DuplicateLeaf")
            self.leaves[family], self.sorted[family] = leaves, ordered
            self.roots[family] = levels(h, ordered)[-1][0]
            self.commitment[family] = outer(h, self.blind, self.depth, self.roots[family])

    def expand(self, info):
        return mac(self.prk, info + b"\x01")

    def salt(self, entry, field):
        return self.expand(b"salt" + bytes.fromhex(entry["id"]) + field)

    def values(self, entry):
        content = b""
        if "content" in entry:
            content = b"".join(bytes.fromhex(entry["content"][part]) for part in ("sha256", "key", "blake3"))
        linked = entry["kind"] in ("symlink", "hard link")
        meta = TYPES[entry["kind"]]
        meta += entry.get("size", 0).to_bytes(8, "big")
        meta += entry["mode"].to_bytes(4, "big")
        meta += int(entry["mtime_ns"]).to_bytes(8, "big", signed=True)
        meta += self.target(entry) if linked else bytes(32)
        return content, raw(entry, "name"), meta

    def target(self, entry):
        return field_hash(sha256, b"target", self.salt(entry, b"target"), raw(entry, "target"))

    def leaf(self, h, entry):
        fields = zip(FIELDS, self.values(entry))
        return leaf_hash(h, [field_hash(h, field, self.salt(entry, field), value) for field, value in fields])

    def opening(self, entries, index, shown):
        entry = entries[index]
        bits = sum(1 << bit for bit, field in enumerate(FIELDS) if field.decode() in shown)
        out = b"hizo-opening/v1\n" + self.blind + bytes([self.depth, bits])
        for field, value in zip(FIELDS, self.values(entry)):
            salt = self.salt(entry, field)
            if field.decode() in shown:
                out += salt + len(value).to_bytes(4, "big") + value
            else:
                out += b"".join(field_hash(h, field, salt, value) for h in (sha256, blake3_hash))
        for family, h in FAMILIES.items():
            place = self.sorted[family].index(self.leaves[family][index])
            out += place.to_bytes(4, "big")
            for level, nodes in enumerate(levels(h, self.sorted[family])[:-1]):
                out += nodes[place >> level ^ 1]
        return out


def raw(entry, name):
    return entry[name].encode() if name in entry else bytes.fromhex(entry[name + "_hex"])


def field_hash(h, label, salt, value):
    return h(b"hizo-field/v1\n", bytes([len(label)]), label, salt, value)


def leaf_hash(h, fields):
    return h(b"\x00", b"hizo-leaf/v1\n", *fields)


def outer(h, blind, depth, root):
    return h(b"hizo-root/v1\n", blind, bytes([depth]), root)


def levels(h, leaves):
    out = [leaves]
    while len(out[-1]) > 1:
        nodes = iter(out[-1])
        out.append([h(b"\x01", left, right) for left, right in zip(nodes, nodes)])
    return out


class Opening:
    """An opening read from its bytes; nothing of it is believed before `verify`."""

    def __init__(self, data):
        if len(data) > OPENING_BYTES_MAX or not data.startswith(b"hizo-opening/v1\n"):
            raise Refused("Malformed")
        self.rest = data[16:]
        self.blind = self.take(32)
        self.depth, bits = self.take(2)
        if self.depth not in DEPTHS:
            raise Refused("Place")
        if bits > 7:
            raise Refused("Malformed")
        self.shown, self.fields = {}, []
        for bit, field in enumerate(FIELDS):
            if bits >> bit & 1:
                salt = self.take(32)
                value = self.take(int.from_bytes(self.take(4), "big"))
                self.shown[field] = value
                self.fields.append({family: field_hash(h, field, salt, value) for family, h in FAMILIES.items()})
            else:
                self.fields.append({"sha256": self.take(32), "blake3": self.take(32)})
        self.branches = {family: self.branch() for family in ("sha256", "blake3")}
        if self.rest:
            raise Refused("Malformed")
        if any(index >> self.depth for index, _ in self.branches.values()):
            raise Refused("Place")

    def take(self, length):
        taken, self.rest = self.rest[:length], self.rest[length:]
        if len(taken) != length:
            raise Refused("Malformed")
        return taken

    def branch(self):
        index = int.from_bytes(self.take(4), "big")
        return index, [self.take(32) for _ in range(self.depth)]

    def commitment(self, family):
        h = FAMILIES[family]
        node = leaf_hash(h, [hashes[family] for hashes in self.fields])
        index, path = self.branches[family]
        for sibling in path:
            node = h(b"\x01", sibling, node) if index & 1 else h(b"\x01", node, sibling)
            index >>= 1
        return outer(h, self.blind, self.depth, node)

    def check_values(self):
        content, name, meta = (self.shown.get(field) for field in FIELDS)
        if content is not None and len(content) not in (0, 96):
            raise Refused("Value")
        if name is not None and not safe(name):
            raise Refused("Value")
        if meta is not None:
            if len(meta) != 53 or meta[:1] not in TYPES.values() or int.from_bytes(meta[9:13], "big") > 0o7777:
                raise Refused("Value")
            if meta[:1] in b"25" and meta[1:9] != bytes(8) or meta[:1] in b"05" and meta[21:] != bytes(32):
                raise Refused("Value")
            if content is not None and (meta[:1] in b"01") != (content != b""):
                raise Refused("Value")


def safe(path):
    parts = path.split(b"/")
    return len(path) <= PATH_BYTES_MAX and b"\0" not in path and not {b"", b".", b".."} & set(parts)


def verify(commitment, openings):
    openings = [Opening(data) for data in openings]
    leaves, names = set(), set()
    for opening in openings:
        for family in FAMILIES:
            if opening.commitment(family) != bytes.fromhex(commitment[family]):
                raise Refused("Mismatch")
        opening.check_values()
        for place in ((family, index) for family, (index, _) in opening.branches.items()):
            if place in leaves:
                raise Refused("RepeatedLeaf")
            leaves.add(place)
        name = opening.shown.get(b"name")
        if name is not None and name in names:
            raise Refused("RepeatedName")
        names.add(name)


def same(what, found, said):
    if found != said:
        raise AssertionError(f"{what}: {found} is not {said}")


def check_accepted(said):
    entries = said["entries"]
    deposit = Deposit(bytes.fromhex(said["seed"]), entries)
    same("prk", deposit.prk.hex(), said["prk"])
    same("blind", deposit.blind.hex(), said["blind"])
    same("dummy key", deposit.dummy_key.hex(), said["dummy_key"])
    same("depth", deposit.depth, said["depth"])
    for family in FAMILIES:
        same("root", deposit.roots[family].hex(), said["roots"][family])
        same("commitment", deposit.commitment[family].hex(), said["commitment"][family])
        if "leaves" in said:
            same("leaves", [leaf.hex() for leaf in deposit.leaves[family]], [pair[family] for pair in said["leaves"]])
            same("sorted", [leaf.hex() for leaf in deposit.sorted[family]], said["sorted"][family])
    for opening in said["openings"]:
        data = bytes.fromhex(opening["bytes"])
        verify(said["commitment"], [data])
        same("shown", {field.decode() for field in Opening(data).shown}, set(opening["shown"]))
        if blake3:
            same("opening", deposit.opening(entries, opening["entry"], opening["shown"]), data)


def check_refused(said):
    """Whether the refusal could be checked; a fault in the second family alone cannot without it."""
    try:
        if "entries" in said:
            Deposit(bytes.fromhex(said["seed"]), said["entries"])
        else:
            verify(said["commitment"], [bytes.fromhex(data) for data in said["openings"]])
    except Refused as rule:
        same("rule", str(rule), said["refused"])
        return True
    if blake3:
        raise AssertionError(f"accepted, but {said['refused']}")
    return False


def main():
    here = pathlib.Path(__file__).resolve().parent
    checked, faults, unchecked = 0, [], []
    if not blake3:
        print("NOT CHECKED: the second hash family. `pip install blake3` and run this again.")
    for path in sorted(here.glob("accepted/*.json")) + sorted(here.glob("refused/*.json")):
        name = f"{path.parent.name}/{path.stem}"
        said = json.loads(path.read_text(encoding="utf-8"))
        try:
            if path.parent.name == "accepted":
                check_accepted(said)
            elif not check_refused(said):
                unchecked.append(name)
            checked += 1
        except (AssertionError, Refused) as fault:
            faults.append(f"{name}: {fault}")
    print(f"{checked - len(unchecked)} vectors hold, {len(faults)} do not")
    for name in unchecked:
        print(f"NOT CHECKED: {name}")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults or not checked else 0


sys.exit(main())
