"""Signed notes, policies and the log (C2SP; docs/spec/log.md): a part of verify.py."""

import base64, calendar, contextlib, hashlib, pathlib, re, subprocess, tempfile, time

HASH = "[0-9a-f]{64}"
PROOF = "c2sp.org/tlog-proof@v1\nindex (0|[1-9][0-9]*)((?:\n[^\n]+)*)\n\n(.+)"
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)

class DoesNotHold(Exception):
    """The step that found it, and why."""

class Broken(Exception):
    """A rule of the specification that is not kept."""

def demand(holds, why):
    if not holds:
        raise Broken(why)

@contextlib.contextmanager
def step(name):
    """A step of docs/spec/proof.md, "How to verify". What cannot be read does not hold."""
    try:
        yield
    except Broken as rule:
        raise DoesNotHold(name, rule) from None
    except UNREADABLE:
        raise DoesNotHold(name, "it is not in its form") from None

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text):
    data = base64.b64decode(text, validate=True)
    demand(base64.b64encode(data).decode() == text, "base64 is not in its one form")
    return data

def unhex(text):
    demand(re.fullmatch(HASH, text), "a hash is not in its form")
    return bytes.fromhex(text)

def seconds(text):
    """Since 1970, of a time that exists."""
    value = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    demand(value >= 0 and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value)) == text, "a time is none that exists")
    return value

def openssl(arguments, files):
    """Runs openssl with files by their names in a folder of its own: whether it is content, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (pathlib.Path(folder) / name).write_bytes(data)
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True)
        return done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")

def ed25519(key, message, signature):
    der = bytes.fromhex("302a300506032b6570032100") + key
    arguments = "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -sigfile sig -in text".split()
    return len(signature) == 64 and openssl(arguments, {"key": der, "sig": signature, "text": message})[0]

def note(data):
    """Text and signature lines of a C2SP signed-note: name, key id, signature."""
    text, lines = data.decode().rsplit("\n\n", 1)
    demand(lines.endswith("\n"), "the note has no last line")
    lines = [re.fullmatch("— ([^ +]+) ([^ ]+)", line).groups() for line in lines[:-1].split("\n")]
    return text + "\n", [(name, unbase64(value)[:4], unbase64(value)[4:]) for name, value in lines]

class Key:
    """A verifier key: name+id+base64(type ‖ key)."""

    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        key = base64.b64decode(key, validate=True)
        self.kind, self.key, self.id = key[0], key[1:], bytes.fromhex(key_id)
        if sha256(self.name.encode(), b"\n", key)[:4] != self.id:
            raise ValueError("the key's id is not its own")

    def signed(self, text, signatures, say):
        """Whether there is a signature by this key that can be checked here."""
        own = [signature for name, key_id, signature in signatures if (name, key_id) == (self.name, self.id)]
        if own and self.kind == 6:
            say(f"not checked here: the ML-DSA-44 signature of {self.name}")
            return False
        for signature in own:
            message = text.encode()
            if self.kind == 4:
                moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {moment}\n{text}".encode()
            demand(ed25519(self.key, message, signature), f"the signature of {self.name} does not hold")
        return bool(own)

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
        keys = [key.key for key in [*self.logs, *self.witnesses.values()]]
        once = len(set(members)) == len(members) and len(set(keys)) == len(keys)
        if self.quorum not in {"none", *self.witnesses, *self.groups} or not once:
            raise ValueError("the policy has no quorum that it defines, or names something twice")

    def met(self, name, signed):
        if name in self.groups:
            count, members = self.groups[name]
            return sum(self.met(member, signed) for member in members) >= count
        return name == "none" or name in signed

def read_checkpoint(text):
    """The log's name, its length and its root."""
    origin, size, root = re.fullmatch("([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]{44})\n", text).groups()
    demand(int(size) <= 2**63, "no log is that long")
    return origin, int(size), unbase64(root)

def check_inclusion(data, leaf):
    """The checkpoint in which the leaf stands: the log's name, text and signatures."""
    index, path, head = re.fullmatch(PROOF, data.decode(), re.S).groups()
    text, signatures = note(head.encode())
    origin, size, root = read_checkpoint(text)
    place, last, node = int(index), size - 1, sha256(b"\0", leaf)
    demand(place < size, "the log has no such place")
    for sibling in map(unbase64, path.split("\n")[1:]):  # RFC 9162, 2.1.3.2
        demand(last > 0 and len(sibling) == 32, "the path is too long")
        if place & 1 or place == last:
            node = sha256(b"\1", sibling, node)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        place, last = place >> 1, last >> 1
    demand(last == 0 and node == root, "the path does not lead to the root")
    return origin, text, signatures

def check_checkpoint(policy, origin, text, signatures, say):
    """Why the policy is not met, if it is not."""
    if policy is None:
        return ["no-policy"]
    if not any([log.signed(text, signatures, say) for log in policy.logs if log.name == origin]):
        return ["other-log"]
    signed = {name for name, key in policy.witnesses.items() if key.signed(text, signatures, say)}
    return [] if policy.met(policy.quorum, signed) else ["no-quorum"]
