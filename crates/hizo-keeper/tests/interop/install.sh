#!/bin/sh
# Fetches what the tests compare hizo's stamps with: another implementation of RFC 3161, from PyPI.
# Run once, from anywhere; it lands in target/pypi of the repository.
set -eu
root=$(cd "$(dirname "$0")/../../../.." && pwd)
mkdir -p "$root/target/pypi"
python3 -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$root/target/pypi" \
    rfc3161-client==1.0.9 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12
