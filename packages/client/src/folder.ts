// Folders of a Holdfast server. Each call is one atomic request, and its time doesn't depend on the
// number of objects.

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

/** Options of a rename or copy. */
export interface PutFolderOptions {
  /**
   * Whether to replace the contents of the target atomically. If false, a non-empty target is
   * refused.
   */
  readonly replace?: boolean | undefined
  /** `*`: the target must be empty, whatever `replace` says. */
  readonly ifNoneMatch?: '*' | undefined
  /**
   * An idempotency token: the server executes a request once per token within a day. 1 to 64
   * visible ASCII characters. By default a random one, which makes the SDK's own retries safe. Pass
   * the same token to repeat a call yourself.
   */
  readonly clientToken?: string | undefined
  /** Stops waiting for the response; the server may have executed the request by then. */
  readonly signal?: AbortSignal | undefined
}

/** A rename of a folder within its bucket. Both names end in `/`. */
export interface FolderRename {
  readonly bucket: string
  readonly from: string
  readonly to: string
}

/** A copy of a folder. Both names end in `/`. */
export interface FolderCopy extends FolderRename {
  /** The bucket of `to`, if it differs. */
  readonly toBucket?: string | undefined
}

/** A folder. Its name ends in `/`. */
export interface FolderName {
  readonly bucket: string
  readonly folder: string
}

/** Options of reading a folder. */
export interface ArchiveOptions {
  /** `zip` by default. */
  readonly format?: 'zip' | 'tar' | undefined
  /** Aborts the reading too. */
  readonly signal?: AbortSignal | undefined
}

/** A folder as an archive stream. */
export interface Archive {
  /** Must be read or cancelled. */
  readonly stream: ReadableStream<Uint8Array>
  readonly contentType: string
}

/** The folder operations of a Holdfast server. */
export interface Folders {
  /**
   * Moves everything under `from` to `to`. Objects keep all their attributes, times and metadata
   * included.
   * @throws FolderNotFoundError, FolderExistsError, TokenMismatchError, RangeError for a name
   *   without its slash, or an error of the SDK, such as KeyTooLongError
   */
  rename(folder: FolderRename, options?: PutFolderOptions): Promise<void>
  /**
   * Copies everything under `from` to `to`, which may lie below it. Throws like `rename`, and
   * NotHoldfastError.
   */
  copy(folder: FolderCopy, options?: PutFolderOptions): Promise<void>
  /**
   * Removes everything under a folder; an empty folder is not an error. If the SDK repeats the
   * request after a lost response, objects written in between are removed too.
   * @throws NotHoldfastError, or an error of the SDK
   */
  remove(folder: FolderName, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
  /**
   * Reads everything under a folder, as of one moment, as an archive.
   * @throws FolderNotFoundError, NotHoldfastError, or an error of the SDK
   */
  archive(folder: FolderName, options?: ArchiveOptions): Promise<Archive>
}

/** The folder operations of the server behind `s3`. */
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
  await withTypedErrors({ from, to, signal: options.signal }, () =>
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
  await withTypedErrors({ from, to, signal: options.signal }, () =>
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
  await withTypedErrors({ from: folder, signal }, () => s3.send(command, sendOptions(signal)))
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
  const { Body, ContentType: contentType = '' } = await withTypedErrors(
    { from: folder, signal },
    () => s3.send(command, sendOptions(signal)),
  )
  const stream = Body?.transformToWebStream()
  if (stream === undefined || contentType !== archiveTypes[format]) {
    await stream?.cancel()
    throw new NotHoldfastError(`The response is ${contentType || 'empty'}, not an archive`)
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

/** A server without folder support ignores the header and doesn't echo it. */
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
    throw new RangeError(`A folder's name must end in "/": ${JSON.stringify(name)}`)
  }
}

interface Attempt {
  readonly from: string
  readonly to?: string
  readonly signal: AbortSignal | undefined
}

async function withTypedErrors<T>(
  { from, to, signal }: Attempt,
  send: () => Promise<T>,
): Promise<T> {
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
