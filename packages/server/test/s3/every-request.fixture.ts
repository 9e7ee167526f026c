// A valid request for every route of the table, made from the table itself, so that no operation is forgotten.

import { createHash } from 'node:crypto'
import {
  copyRoutes,
  folderRoutes,
  type Level,
  renameRoutes,
  table,
} from '../../src/protocol/s3/table.ts'
import type { WireRequest } from '../wire.ts'
import { policyText } from './policy.fixture.ts'

/** The contents of a bucket that the requests name. Beside them, it has `dir/key` and `dir/other`. */
export interface Target {
  readonly bucket: string
  /** Of an upload of `dir/key` in progress. */
  readonly uploadId: string
  /** Of a lease. */
  readonly ticket: number
}

/** A request for a route. */
export interface NamedRequest {
  readonly route: string
  readonly wanted: WireRequest
}

/** A request for every route, against `target`. Copies read from `source`. */
export function everyRequest(target: Target, source: Target = target): NamedRequest[] {
  const requests: NamedRequest[] = []
  for (const level of ['BUCKET', 'OBJECT'] as const) {
    for (const [method, routes] of Object.entries(table[level])) {
      for (const [parameter, route] of Object.entries(routes)) {
        const wanted = requestFor({ level, method, parameter, name: route.name }, target)
        requests.push({ route: route.name, wanted })
        for (const { name, headers, key } of variantsOf(route, source)) {
          const path = `/${target.bucket}/${key}`
          const { body, ...bodiless } = wanted
          // Of all variants, only that of a query takes a body.
          const varied = name.startsWith('Select') ? wanted : bodiless
          requests.push({
            route: name,
            wanted: { ...varied, path, headers: { ...wanted.headers, ...headers } },
          })
        }
      }
    }
  }
  return requests
}

/** The requests that read from `source`, and write to `target`. */
export function everyCopy(target: Target, source: Target): NamedRequest[] {
  return everyRequest(target, source).filter(({ wanted }) => {
    return wanted.headers?.['x-amz-copy-source'] !== undefined
  })
}

type AnyRoute = Parameters<typeof copyRoutes.get>[0]

interface Variant {
  readonly name: string
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
}

/** The routes that headers choose in place of `route`. */
function variantsOf(route: AnyRoute, { bucket }: Target): Variant[] {
  const variants: Variant[] = []
  const recursive = { 'x-holdfast-recursive': 'true' }
  const folder = folderRoutes.get(route)
  if (folder !== undefined) {
    variants.push({ name: `${folder.name} of a folder`, key: 'dir/', headers: recursive })
  }
  const copy = copyRoutes.get(route)
  if (copy !== undefined) {
    const from = { 'x-amz-copy-source': `/${bucket}/dir/other` }
    variants.push({ name: copy.name, key: 'dir/key', headers: from })
    const copyFolder = folderRoutes.get(copy)
    if (copyFolder !== undefined) {
      const headers = { ...recursive, 'x-amz-copy-source': `/${bucket}/dir/` }
      variants.push({ name: copyFolder.name, key: 'copied/', headers })
      const replacing = { ...headers, 'x-holdfast-replace': 'true' }
      variants.push({ name: `${copyFolder.name}, replacing`, key: 'copied/', headers: replacing })
    }
  }
  const rename = renameRoutes.get(route)
  if (rename !== undefined) {
    for (const [from, key] of [
      ['dir/key', 'moved'],
      [`/${bucket}/dir/key`, 'moved'],
      ['dir/', 'moved/'],
      [`${bucket}/dir/`, 'moved/'],
    ] as const) {
      variants.push({
        name: `${rename.name} ${from}`,
        key,
        headers: { 'x-amz-rename-source': from },
      })
    }
  }
  return variants
}

interface TableEntry {
  readonly level: Level
  readonly method: string
  readonly parameter: string
  readonly name: string
}

function requestFor({ level, method, parameter, name }: TableEntry, target: Target): WireRequest {
  const { bucket, uploadId } = target
  const folder = parameter === 'archive' && level === 'OBJECT'
  const key = folder ? 'dir/' : 'dir/key'
  const rest = detailsOf(name, target)
  const query: Record<string, string> = parameter === '' ? {} : { [parameter]: '' }
  if (parameter === 'uploadId' || parameter === 'partNumber') {
    query['uploadId'] = uploadId
    if (method === 'PUT') query['partNumber'] = '1'
  }
  return {
    method,
    path: level === 'BUCKET' ? `/${bucket}` : `/${bucket}/${key}`,
    ...rest,
    query: { ...query, ...rest.query },
  }
}

/** Parameters, headers and bodies without which a request would be refused as malformed. */
function detailsOf(name: string, { bucket, ticket }: Target): Partial<WireRequest> {
  switch (name) {
    case 'ListObjectsV2':
      return { query: { 'list-type': '2' } }
    case 'RenewLease':
    case 'ReleaseLease':
      return { query: { lease: String(ticket) } }
    case 'ArchiveFolder':
    case 'HeadArchive':
      return { query: { archive: 'zip' } }
    case 'GetObjectAttributes':
      return { headers: { 'x-amz-object-attributes': 'ETag' } }
    case 'PutBucketAcl':
      return { headers: { 'x-amz-acl': 'private' } }
    case 'PutObjectAcl':
      return { headers: { 'x-amz-acl': 'bucket-owner-full-control' } }
    case 'RenameObject':
      return { headers: { 'x-amz-rename-source': 'dir/other' } }
    case 'PutObject':
    case 'UploadPart':
      return { body: Buffer.from('attack') }
    case 'SelectObjectContent':
      return { query: { select: '', 'select-type': '2' }, ...document(selection) }
    case 'AcquireLease':
      return document(JSON.stringify({ write: ['dir/key'], ttlMs: 1000 }))
    case 'PutBucketPolicy':
      return document(policyText(bucket, { Action: 's3:*', on: '/*' }))
    default: {
      const text = documents[name]
      return text === undefined ? {} : document(text)
    }
  }
}

function document(text: string): Pick<WireRequest, 'body' | 'headers'> {
  const body = Buffer.from(text)
  return { body, headers: { 'content-md5': createHash('md5').update(body).digest('base64') } }
}

const selection =
  '<SelectObjectContentRequest><Expression>SELECT * FROM S3Object</Expression>' +
  '<ExpressionType>SQL</ExpressionType><InputSerialization><CSV/></InputSerialization>' +
  '<OutputSerialization><CSV/></OutputSerialization></SelectObjectContentRequest>'

const partEtag = createHash('md5').update('part').digest('hex')

const documents: Readonly<Record<string, string>> = {
  DeleteObjects: '<Delete><Object><Key>dir/key</Key></Object></Delete>',
  CompleteMultipartUpload: `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${partEtag}</ETag></Part></CompleteMultipartUpload>`,
  PutBucketAbac: '<AbacStatus><Status>Disabled</Status></AbacStatus>',
  PutBucketAccelerateConfiguration:
    '<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>',
  PutBucketCors:
    '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>',
  PutBucketLogging: '<BucketLoggingStatus/>',
  PutBucketNotificationConfiguration: '<NotificationConfiguration/>',
  PutBucketOwnershipControls:
    '<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>',
  PutBucketRequestPayment:
    '<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>',
  PutBucketWebsite:
    '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>',
  PutBucketTagging: '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>',
  PutObjectTagging: '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>',
  PutPublicAccessBlock: '<PublicAccessBlockConfiguration/>',
}
