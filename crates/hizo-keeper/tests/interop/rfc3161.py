"""Verifies stamps with PyPI `rfc3161-client`: DATA ROOTS.pem NONCE-or-0 ANSWER.tsr..."""

import sys

try:
    import cryptography.x509
    from rfc3161_client import VerifierBuilder, decode_timestamp_response
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(77)

data, roots, nonce, *answers = sys.argv[1:]
message = open(data, "rb").read()
verifier = VerifierBuilder()
for root in cryptography.x509.load_pem_x509_certificates(open(roots, "rb").read()):
    verifier = verifier.add_root_certificate(root)
if nonce != "0":
    verifier = verifier.nonce(int(nonce, 16))
verifier = verifier.build()
for answer in answers:
    assert verifier.verify_message(decode_timestamp_response(open(answer, "rb").read()), message)
    try:
        verifier.verify_message(decode_timestamp_response(open(answer, "rb").read()), message + b"!")
    except Exception:
        print("verified", answer)
