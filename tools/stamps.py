"""Time-stamps (RFC 3161; docs/spec/timestamp.md), read and checked by openssl: a part of verify.py."""

import calendar, hashlib, re, tempfile, time

from notes import demand, openssl

SELF_STAMP = "2.25.212200498540112721591717474817381730384"
ESS_V2 = bytes.fromhex("060b2a864886f70d010910022f")  # the attribute that says by which certificate a token is
NAMED = "([A-Za-z0-9_-][A-Za-z0-9._-]{0,99})"

class Stamp:
    """An answer over data: why it does not count, or its time and accuracy in nanoseconds."""

    def __init__(self, name, data, answer, chain, roots):
        self.name, self.doubt = name, "not-vouched" if roots else "no-roots"
        self.files = {"data": data, "tsr": answer, "roots": roots or b"", "chain": chain}
        self.has_chain = b"BEGIN CERTIFICATE" in chain
        _, text = openssl(["ts", "-reply", "-in", "tsr", "-text"], self.files)
        said = re.search("Time stamp: (\\w+ +\\d+ [\\d:]+)(?:[.](\\d+))?( \\d+) GMT", text)
        kind = re.search("Hash Algorithm: (sha256|sha384|sha512)\n", text)
        if not said or not kind or ESS_V2 not in answer:  # of a kind that is not read
            return
        dump = text.partition("Message data:\n")[2].partition("Serial number")[0]
        imprint = "".join(re.findall("^    [0-9a-f]{4} - (.{47})", dump, re.M)).replace("-", " ")
        demand(bytes.fromhex(imprint) == hashlib.new(kind[1], data).digest(), "a stamp is over other bytes")
        day, fraction, year = said.groups()
        whole = calendar.timegm(time.strptime(day + year, "%b %d %H:%M:%S %Y"))
        parts = re.search("Accuracy: (\\S+) seconds, (\\S+) millis, (\\S+) micros", text)
        parts = [0 if part == "unspecified" else int(part, 16) for part in parts.groups()] if parts else [0, 0, 0]
        self.time = whole * 10**9 + int((fraction or "").ljust(9, "0"))
        self.accuracy = parts[0] * 10**9 + parts[1] * 10**6 + parts[2] * 1000
        self.latest = self.time + self.accuracy
        holds, why = self.holds_at(self.time) if roots else (False, "")
        false = re.search("verification failure|digest failure", self.signature()) or "ess cert id" in why
        demand(not false, "a stamp's signature does not hold, or binds another certificate")
        own = f"Policy OID: {SELF_STAMP}\n" in text
        self.doubt = "self-stamped" if own else "" if holds else self.doubt

    def signature(self):
        """What openssl says against the signature, whoever gave it."""
        with tempfile.NamedTemporaryFile() as token:
            openssl(["ts", "-reply", "-in", "tsr", "-token_out", "-out", token.name], self.files)
            verify = ["cms", "-verify", "-noverify", "-inform", "DER", "-in", token.name, "-out", "said"]
            holds, said = openssl(verify + ["-certfile", "chain"] * self.has_chain, self.files)
            return "" if holds else said

    def holds_at(self, moment):
        """To openssl a certificate has ended in the last second of its life, to hizo at its end."""
        for second in (moment // 10**9, -(-moment // 10**9) - 1):
            arguments = ["ts", "-verify", "-data", "data", "-in", "tsr", "-CAfile", "roots", "-attime", str(second)]
            holds, said = openssl(arguments + ["-untrusted", "chain"] * self.has_chain, self.files)
            if holds:
                break
        return holds, said

def stamps_of(files, place, roots):
    """All stamps over the checkpoint at this place."""
    data, stamps = files[place + "checkpoint"], []
    for name in sorted(files):
        if it := re.fullmatch(f"{place}stamps/{NAMED}[.]tsr", name):
            stamps.append(Stamp(it[1], data, files[name], files.get(name[:-4] + ".pem", b""), roots))
    return stamps

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

def readable(moment):
    fraction = f"{moment % 10**9:09}".rstrip("0")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 10**9)) + f".{fraction}" * bool(fraction) + "Z"
