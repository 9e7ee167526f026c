// What goes wrong between a command and a server, in words that say what to do.

import {
  FolderExistsError,
  FolderNotFoundError,
  LeaseLostError,
  LeaseNotCoveringError,
  LeaseNotGrantedError,
  NotHoldfastError,
} from 'holdfast-client'
import { CommandError, exitCodes, systemCode } from '../exit.ts'

/** Whom a command spoke to. */
export interface Peer {
  readonly endpoint: string
  /** Where the access key came from: `from data/credentials.json`. */
  readonly keySource: string
}

const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'TimeoutError',
])

const wrongKey: ReadonlySet<string> = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])

/** The failure to tell; undefined if nothing expected this error. */
export function explainFailure(error: unknown, peer: Peer): CommandError | undefined {
  if (error instanceof CommandError) return error
  if (!(error instanceof Error)) return undefined
  const failure = (message: string, exitCode?: number): CommandError =>
    new CommandError(message, { cause: error, ...(exitCode === undefined ? {} : { exitCode }) })
  if (error instanceof FolderExistsError) {
    return failure(`${lower(error.message)}; --replace puts the folder in its place`)
  }
  if (error instanceof LeaseNotGrantedError || error instanceof LeaseLostError) {
    return failure(lower(error.message), exitCodes.busy)
  }
  if (error instanceof FolderNotFoundError || error instanceof LeaseNotCoveringError) {
    return failure(lower(error.message))
  }
  if (error instanceof NotHoldfastError) {
    return failure(`is ${peer.endpoint} a Holdfast server? ${error.message}`)
  }
  const code = systemCode(error) ?? error.name
  if (unreachable.has(code)) {
    return failure(
      `no server answers at ${peer.endpoint} (${code}): start one with \`holdfast serve\`, ` +
        'or name another with --endpoint',
    )
  }
  if (error.name === 'CredentialsProviderError') {
    return failure(
      'there is neither a data folder here nor an access key: start a server with `holdfast serve`, or ' +
        'name its data folder with --data, a profile of ~/.aws with --profile, or the key itself with ' +
        '--access-key and --secret-key',
    )
  }
  if (wrongKey.has(error.name)) {
    return failure(`${peer.endpoint} refuses the access key ${peer.keySource} (${error.name})`)
  }
  if ('$metadata' in error) return failure(`the server refuses: ${error.name}: ${error.message}`)
  // A file of this machine.
  return systemCode(error) === undefined ? undefined : failure(error.message)
}

/** Messages of the command follow a colon. */
function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
