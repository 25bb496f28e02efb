// The other side of tests/all/interop.rs: opens what hizo sealed, seals what hizo opens.
// Arguments: the folder of the npm package age-encryption, the folder with the files.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, folder] = process.argv.slice(2)
const age = await import(pathToFileURL(join(modules, 'dist', 'index.js')))

const path = (name) => join(folder, name)
const text = (name) => readFileSync(path(name), 'utf8')
const bytes = (name) => new Uint8Array(readFileSync(path(name)))

async function open(file, { identity, passphrase }) {
  const decrypter = new age.Decrypter()
  if (identity) decrypter.addIdentity(identity)
  if (passphrase) decrypter.addPassphrase(passphrase)
  return decrypter.decrypt(file)
}

async function seal(file, { recipients = [], passphrase }) {
  const encrypter = new age.Encrypter()
  recipients.forEach((recipient) => encrypter.addRecipient(recipient))
  if (passphrase) {
    encrypter.setPassphrase(passphrase)
    encrypter.setScryptWorkFactor(10)
  }
  return encrypter.encrypt(file)
}

// Identity file, then wrap, then pack: the whole way with the passphrase and nothing else.
const passphrase = text('passphrase')
const identityFile = await open(age.armor.decode(text('identity.age')), { passphrase })
const lines = new TextDecoder().decode(identityFile).split('\n').filter((line) => line && !line.startsWith('#'))
if (lines.length !== 1) throw new Error(`an identity file has one identity, not ${lines.length}`)
const epoch = new TextDecoder().decode(await open(bytes('wrap.age'), { identity: lines[0] }))
writeFileSync(path('pack.opened'), await open(bytes('pack.age'), { identity: epoch.trim() }))
writeFileSync(path('recipient.derived'), await age.identityToRecipient(lines[0]))

// And back, also with an identity that was made over there.
const recipient = text('recipient')
const theirs = await age.generateHybridIdentity()
const theirRecipient = await age.identityToRecipient(theirs)
const plaintext = bytes('plaintext')
writeFileSync(path('their.identity'), theirs)
writeFileSync(path('their.recipient'), theirRecipient)
writeFileSync(path('theirs.age'), await seal(plaintext, { recipients: [recipient] }))
writeFileSync(path('theirs-to-two.age'), await seal(plaintext, { recipients: [theirRecipient, recipient] }))
writeFileSync(path('theirs-armored.age'), age.armor.encode(await seal(plaintext, { recipients: [recipient] })))
writeFileSync(path('theirs-passphrase.age'), await seal(plaintext, { passphrase }))
