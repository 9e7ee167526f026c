// The messages of failures between a command and a server, with remedies.

import {
  FolderExistsError,
  FolderNotFoundError,
  LeaseLostError,
  LeaseNotCoveringError,
  LeaseNotGrantedError,
  NotHoldfastError,
} from 'holdfast-client'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import { localFailure } from './local.ts'
import { explainStranger, explainUnreachable } from './reach.ts'

/** The server that a command connects to, and the key used. */
export interface Peer {
  readonly endpoint: string
  /** The origin of the access key: `from data/credentials.json`. */
  readonly keySource: string
  /** The environment variable of a proxy, which is ignored. */
  readonly proxy: string | undefined
}

const wrongKey: ReadonlySet<string> = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])

/** The failure to report; undefined for an unexpected error. */
export async function explainFailure(
  error: unknown,
  peer: Peer,
): Promise<CommandError | undefined> {
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
  const silence = await explainUnreachable(error, peer.endpoint)
  if (silence !== undefined) {
    return failure(
      peer.proxy === undefined ? silence : `${silence} (the proxy in ${peer.proxy} is not used)`,
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
  if ('$metadata' in error) {
    return failure(
      (await explainStranger(error, peer.endpoint)) ??
        `the server refuses: ${error.name}: ${error.message}`,
    )
  }
  // An error of the local file system.
  return systemCode(error) === undefined ? undefined : failure(localFailure(error))
}

/** A message in lower case, since it follows a colon. */
function lower(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
