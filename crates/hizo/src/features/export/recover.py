#!/usr/bin/env python3
"""Lays out one deposit of a hizo export without hizo: python3 recover.py OPENED_SERIES NUMBER NEW_FOLDER

OPENED_SERIES is made as RECOVERY.md says. Every file is compared with its SHA-256 in the manifest, and all entries with
the commitment in `record.note`. What `hizo restore` refuses is refused: then NEW_FOLDER does not appear.
"""
import base64, contextlib, hashlib, hmac, json, os, re, struct, sys, tarfile
LINE_MAX, ENTRIES_MAX, CHAIN_MAX, CHUNK = (64 << 10) + 1, (1 << 22) - 1, 16, 1 << 20
def need(holds, why): holds or sys.exit(f"refused: {why}")
# What is read is written again in its one form and compared, so reading itself need not be strict.
def raw(text): return base64.b64decode(text + "==")
def full(value): return base64.b64encode(value).decode()
def bare(value): return full(value).rstrip("=")
def integer(value): return need(0 <= int(value) < 2**64, "a number is out of range") or int(value)
def number(value): return value if value < 2**53 else str(value)
def form(value): return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
def is_plain(value, room=8):  # what events may hold: whole numbers that no reader rounds, eight levels
    if isinstance(value, (dict, list)):
        return room > 0 and all(is_plain(part, room - 1) for part in getattr(value, "values", value.copy)())
    return abs(value) < 2**53 if isinstance(value, int) else not isinstance(value, float)
def is_safe(path): return 0 < len(path) < 4096 and b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))

def text(entry, key):  # bytes that stand under `key` if they are UTF-8, else in base64 under `key64`
    value = entry[key].encode() if key in entry else raw(entry[key + "64"])
    plain = value.decode(errors="ignore")
    return value, {key: plain} if plain.encode() == value else {key + "64": full(value)}

def read_entry(line, deposit):
    e = json.loads(line)
    content, link, e["id"], e["ns"] = e["t"] in ("f", "h"), e["t"] in ("h", "l"), raw(e["f"]), int(e["mt"])
    (path, shown), (e["to"], target) = text(e, "p"), text(e, "l") if link else (b"", {})
    xattrs, e["size"] = [(raw(name), raw(value)) for name, value in e.get("x", [])], integer(e.get("s", 0))
    hashes, place = [raw(e[key]) for key in "hkb" * content], [integer(part) for part in e["at"]] if content else []
    shown.update({"t": e["t"]}, **{"s": number(e["size"])} if content else {}, m=integer(e["m"]), mt=str(e["ns"]))
    shown.update(target, **{"x": [[full(name), full(value)] for name, value in xattrs]} if xattrs else {})
    shown.update({"f": bare(e["id"])}, **dict(zip("hkb", map(bare, hashes))))
    content and shown.update(at=[*map(number, place)], r=number(integer(e["r"])), **{"u": True} if "u" in e else {})
    need(form(shown) == line and e["t"] in ("f", "h", "l", "d"), "an entry is not in its one form")
    need(is_safe(path) and (e["t"] != "h" or is_safe(e["to"]) and e["to"] < path), "an unsafe path")
    need(e["t"] != "l" or e["to"] and b"\0" not in e["to"], "a link that points nowhere")
    need([name for name, _ in xattrs] == sorted({name for name, _ in xattrs}), "attributes are out of order")
    need(e["m"] <= 0o7777 and (len(e["id"]), *map(len, hashes)) in ((16,), (16, 32, 32, 32)), "a field out of range")
    need(not content or len(place) == 2 and place[0] <= deposit, "a place that cannot be")
    return path, {**e, "value": b"".join(hashes), "place": place, "all": (e["size"], hashes, place), "xattrs": xattrs}

def layer(series, deposit):  # one manifest as it was sealed, and where its tar is: behind it in a small deposit
    name, gone, entries, stage = os.path.join(series, b"%06d/manifest" % deposit), set(), [], 0
    with open(name, "rb") as file:
        head = json.loads(line := file.readline(LINE_MAX))
        keys = ["entries"] + ["base", "chain"] * ("base" in head) + ["archive", "packs"]
        head.update({key: integer(head[key]) for key in keys}, secret=raw(head["seed"]))
        shown = {"hizo": "manifest/v1", "deposit": number(deposit), "seed": full(head["secret"])}
        shown.update({key: number(head[key]) for key in keys})
        shown.update({"events": list(head["events"])} if head.get("events") else {})
        need(form(shown) == line and len(head["secret"]) == 32 and is_plain(head.get("events"), 9), "a bad first line")
        need(head["entries"] <= ENTRIES_MAX and head.get("base", 0) < deposit, "a first line that cannot be")
        end = os.path.getsize(name) - (0 if head["packs"] else head["archive"])
        tar = (name[:-8] + b"tar", 0) if head["packs"] else (name, end)
        while (left := end - file.tell()) > 0:
            line = file.readline(min(LINE_MAX, left))
            key, values = next(iter(json.loads(line).items()))
            stage, before = {"starts": 0, "gone": 1}.get(key, 2), stage
            need(stage >= before and (stage != 1 or "base" in head), "lines are out of order")
            if stage == 2:
                entries.append(read_entry(line, deposit))
                continue
            shown = {key: [bare(raw(v)) if stage else [number(integer(part)) for part in v] for v in values]}
            fits = 0 < len(values) <= 1000 and {*map(len, values)} == {22 if stage else 2}
            need(form(shown) == line and fits, "a line is not in its one form")
            gone |= {raw(value) for value in values if stage}
        need(file.tell() == end and os.path.getsize(tar[0]) == tar[1] + head["archive"], "a tar of another length")
    need([path for path, _ in entries] == sorted({path for path, _ in entries}), "entries are repeated or out of order")
    return head, gone, dict(entries), tar

def manifest(series, deposit, chain=None):  # all entries of a deposit: those of its base, changed
    head, gone, entries, _ = layer(series, deposit)
    need(chain in (None, head.get("chain", 0)) and 1 <= head.get("chain", 1) <= CHAIN_MAX, "a wrong base")
    if "base" in head:
        old = manifest(series, head["base"], head["chain"] - 1)[1]
        kept = {path: e for path, e in old.items() if path in entries or e["id"] not in gone}
        need(len(old) - len(kept) == len(gone), "the manifest does not fit the one it builds on")
        entries = {**kept, **entries}
    need(len(entries) == head["entries"], "entries are missing, or too many")
    return head, dict(sorted(entries.items()))

def commitment(seed, entries):  # hizo-commit/v1 under SHA-256
    def mac(key, message): return hmac.new(key, message, "sha256").digest()
    def hashed(*parts): return hashlib.sha256(b"".join(parts)).digest()
    secret, leaves = mac(b"hizo-commit/v1", seed), []
    for path, e in entries.items():
        kind, target = b"0125"["fhld".index(e["t"])], hashed(e["to"]) if e["to"] else bytes(32)
        meta, leaf = struct.pack(">BQIq32s", kind, e["size"], e["m"], e["ns"], target), b"\0hizo-leaf/v1\n"
        for field, value in ((b"content", e["value"]), (b"name", path), (b"meta", meta)):
            salt = mac(secret, b"salt" + e["id"] + field + b"\1")
            leaf += hashed(b"hizo-field/v1\n", bytes([len(field)]), field, salt, value)
        leaves.append(hashed(leaf))
    depth = next(depth for depth in range(4, 24, 2) if 1 << depth > len(leaves))
    dummies = [mac(mac(secret, b"dummy\1"), struct.pack(">I", n)) for n in range((1 << depth) - len(leaves))]
    leaves = sorted(leaves + dummies)
    for _ in range(depth):
        leaves = [hashed(b"\1", *leaves[n : n + 2]) for n in range(0, len(leaves), 2)]
    return hashed(b"hizo-root/v1\n", mac(secret, b"blind\1"), bytes([depth]), leaves[0]).hex()

def lay_file(path, e, tar, digest):
    with open(tar[0], "rb") as file, open(path, "xb") as out:
        file.seek(tar[1] + 512 * e["place"][1])
        member = (archive := tarfile.TarFile(fileobj=file)).firstmember
        need(member and member.isreg() and member.size == e["size"], "content is not where the manifest says")
        for chunk in iter(lambda source=archive.extractfile(member): source.read(CHUNK), b""):
            digest.update(chunk)
            out.write(chunk) if chunk.strip(b"\0") else out.seek(len(chunk), 1)  # zeros stay holes
        out.truncate(e["size"])
    need(digest.digest() == e["value"][:32], "a file is not the one that the manifest names")

def main(series, deposit, to):
    (head, entries), tars, partial, at = manifest(series, deposit), {}, to + b".partial", {}
    note = open(os.path.join(series, b"%06d/record.note" % deposit)).read()
    need(re.search(f"^series [0-9a-f]{{16}} {deposit} ", note, re.M), "the record of another deposit")
    need(f"\ncommit {commitment(head['secret'], entries)} " in note, "the entries are not those of the record")
    need(len({e["id"] for e in entries.values()}) == len(entries), "two entries have one id")
    need(sum(e["size"] for e in entries.values()) < 2**64, "files longer together than can be counted")
    for path, e in entries.items():
        parent, first = path.rpartition(b"/")[0], entries.get(e["to"], {})
        need(not parent or entries.get(parent, {}).get("t") == "d", "an entry below what is no folder")
        need(e["t"] != "h" or first.get("t") == "f" and first["all"] == e["all"], "a hard link to no such file")
        need(at.setdefault((*e["place"],), e["all"]) == e["all"], "two contents at one place")
    os.path.lexists(to) and os.rmdir(to)  # refuses a folder that is not empty
    os.mkdir(partial, 0o700)
    for path, e in sorted(entries.items(), key=lambda item: "dfhl".index(item[1]["t"])):  # links last
        e["name"], deposit = os.path.join(partial, path), (e["place"] or [0])[0]
        if e["t"] == "f":
            tars[deposit] = tars.get(deposit) or layer(series, deposit)[3]
            lay_file(e["name"], e, tars[deposit], hashlib.sha256())
        else:
            old = os.path.join(partial, e["to"]) if e["t"] == "h" else e["to"]
            os.mkdir(e["name"], 0o700) if e["t"] == "d" else (os.link if e["t"] == "h" else os.symlink)(old, e["name"])
    for e in (e for e in reversed(entries.values()) if e["t"] != "h"):
        for name, value in e["xattrs"]:
            with contextlib.suppress(OSError, AttributeError):
                name.startswith(b"security.") or os.setxattr(e["name"], name, value, follow_symlinks=False)
        e["t"] == "l" or os.chmod(e["name"], e["m"] & 0o1777)
        with contextlib.suppress(NotImplementedError):
            os.utime(e["name"], ns=(e["ns"], e["ns"]), follow_symlinks=e["t"] != "l")
    os.rename(partial, to)

try:
    len(sys.argv) == 4 or sys.exit(__doc__)
    main(os.fsencode(sys.argv[1]), int(sys.argv[2]), os.fsencode(sys.argv[3].rstrip("/")))
except Exception as error:
    sys.exit(f"refused: {error}")
