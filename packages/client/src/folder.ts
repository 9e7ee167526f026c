// Folders of a Holdfast server. Each call is one request, done as a whole or not at all, and takes no
// longer for a million objects than for one.

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  RenameObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import {
  codeOf,
  FolderExistsError,
  FolderNotFoundError,
  NotHoldfastError,
  TokenMismatchError,
} from './errors.ts'
import { encodeKey, type IncomingAnswer, onAnswer, onRequest, sendOptions } from './request.ts'

const recursiveHeader = 'x-holdfast-recursive'
const replaceHeader = 'x-holdfast-replace'
const tokenHeader = 'x-amz-client-token'

/** How a folder is put in its place. */
export interface PutFolderOptions {
  /** Whether what is under the target goes, in the same step; else it is refused. */
  readonly replace?: boolean | undefined
  /** `*`: nothing may be under the target, whatever `replace` says. */
  readonly ifNoneMatch?: '*' | undefined
  /**
   * Under one token the server does a request once within a day: 1 to 64 visible ASCII characters.
   * A random one if left out, so that the SDK's own retries are safe; to repeat a call yourself,
   * pass the same one.
   */
  readonly clientToken?: string | undefined
  /** Ends the wait for the answer; the server may have done it by then. */
  readonly signal?: AbortSignal | undefined
}

/** A folder that moves within its bucket. Both names end in `/`. */
export interface FolderRename {
  readonly bucket: string
  readonly from: string
  readonly to: string
}

/** A folder that is copied. Both names end in `/`. */
export interface FolderCopy extends FolderRename {
  /** The bucket of `to`, if it is another one. */
  readonly toBucket?: string | undefined
}

/** A folder. Its name ends in `/`. */
export interface FolderName {
  readonly bucket: string
  readonly folder: string
}

/** How a folder is read. */
export interface ArchiveOptions {
  /** `zip` if left out. */
  readonly format?: 'zip' | 'tar' | undefined
  /** Ends the reading too. */
  readonly signal?: AbortSignal | undefined
}

/** A folder as one file, while it is received. */
export interface Archive {
  /** Must be read or cancelled. */
  readonly stream: ReadableStream<Uint8Array>
  readonly contentType: string
}

/** What a Holdfast server does with folders. */
export interface Folders {
  /**
   * Moves everything under `from` to `to`; it keeps all that it has, times and metadata too.
   * @throws FolderNotFoundError, FolderExistsError, TokenMismatchError, RangeError for a name without
   *   its slash, or an error of the SDK, such as KeyTooLongError
   */
  rename(folder: FolderRename, options?: PutFolderOptions): Promise<void>
  /** Copies everything under `from` to `to`, which may lie below it. Throws as `rename`, NotHoldfastError too. */
  copy(folder: FolderCopy, options?: PutFolderOptions): Promise<void>
  /**
   * Removes everything under a folder; nothing there is no error. A request that the SDK repeats, since
   * its answer was lost, removes also what was written between the two.
   * @throws NotHoldfastError, or an error of the SDK
   */
  remove(folder: FolderName, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /**
   * Reads everything under a folder, as it is at one moment, as an archive.
   * @throws FolderNotFoundError, NotHoldfastError, or an error of the SDK
   */
  archive(folder: FolderName, options?: ArchiveOptions): Promise<Archive>
}

/** The folders of the server behind `s3`. */
export function foldersOf(s3: S3Client): Folders {
  return {
    rename: (folder, options = {}) => renameFolder(s3, folder, options),
    copy: (folder, options = {}) => copyFolder(s3, folder, options),
    remove: (folder, options = {}) => removeFolder(s3, folder, options.signal),
    archive: (folder, options = {}) => archiveFolder(s3, folder, options),
  }
}

async function renameFolder(
  s3: S3Client,
  { bucket, from, to }: FolderRename,
  options: PutFolderOptions,
): Promise<void> {
  requireFolders(from, to)
  const { ifNoneMatch } = options
  const command = new RenameObjectCommand({
    Bucket: bucket,
    Key: to,
    RenameSource: encodeKey(from),
    ClientToken: options.clientToken ?? newToken(),
    ...(ifNoneMatch === undefined ? {} : { DestinationIfNoneMatch: ifNoneMatch }),
  })
  if (options.replace === true) addHeaders(command, { [replaceHeader]: 'true' })
  await explained({ from, to, signal: options.signal }, () =>
    s3.send(command, sendOptions(options.signal)),
  )
}

async function copyFolder(
  s3: S3Client,
  { bucket, from, to, toBucket = bucket }: FolderCopy,
  options: PutFolderOptions,
): Promise<void> {
  requireFolders(from, to)
  const { ifNoneMatch } = options
  const command = new CopyObjectCommand({
    Bucket: toBucket,
    Key: to,
    CopySource: `/${bucket}/${encodeKey(from)}`,
    ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
  })
  addHeaders(command, {
    [recursiveHeader]: 'true',
    [tokenHeader]: options.clientToken ?? newToken(),
    ...(options.replace === true ? { [replaceHeader]: 'true' } : {}),
  })
  onAnswer(command.middlewareStack, requireRecursive)
  await explained({ from, to, signal: options.signal }, () =>
    s3.send(command, sendOptions(options.signal)),
  )
}

async function removeFolder(
  s3: S3Client,
  { bucket, folder }: FolderName,
  signal: AbortSignal | undefined,
): Promise<void> {
  requireFolders(folder)
  const command = new DeleteObjectCommand({ Bucket: bucket, Key: folder })
  addHeaders(command, { [recursiveHeader]: 'true' })
  onAnswer(command.middlewareStack, requireRecursive)
  await explained({ from: folder, signal }, () => s3.send(command, sendOptions(signal)))
}

const archiveTypes = { zip: 'application/zip', tar: 'application/x-tar' } as const

async function archiveFolder(
  s3: S3Client,
  { bucket, folder }: FolderName,
  { format = 'zip', signal }: ArchiveOptions,
): Promise<Archive> {
  requireFolders(folder)
  const command = new GetObjectCommand({ Bucket: bucket, Key: folder })
  onRequest(command.middlewareStack, ({ query }) => {
    query['archive'] = format
  })
  const { Body, ContentType: contentType = '' } = await explained({ from: folder, signal }, () =>
    s3.send(command, sendOptions(signal)),
  )
  const stream = Body?.transformToWebStream()
  if (stream === undefined || contentType !== archiveTypes[format]) {
    await stream?.cancel()
    throw new NotHoldfastError(`The answer is ${contentType || 'empty'}, not an archive`)
  }
  return { stream, contentType }
}

function newToken(): string {
  return crypto.randomUUID()
}

function addHeaders(
  command: RenameObjectCommand | CopyObjectCommand | DeleteObjectCommand,
  headers: Readonly<Record<string, string>>,
): void {
  const add = (request: { headers: Record<string, string> }): void => {
    Object.assign(request.headers, headers)
  }
  if (command instanceof RenameObjectCommand) onRequest(command.middlewareStack, add)
  else if (command instanceof CopyObjectCommand) onRequest(command.middlewareStack, add)
  else onRequest(command.middlewareStack, add)
}

/** A server that knows no folders ignores the header, and doesn't say it back. */
function requireRecursive({ statusCode, headers }: IncomingAnswer): void {
  if (statusCode >= 300 || headers[recursiveHeader] === 'true') return
  throw new NotHoldfastError(
    `The server took the folder for one object: its answer has no ${recursiveHeader}`,
  )
}

/** @throws RangeError */
function requireFolders(...names: readonly string[]): void {
  for (const name of names) {
    if (name.endsWith('/')) continue
    throw new RangeError(`A folder's name ends in "/", unlike ${JSON.stringify(name)}`)
  }
}

interface Attempt {
  readonly from: string
  readonly to?: string
  readonly signal: AbortSignal | undefined
}

async function explained<T>({ from, to, signal }: Attempt, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (cause) {
    signal?.throwIfAborted()
    switch (codeOf(cause)) {
      case 'NoSuchKey':
        throw new FolderNotFoundError(`There is nothing under ${from}`, { cause })
      case 'PreconditionFailed':
        throw new FolderExistsError(`There is something under ${to}`, { cause })
      case 'IdempotencyParameterMismatch':
        throw new TokenMismatchError('The token was used for another request', { cause })
      default:
        throw cause
    }
  }
}
