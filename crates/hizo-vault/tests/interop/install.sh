#!/bin/sh
# Fetches what the tests compare hizo with: another age implementation, the public age vectors, and another SLIP-39.
# Run once, from anywhere; they land in target/npm and target/pypi of the repository.
set -eu
root=$(cd "$(dirname "$0")/../../../.." && pwd)
mkdir -p "$root/target/npm"
npm install --prefix "$root/target/npm" --no-save --no-audit --no-fund age-encryption@0.3.1 cctv-age@0.2.0
mkdir -p "$root/target/pypi"
python3 -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$root/target/pypi" \
    shamir-mnemonic==0.3.0
