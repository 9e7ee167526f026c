// Object records, the values of object rows in the tree: metadata, and where the body is. Records
// are msgpack maps with short keys; an absent field has its default.

import { Packr } from 'msgpackr'
import { type Acl, type Grantee, isGroup, isPermission } from '../../access/acl.ts'
import type { Bytes } from '../../base/bytes.ts'
import {
  asBlobId,
  type BlobId,
  type ChecksumAlgorithm,
  type ChecksumType,
} from '../../base/terms.ts'

/** A checksum in S3's format. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** Base64; for COMPOSITE followed by `-N`, the number of parts. */
  readonly value: string
}

/** A tag of an object or a bucket. */
export interface Tag {
  readonly key: string
  readonly value: string
}

/**
 * The location of an object's bytes: none (an empty object), a row of the engine, a blob, or the
 * blobs of a manifest. Rows that hold a body count as references to it (`body.ts`). The checksum of a
 * row's bytes is absent where a version without checksums wrote the reference.
 */
export type Body =
  | { readonly kind: 'empty' }
  | { readonly kind: 'row'; readonly id: number; readonly crc32?: number | undefined }
  | { readonly kind: 'blob'; readonly id: BlobId }
  | { readonly kind: 'manifest'; readonly id: number; readonly parts: number }

/** One object version: everything that HEAD returns, and the location of the body. */
export interface ObjectRecord {
  /** The ETag without quotes: the MD5 in hex, or `md5-of-md5s-N`. */
  readonly etag: string
  readonly sizeBytes: number
  /** Milliseconds since the Unix epoch; the protocols show seconds or milliseconds. */
  readonly modifiedAt: number
  readonly ownerId: string
  readonly body: Body
  readonly storageClass: string
  /** System headers (`content-type`, …) by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly checksum?: Checksum | undefined
  /** The upload completed here, with its key, so that a repeated completion is recognized. */
  readonly completion?: string | undefined
  /** The object's tags, in the order in which they were set; absent for none. */
  readonly tags?: readonly Tag[] | undefined
  /** The object's access control list; absent for a private object. */
  readonly acl?: Acl | undefined
}

/** The values of a folder copy that replace those of all rows shared with its source. */
export interface Override {
  readonly modifiedAt: number
  readonly ownerId: string
}

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Encodes any record of the store. */
export function pack(value: object): Buffer {
  return packr.pack(value)
}

/**
 * Decodes the output of {@link pack}. The caller names the type, which the row's key space
 * determines.
 */
export function unpack<T>(bytes: Bytes): T {
  return packr.unpack(bytes) as T
}

interface PackedObject {
  e: string
  s: number
  m: number
  o: string
  b?: [number, number | string, number?]
  c?: string
  h?: Record<string, string>
  u?: Record<string, string>
  k?: [ChecksumAlgorithm, ChecksumType, string]
  r?: string
  /** Keys and values by turns: a map could not hold every key, nor keep their order. */
  t?: string[]
  /** Permissions and grantees by turns: an owner's id behind `=`, or a group. */
  a?: string[]
}

const bodyCodes = { empty: 0, row: 1, blob: 2, manifest: 3 } as const

function packBody(body: Body): PackedObject['b'] | undefined {
  switch (body.kind) {
    case 'empty':
      return undefined
    case 'manifest':
      return [bodyCodes.manifest, body.id, body.parts]
    case 'row':
      if (body.crc32 !== undefined) return [bodyCodes.row, body.id, body.crc32]
      return [bodyCodes.row, body.id]
    case 'blob':
      return [bodyCodes.blob, body.id]
  }
}

function unpackBody(packed: PackedObject['b']): Body {
  if (packed === undefined) return { kind: 'empty' }
  const [code, id, third] = packed
  if (code === bodyCodes.blob && typeof id === 'string') return { kind: 'blob', id: asBlobId(id) }
  if (code === bodyCodes.row && typeof id === 'number') {
    return third === undefined ? { kind: 'row', id } : { kind: 'row', id, crc32: third }
  }
  if (code === bodyCodes.manifest && typeof id === 'number' && third !== undefined) {
    return { kind: 'manifest', id, parts: third }
  }
  throw new Error(`malformed body reference: ${JSON.stringify(packed)}`)
}

export function encodeObject(record: ObjectRecord): Buffer {
  const packed: PackedObject = {
    e: record.etag,
    s: record.sizeBytes,
    m: record.modifiedAt,
    o: record.ownerId,
  }
  const body = packBody(record.body)
  if (body !== undefined) packed.b = body
  if (record.storageClass !== 'STANDARD') packed.c = record.storageClass
  if (Object.keys(record.headers).length > 0) packed.h = { ...record.headers }
  if (Object.keys(record.metadata).length > 0) packed.u = { ...record.metadata }
  const { checksum, completion, tags, acl } = record
  if (checksum !== undefined) packed.k = [checksum.algorithm, checksum.type, checksum.value]
  if (completion !== undefined) packed.r = completion
  if (tags !== undefined && tags.length > 0) packed.t = packTags(tags)
  if (acl !== undefined) packed.a = packAcl(acl)
  return pack(packed)
}

/** Decodes an object's row, as seen through `override` if a folder copy shares the row. */
export function decodeObject(bytes: Bytes, override?: Override): ObjectRecord {
  const packed = unpack<PackedObject>(bytes)
  return {
    etag: packed.e,
    sizeBytes: packed.s,
    modifiedAt: override?.modifiedAt ?? packed.m,
    ownerId: override?.ownerId ?? packed.o,
    body: unpackBody(packed.b),
    storageClass: packed.c ?? 'STANDARD',
    headers: packed.h ?? {},
    metadata: packed.u ?? {},
    checksum:
      packed.k === undefined
        ? undefined
        : { algorithm: packed.k[0], type: packed.k[1], value: packed.k[2] },
    completion: packed.r,
    tags: packed.t === undefined ? undefined : unpackTags(packed.t),
    // The list of the source isn't that of a copy.
    acl: packed.a === undefined || override !== undefined ? undefined : unpackAcl(packed.a),
  }
}

function packTags(tags: readonly Tag[]): string[] {
  return tags.flatMap(({ key, value }) => [key, value])
}

function unpackTags(packed: readonly string[]): Tag[] {
  const tags: Tag[] = []
  for (let at = 0; at < packed.length; at += 2) {
    tags.push({ key: packed[at] ?? '', value: packed[at + 1] ?? '' })
  }
  return tags
}

function packAcl({ grants }: Acl): string[] {
  return grants.flatMap(({ grantee, permission }) => [
    permission,
    grantee.kind === 'owner' ? `=${grantee.id}` : grantee.group,
  ])
}

function unpackAcl(packed: readonly string[]): Acl {
  const grants: Acl['grants'][number][] = []
  for (let at = 0; at < packed.length; at += 2) {
    const permission = packed[at] ?? ''
    const grantee = granteeOf(packed[at + 1] ?? '')
    if (!isPermission(permission) || grantee === undefined) {
      throw new Error(`malformed access control list: ${JSON.stringify(packed)}`)
    }
    grants.push({ grantee, permission })
  }
  return { grants }
}

function granteeOf(text: string): Grantee | undefined {
  if (text.startsWith('=')) return { kind: 'owner', id: text.slice(1) }
  return isGroup(text) ? { kind: 'group', group: text } : undefined
}
