#!/bin/sh
# Stamps over the checkpoint by the stock tool, each by an authority that is made for it and forgotten: the files
# accepted/openssl_* of the vectors. They are made once; run again, this makes others that must be accepted too.
# With a folder as argument, they are made there; with a query as second one, they answer it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here/accepted}
query=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > root.ext <<'EXT'
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
EXT
cat > stamps.ext <<'EXT'
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EXT

# name, how the key is made, hash of the certificates and the signature, hash of the data, digits of a fraction
stamp() {
    name=$1 kind=$2 hash=$3 imprint=$4 digits=$5
    for who in root stamps; do
        case $kind in
        rsa) openssl genrsa -out $who.key 2048 2> log ;;
        *) openssl ecparam -genkey -noout -name "$kind" -out $who.key ;;
        esac
    done
    openssl req -new -key root.key -subj "/O=hizo test only/CN=root of $name" -out root.csr
    openssl x509 -req -in root.csr -key root.key -"$hash" -days 7300 -extfile root.ext -out root.pem 2> log
    openssl req -new -key stamps.key -subj "/O=hizo test only/CN=stamps of $name" -out stamps.csr
    openssl x509 -req -in stamps.csr -CA root.pem -CAkey root.key -set_serial 0x1234567890 -"$hash" -days 3650 \
        -extfile stamps.ext -out stamps.pem 2> log
    echo 01 > serial
    cat > ts.conf <<CONF
[tsa]
default_tsa = one
[one]
serial = $work/serial
signer_cert = $work/stamps.pem
signer_key = $work/stamps.key
signer_digest = $hash
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = $digits
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = $hash
CONF
    if [ -n "$query" ]; then
        cp "$query" query.tsq
    else
        openssl ts -query -data "$here/checkpoint" -"$imprint" -cert -out query.tsq 2> log
    fi
    openssl ts -reply -config ts.conf -queryfile query.tsq -out "$to/$name.tsr" 2> log
    cp query.tsq "$to/$name.tsq"
    { echo hizo/authorities/v1; echo; echo "authority $name"; sed -n '/BEGIN/,/END/p' root.pem; } > "$to/$name.list"
}

stamp openssl_rsa rsa sha256 sha256 3
stamp openssl_p256 prime256v1 sha256 sha512 6
stamp openssl_p384 secp384r1 sha384 sha384 0
