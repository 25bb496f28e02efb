#!/usr/bin/env python3
"""Lays out one deposit of a hizo export without hizo: python3 recover.py OPENED_SERIES NUMBER NEW_FOLDER
OPENED_SERIES is made as RECOVERY.md says. Every file is compared with its SHA-256 in the manifest, and all entries with
the commitment in `record.note`. What `hizo restore` refuses is refused: then NEW_FOLDER does not appear."""
import base64, contextlib, functools, hashlib, hmac, json, os, re, struct, sys, tarfile
LINE_MAX, ENTRIES_MAX, CHAIN_MAX, SEGMENT, SPANS_MAX = (64 << 10) + 1, (1 << 22) - 1, 16, 64 << 10, 512
def need(holds, why): holds or sys.exit(f"refused: {why}")
def raw(text): return base64.b64decode(text + "==")  # not strict: all that is read is written again and compared
def full(value): return base64.b64encode(value).decode()
def bare(value): return full(value).rstrip("=")
def integer(value): return need(0 <= int(value) < 2**64, "a number is out of range") or int(value)
def number(value): return value if value < 2**53 else str(value)
def present(line): return {key: value for key, value in line.items() if value not in (None, [])}
def form(line): return json.dumps(present(line), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
def is_plain(value, room=8):  # what events may hold: whole numbers that no reader rounds, eight levels
    if isinstance(value, (dict, list)):
        return room > 0 and all(is_plain(part, room - 1) for part in getattr(value, "values", value.copy)())
    return abs(value) < 2**53 if isinstance(value, int) else not isinstance(value, float)
def is_safe(path): return 0 < len(path) < 4096 and b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))
def text(entry, key):  # bytes that stand under `key` if they are UTF-8, else in base64 under `key64`
    value = entry[key].encode() if key in entry else raw(entry[key + "64"])
    return value, {key: p} if (p := value.decode(errors="ignore")).encode() == value else {key + "64": full(value)}
def facts(e, target):  # what an entry has, or the folder itself, as it stands in its line
    e["ns"], e["x"] = int(e["mt"]), [(raw(name), raw(value)) for name, value in e.get("x", [])]
    need(0 <= e["m"] < 2**12 and -(2**63) <= e["ns"] < 2**63 and e["x"] == sorted(dict(e["x"]).items()), "a bad field")
    return present({"m": integer(e["m"]), "mt": str(e["ns"]), **target, "x": [[full(n), full(v)] for n, v in e["x"]]})

def read_entry(line, deposit):
    e = json.loads(line)
    content, link, e["id"], e["size"] = e["t"] in ("f", "h"), e["t"] in ("h", "l"), raw(e["f"]), integer(e.get("s", 0))
    (path, shown), (e["to"], target) = text(e, "p"), text(e, "l") if link else (b"", {})
    hashes, place = [raw(e[key]) for key in "hkb" * content], [integer(part) for part in e["at"]] if content else []
    spans, segments = [[integer(part) for part in span] for span in e.get("of", [])], -(-e["size"] // SEGMENT)
    shown.update({"t": e["t"], "s": number(e["size"]) if content else None, **facts(e, target)}, f=bare(e["id"]))
    shown.update(zip("hkb", map(bare, hashes)), at=[*map(number, place)], of=[[*map(number, span)] for span in spans])
    shown.update(r=number(integer(e["r"])) if content else None, u=content and "u" in e or None)
    need(form(shown) == line and e["t"] in ("f", "h", "l", "d"), "an entry is not in its one form")
    need(is_safe(path) and (e["t"] != "h" or is_safe(e["to"]) and e["to"] < path), "an unsafe path")
    need(e["t"] != "l" or e["to"] and b"\0" not in e["to"], "a link that points nowhere")
    lengths = (len(e["id"]), *map(len, hashes), len(place)) in ((16, 0), (16, 32, 32, 32, 2))
    old = [s[1:] for s in spans if s[1:] != place]  # in earlier deposits; what is new lies at `place`
    fits = sum(s[0] for s in spans) == segments and all(len(s) == 3 and s[0] for s in spans) and len(spans) <= SPANS_MAX
    fits = fits and old and max(old)[0] < place[0] and all(a[1:] != b[1:] for a, b in zip(spans, spans[1:]))
    need(lengths and place < [deposit + 1] and (fits or not spans), "a field that cannot be")
    e.update(at=place, of=spans or [[segments, *place]], all=(e["size"], hashes, place, spans))
    return path, e

def layer(series, deposit):  # one manifest as it was sealed, and where its tar is: behind it in a small deposit
    name, gone, entries, stage = os.path.join(series, b"%06d/manifest" % deposit), set(), [], 0
    with open(name, "rb") as file:
        head = json.loads(line := file.readline(LINE_MAX))
        keys = "entries", *"base chain reread".split()[: 2 * ("base" in head) + ("reread" in head)], "archive", "packs"
        head.update({k: k == "reread" or integer(head[k]) for k in keys}, secret=raw(head["seed"]))
        shown = {"hizo": "manifest/v1", "deposit": number(deposit), "seed": full(head["secret"])}
        shown.update({key: number(head[key]) for key in keys})
        shown.update(root=facts(head["root"], {}) if "root" in head else None, events=[*head.get("events", [])])
        need(form(shown) == line and len(head["secret"]) == 32 and is_plain(head.get("events"), 9), "a bad first line")
        need(head["entries"] <= ENTRIES_MAX and head.get("base", 0) < deposit, "a first line that cannot be")
        end = os.path.getsize(name) - (0 if head["packs"] else head["archive"])
        tar = (name[:-8] + b"tar", 0) if head["packs"] else (name, end)
        while (left := end - file.tell()) > 0:
            key, values = next(iter(json.loads(line := file.readline(min(LINE_MAX, left))).items()))
            stage, before = {"starts": 0, "gone": 1}.get(key, 2), stage
            need(stage >= before and (stage != 1 or "base" in head), "lines are out of order")
            if stage == 2:
                entries.append(read_entry(line, deposit))
                continue
            shown = {key: [bare(raw(v)) if stage else [number(integer(part)) for part in v] for v in values]}
            fits = len(values) <= 1000 and {*map(len, values)} == {22 if stage else 2}
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
    prk, leaves = mac(b"hizo-commit/v1", seed), []
    def field(e, name, value):
        return hashed(b"hizo-field/v1\n", bytes([len(name)]), name, mac(prk, b"salt" + e["id"] + name + b"\1"), value)
    for path, e in entries.items():
        kind, target = b"0125"["fhld".index(e["t"])], field(e, b"target", e["to"]) if e["to"] else bytes(32)
        meta = struct.pack(">BQIq32s", kind, e["size"], e["m"], e["ns"], target)
        values = (b"content", b"".join(e["all"][1])), (b"name", path), (b"meta", meta)
        leaves.append(hashed(b"\0hizo-leaf/v1\n", *(field(e, *named) for named in values)))
    depth = next(depth for depth in range(4, 24, 2) if 1 << depth > len(leaves))
    leaves = sorted(leaves + [mac(mac(prk, b"dummy\1"), struct.pack(">I", n)) for n in range(2**depth - len(leaves))])
    for _ in range(depth):
        leaves = [hashed(b"\1", *leaves[n : n + 2]) for n in range(0, len(leaves), 2)]
    return hashed(b"hizo-root/v1\n", mac(prk, b"blind\1"), bytes([depth]), leaves[0]).hex()

def lay_file(path, e, tars, digest):
    with open(path, "xb") as out:
        for count, deposit, block in e["of"]:  # each at the same offset in its member as in the file
            (name, before), start, end = tars(deposit), out.tell(), min(out.tell() + count * SEGMENT, e["size"])
            with open(name, "rb") as file:
                file.seek(before + 512 * block)
                member = (archive := tarfile.TarFile(fileobj=file)).firstmember
                fits = member and (member.size == e["size"] or [deposit, block] != e["at"] and member.size >= end)
                need(fits and member.isreg(), "content is not where the manifest says")
                (source := archive.extractfile(member)).seek(start)
                while chunk := source.read(min(16 * SEGMENT, end - out.tell())):
                    digest.update(chunk)
                    out.write(chunk) if chunk.strip(b"\0") else out.seek(len(chunk), 1)  # zeros stay holes
        out.truncate(e["size"])
    need(digest.digest() == e["all"][1][0], "a file is not the one that the manifest names")

def main(series, deposit, to):
    (head, entries), new, at = manifest(series, deposit), to + b".partial", {}
    tars, every = functools.lru_cache(None)(lambda number: layer(series, number)[3]), [*entries.values()]
    note = open(os.path.join(series, b"%06d/record.note" % deposit)).read()
    need(re.search(f"^series [0-9a-f]{{16}} {deposit} ", note, re.M), "the record of another deposit")
    need(f"\ncommit {commitment(head['secret'], entries)} " in note, "the entries are not those of the record")
    need(len({e["id"] for e in every}) == len(every) and sum(e["size"] for e in every) < 2**64, "ids or sizes clash")
    for path, e in entries.items():
        parent, first = path.rpartition(b"/")[0], entries.get(e["to"], {})
        need(not parent or entries.get(parent, {}).get("t") == "d", "an entry below what is no folder")
        need(e["t"] != "h" or first.get("t") == "f" and first["all"] == e["all"], "a hard link to no such file")
        need(at.setdefault((*e["at"],), e["all"]) == e["all"], "two contents at one place")
    os.path.lexists(to) and os.rmdir(to) or os.mkdir(new, 0o700)  # refuses a folder that is not empty
    for path, e in sorted(entries.items(), key=lambda item: "dfhl".index(item[1]["t"])):  # links last
        e["name"], first = os.path.join(new, path), os.path.join(new, e["to"])
        make = {"d": lambda to, *_: os.mkdir(to, 0o700), "f": lay_file, "h": lambda to, *_: os.link(first, to)}
        make.get(e["t"], lambda to, *_: os.symlink(e["to"], to))(e["name"], e, tars, hashlib.sha256())
    for e in [e for e in every[::-1] if e["t"] != "h"] + [dict(e, t="d", name=new) for e in [head.get("root")] if e]:
        for name, value in e["x"]:
            with contextlib.suppress(OSError, AttributeError, ValueError):
                name.startswith(b"security.") or os.setxattr(e["name"], name, value, follow_symlinks=False)
        e["t"] == "l" or os.chmod(e["name"], e["m"] & 0o1777)
        with contextlib.suppress(NotImplementedError):
            os.utime(e["name"], ns=(e["ns"], e["ns"]), follow_symlinks=e["t"] != "l")
    os.rename(new, to)

try:
    len(sys.argv) == 4 or sys.exit(__doc__)
    main(os.fsencode(sys.argv[1]), int(sys.argv[2]), os.fsencode(sys.argv[3].rstrip("/")))
except Exception as error:
    sys.exit(f"refused: {error}")
