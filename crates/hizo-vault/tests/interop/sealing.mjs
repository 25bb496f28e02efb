// Sealing as docs/spec/pack-container.md tells it, written apart from hizo over other primitives, for one purpose: the
// accepted vectors must come out to the byte. Arguments: the folder node_modules, the folder of accepted vectors.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, vectors] = process.argv.slice(2)
const require = createRequire(join(modules, 'package.json'))
const load = (name) => import(pathToFileURL(require.resolve(name)))
const { blake3 } = await load('@noble/hashes/blake3.js')
const { extract, expand, hkdf } = await load('@noble/hashes/hkdf.js')
const { hmac } = await load('@noble/hashes/hmac.js')
const { scrypt } = await load('@noble/hashes/scrypt.js')
const { sha256 } = await load('@noble/hashes/sha2.js')
const { chacha20poly1305 } = await load('@noble/ciphers/chacha.js')
const { MLKEM768X25519 } = await load('@noble/post-quantum/hybrid.js')
const { bech32 } = await load('@scure/base')

const ascii = (text) => new TextEncoder().encode(text)
const concat = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))))
const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'))
const base64 = (bytes) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

function hedge(entropy, recipients, plaintext) {
  const count = new Uint8Array(4)
  new DataView(count.buffer).setUint32(0, recipients.length)
  const hash = blake3.create({ key: entropy })
  hash.update(concat(ascii('hizo/seal-hedge/v1\n'), count, ...recipients, plaintext))
  return { fileKey: hash.xof(16), nonce: hash.xof(16), next: (bytes) => hash.xof(bytes) }
}

function hybridStanza(recipient, fileKey, randomness) {
  const { cipherText, sharedSecret } = MLKEM768X25519.encapsulate(recipient, randomness)
  const suite = concat(ascii('HPKE'), hex('647a00010003'))
  const labeled = (label, ikm, salt) => extract(sha256, concat(ascii('HPKE-v1'), suite, ascii(label), ikm), salt)
  const info = ascii('age-encryption.org/mlkem768x25519')
  const context = concat([0], labeled('psk_id_hash', []), labeled('info_hash', info))
  const secret = labeled('secret', [], sharedSecret)
  const derive = (label, bytes) =>
    expand(sha256, secret, concat([0, bytes], ascii('HPKE-v1'), suite, ascii(label), context), bytes)
  const body = chacha20poly1305(derive('key', 32), derive('base_nonce', 12)).encrypt(fileKey)
  return `-> mlkem768x25519 ${base64(cipherText)}\n${base64(body)}\n`
}

function passphraseStanza(passphrase, fileKey, salt) {
  const fullSalt = concat(ascii('age-encryption.org/v1/scrypt'), salt)
  const key = scrypt(ascii(passphrase), fullSalt, { N: 2 ** 17, r: 8, p: 1, dkLen: 32, maxmem: 2 ** 28 })
  return `-> scrypt ${base64(salt)} 17\n${base64(chacha20poly1305(key, new Uint8Array(12)).encrypt(fileKey))}\n`
}

function file(stanzas, { fileKey, nonce }, plaintext) {
  const authenticated = ascii(`age-encryption.org/v1\n${stanzas.join('')}---`)
  const mac = hmac(sha256, hkdf(sha256, fileKey, undefined, ascii('header'), 32), authenticated)
  const key = hkdf(sha256, fileKey, nonce, ascii('payload'), 32)
  const chunks = []
  for (let start = 0; start === 0 || start < plaintext.length; start += 65536) {
    const chunkNonce = new Uint8Array(12)
    new DataView(chunkNonce.buffer).setUint32(7, start / 65536)
    chunkNonce[11] = start + 65536 >= plaintext.length ? 1 : 0
    chunks.push(chacha20poly1305(key, chunkNonce).encrypt(plaintext.subarray(start, start + 65536)))
  }
  return concat(authenticated, ascii(` ${base64(mac)}\n`), nonce, ...chunks)
}

function armor(bytes) {
  const lines = Buffer.from(bytes).toString('base64').match(/.{1,64}/g)
  return ascii(['-----BEGIN AGE ENCRYPTED FILE-----', ...lines, '-----END AGE ENCRYPTED FILE-----', ''].join('\n'))
}

function seal({ entropy, identity = [], passphrase = [], plaintext }) {
  const seeds = identity.map((line) => bech32.decodeToBytes(line.toLowerCase()).bytes)
  const recipients = seeds.map((seed) => MLKEM768X25519.keygen(seed).publicKey)
  const drawn = hedge(entropy, recipients, plaintext)
  if (passphrase.length > 0) {
    return armor(file([passphraseStanza(passphrase[0], drawn.fileKey, drawn.next(16))], drawn, plaintext))
  }
  return file(recipients.map((recipient) => hybridStanza(recipient, drawn.fileKey, drawn.next(64))), drawn, plaintext)
}

let wrong = 0
for (const name of readdirSync(vectors)) {
  const text = readFileSync(join(vectors, name), 'latin1')
  const fields = {}
  for (const line of text.slice(0, text.indexOf('\n\n')).split('\n')) {
    const [field, value] = line.split(/: (.*)/)
    fields[field] = [...(fields[field] ?? []), value]
  }
  const bytes = Number(fields['plaintext-bytes']?.[0])
  const plaintext = fields.plaintext ? hex(fields.plaintext[0]) : Uint8Array.from({ length: bytes }, (_, i) => i % 251)
  const sealed = seal({ ...fields, entropy: hex(fields.entropy[0]), plaintext })
  const right = Buffer.from(sha256(sealed)).toString('hex') === fields['file-sha256'][0]
  console.log(`${right ? 'same' : 'DIFFERS'} ${name}`)
  wrong += right ? 0 : 1
}
process.exit(wrong)
