#!/bin/sh
# Fetches what the tests compare hizo with: another age implementation, and the public age vectors.
# Run once, from anywhere; both land in target/npm of the repository.
set -eu
root=$(cd "$(dirname "$0")/../../../.." && pwd)
mkdir -p "$root/target/npm"
npm install --prefix "$root/target/npm" --no-save --no-audit --no-fund age-encryption@0.3.1 cctv-age@0.2.0
