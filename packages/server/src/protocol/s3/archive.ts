// Downloads of a folder as an archive: GetObject of a key that ends in '/', with `archive=zip` or `archive=tar`.
// The archive is created while it is sent, so that its length is unknown.

import type { OutgoingHttpHeaders } from 'node:http'
import { text, utf8 } from '../../base/bytes.ts'
import {
  type Archive,
  type ArchivedObject,
  type ArchiveInput,
  archiveFolder,
  headArchive,
} from '../../operation/archive.ts'
import type { ArchiveEntries, ArchiveEntry } from '../archive/entry.ts'
import { encodeFolderName, encodeName } from '../archive/name.ts'
import { tar } from '../archive/tar.ts'
import { zip } from '../archive/zip.ts'
import { type Route, route } from './answer.ts'
import { responseOverrides } from './description.ts'
import { invalidArgument, invalidRequest } from './error.ts'
import type { S3Request } from './request.ts'

const forms = {
  zip: { write: zip, type: 'application/zip' },
  tar: { write: tar, type: 'application/x-tar' },
} as const

interface ArchiveRequest extends ArchiveInput {
  readonly form: keyof typeof forms
  readonly headers: OutgoingHttpHeaders
}

/** Sends a folder as an archive. */
export const archiveFolderRoute: Route = route(
  archiveFolder,
  decode,
  (archive, _request, { form, headers }) => {
    const source = forms[form].write(entriesOf(archive))
    const close = async (): Promise<void> => {
      await source.return(undefined)
      await archive.close()
    }
    return {
      status: 200,
      headers,
      body: { content: { kind: 'stream', source, close }, sizeBytes: undefined },
    }
  },
  (archive) => archive.close(),
)

/** Answers with the headers of {@link archiveFolderRoute}, without the archive. */
export const headArchiveRoute: Route = route(
  headArchive,
  decode,
  (_nothing, _request, { headers }) => ({
    status: 200,
    headers: { ...headers, 'Transfer-Encoding': 'chunked' },
  }),
)

/** @throws S3Error `InvalidArgument`, `InvalidRequest` */
function decode(request: S3Request): ArchiveRequest {
  const { bucket, key, query } = request
  const form = query.get('archive') ?? ''
  if (form !== 'zip' && form !== 'tar') {
    throw invalidArgument('An archive is zip or tar.', 'archive', form)
  }
  if (!key.endsWith('/')) {
    throw invalidRequest('Only a folder has an archive: a key that ends in "/".')
  }
  const headers: OutgoingHttpHeaders = {
    'Content-Type': forms[form].type,
    'Content-Disposition': disposition(key, form),
    'Accept-Ranges': 'none',
    ...responseOverrides(request),
  }
  return { bucket, folder: key, form, headers }
}

/** Content-Disposition with the folder's name, in ASCII and in UTF-8 (RFC 6266). */
function disposition(folder: string, form: string): string {
  const name = folder.split('/').at(-2) || 'archive'
  const plain = name.replace(/[^\w .()+,-]/g, '_')
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}.${form}"; filename*=UTF-8''${encoded}.${form}`
}

function entriesOf(archive: Archive): ArchiveEntries {
  return async function* (options) {
    for await (const object of archive.objects(options)) yield entryOf(object)
  }
}

function entryOf(object: ArchivedObject): ArchiveEntry {
  const { sizeBytes, modifiedAt, checksum, content } = object
  const key = text(object.key)
  // Many clients represent an empty folder by an empty object whose key ends in '/'.
  const isFolder = key.endsWith('/') && sizeBytes === 0
  const name = utf8(isFolder ? encodeFolderName(key) : encodeName(key, object))
  if (sizeBytes === 0) {
    return { name, isFolder, sizeBytes, modifiedAt, crc32: 0, content: new Uint8Array() }
  }
  const isCrc32 = checksum?.algorithm === 'CRC32' && checksum.type === 'FULL_OBJECT'
  const crc32 = isCrc32 ? Buffer.from(checksum.value, 'base64').readUInt32BE() : undefined
  return { name, isFolder, sizeBytes, modifiedAt, crc32, content }
}
