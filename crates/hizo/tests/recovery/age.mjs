// As much of the command `age` as RECOVERY.md uses, over the npm package age-encryption: another implementation than
// ours, for systems whose own `age` is too old for hybrid recipients.
//   node age.mjs PACKAGE -d [-i IDENTITY] FILE > plain        the passphrase is asked for in AGE_PASSPHRASE
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, ...options] = process.argv.slice(2)
const age = await import(pathToFileURL(join(folder, 'dist', 'index.js')))
const usage = () => { throw new Error('age: -d [-i IDENTITY] FILE') }
if (options.shift() !== '-d') usage()
const decrypter = new age.Decrypter()
if (options[0] === '-i') {
  options.shift()
  const lines = readFileSync(options.shift(), 'utf8').split('\n')
  lines.filter((line) => line && !line.startsWith('#')).forEach((line) => decrypter.addIdentity(line))
} else {
  decrypter.addPassphrase(process.env.AGE_PASSPHRASE)
}
if (options.length !== 1) usage()
const file = readFileSync(options[0])
const armored = file.subarray(0, 5).toString() === '-----'
const plain = await decrypter.decrypt(armored ? age.armor.decode(file.toString()) : new Uint8Array(file))
for (let at = 0; at < plain.length;) {
  try {
    at += writeSync(1, plain, at)
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error // A full pipe: zstd has not read yet.
  }
}
