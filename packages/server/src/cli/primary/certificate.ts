// The certificate of a server and its key, which are read and compared before the start.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CommandError, systemCode } from '../../base/exit.ts'
import type { TlsFiles } from '../../config.ts'
import type { TlsTexts } from '../message.ts'

/** Reads both. @throws CommandError if they can't be read, or don't match */
export async function readTls(files: TlsFiles): Promise<TlsTexts> {
  const { certificateFile, keyFile } = files
  const cert = await readPem(certificateFile)
  const key = await readPem(keyFile)
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key }
  } catch (cause) {
    throw new CommandError(
      `${certificateFile} and ${keyFile} must be a certificate and its private key, both PEM` +
        (hasPassphrase(cause) ? '; the key must be without a passphrase' : ''),
      { cause },
    )
  }
  throw new CommandError(
    `the key in ${keyFile} is not that of the certificate in ${certificateFile}`,
  )
}

function hasPassphrase(error: unknown): boolean {
  return systemCode(error) === 'ERR_MISSING_PASSPHRASE'
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = systemCode(error) === 'ENOENT' ? 'there is no such file' : systemCode(error)
    throw new CommandError(`can't read ${file}: ${reason ?? error}`, { cause: error })
  }
}
