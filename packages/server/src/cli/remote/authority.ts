// Certificates that are trusted beside Node's.

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { CommandError } from '../../base/exit.ts'
import { localReason } from './local.ts'

/** All certificates to trust: the usual ones, and those in a PEM file. @throws CommandError */
export async function readAuthorities(file: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new CommandError(`can't read the certificates in ${file}: ${localReason(cause)}`, {
      cause,
    })
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) {
    throw new CommandError(`there is no certificate in ${file}: --ca takes a file in PEM form`)
  }
  for (const one of found) check(one, file)
  return [...getCACertificates('default'), ...found]
}

function check(pem: string, file: string): void {
  try {
    new X509Certificate(pem)
  } catch (cause) {
    throw new CommandError(`a certificate in ${file} is damaged: --ca takes a file in PEM form`, {
      cause,
    })
  }
}
