// The export API, which Amazon added in 2026: JSON under `/v2/`, signed with Version 4.

import { isStoreError } from '../../base/errors.ts'
import {
  type ExportRecord,
  getExport,
  listExports,
  type StartExportInput,
  startDomainExport,
} from '../../operation/export.ts'
import { run } from '../../operation/run.ts'
import type { Call } from './answer.ts'
import { bucketDenied, failureWire } from './error/export.ts'
import { SimpleDbError } from './error.ts'

type Fields = Readonly<Record<string, unknown>>

/** An action of the export API, with JSON input and output. */
export interface ExportAction {
  readonly name: string
  answer(fields: Fields, call: Call): Promise<Fields>
}

const pageExports = 100

const actions: readonly ExportAction[] = [
  {
    name: 'StartDomainExport',
    async answer(fields, { services, caller }) {
      const input = decodeStart(fields, caller)
      const record = await run(services, caller, startDomainExport, input).catch((error) => {
        throw isStoreError(error, 'AccessDenied') ? s3AccessDenied(error) : error
      })
      return {
        clientToken: record.clientToken,
        exportArn: record.arn,
        requestedAt: record.requestedAt / 1000,
      }
    },
  },
  {
    name: 'GetExport',
    async answer(fields, { services, caller }) {
      const arn = needText(fields, 'exportArn', exportArn)
      const record = await run(services, caller, getExport, { arn })
      return {
        exportArn: record.arn,
        clientToken: record.clientToken,
        exportStatus: record.status,
        domainName: record.domain,
        requestedAt: record.requestedAt / 1000,
        s3Bucket: record.bucket,
        s3KeyPrefix: record.keyPrefix,
        ...failureOf(record),
        exportManifest: record.manifestKey,
        itemsCount: record.items,
        exportDataCutoffTime: record.cutoffAt === undefined ? undefined : record.cutoffAt / 1000,
      }
    },
  },
  {
    name: 'ListExports',
    async answer(fields, { services, caller }) {
      const { exports, nextToken } = await run(services, caller, listExports, {
        domain: findText(fields, 'domainName', domainName),
        limit: decodeLimit(fields['maxResults']),
        nextToken: findText(fields, 'nextToken', nextTokenForm),
      })
      const exportSummaries = exports.map((record) => ({
        exportArn: record.arn,
        exportStatus: record.status,
        requestedAt: record.requestedAt / 1000,
        domainName: record.domain,
      }))
      return { exportSummaries, nextToken }
    },
  },
]

/** The action that a path names. @throws SimpleDbError `UnknownOperationException` */
export function findExportAction(path: string): ExportAction {
  const action = actions.find(({ name }) => path === `/v2/${name}`)
  if (action !== undefined) return action
  throw new SimpleDbError({
    status: 404,
    code: 'UnknownOperationException',
    message: 'Unknown operation.',
  })
}

/** The fields in a request's body. @throws SimpleDbError `SerializationException` */
export function parseFields(body: string): Fields {
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new SimpleDbError({
    status: 400,
    code: 'SerializationException',
    message: 'Not a JSON object.',
  })
}

/** The code in this API's models. */
export function exceptionName(code: string): string {
  return modelled.has(code) ? `${code}Exception` : code
}

const modelled: ReadonlySet<string> = new Set([
  'InvalidNextToken',
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'NoSuchDomain',
])

/** The error for a bucket of another owner, or with another owner than expected. */
function s3AccessDenied(cause?: unknown, code = bucketDenied.code): SimpleDbError {
  return new SimpleDbError({ ...bucketDenied, code }, { cause })
}

/** The fields with the reason of a failed export. */
function failureOf({ failure }: ExportRecord): Fields {
  if (failure === undefined) return {}
  const { code, message } = failureWire(failure)
  return { failureCode: exceptionName(code), failureMessage: message }
}

/** The required form of a text, in the words of the guide's list of errors. */
interface TextForm {
  /** The parameter's name in messages. */
  readonly name: string
  readonly least: number
  readonly most: number
  readonly form?: readonly [pattern: RegExp, rule: string]
}

const domainName: TextForm = {
  name: 'DomainName',
  least: 3,
  most: 255,
  form: [/^[\w.-]+$/, 'must only contain letters, numbers, underscores, periods, and hyphens'],
}
const clientToken: TextForm = {
  name: 'ClientToken',
  least: 1,
  most: 128,
  form: [/^[!-~]+$/, 'must only contain ASCII characters in the range of 33-126, inclusive'],
}
const exportArn: TextForm = {
  name: 'ExportArn',
  least: 20,
  most: 2048,
  form: [/^arn:aws/, 'must be a valid Amazon SimpleDB Domain Export ARN'],
}
const nextTokenForm: TextForm = {
  name: 'NextToken',
  least: 1,
  most: 2048,
  form: [/^[\w=-]+$/, 'must only contain letters, numbers, underscores, hyphens, and equals signs'],
}
const bucketName: TextForm = { name: 'S3BucketName', least: 3, most: 63 }
const keyPrefixForm: TextForm = { name: 'S3KeyPrefix', least: 1, most: 850 }
const bucketOwner: TextForm = {
  name: 'S3BucketOwner',
  least: 1,
  most: 2048,
  form: [/^\d{12}$/, 'must be a valid AWS account ID'],
}

function decodeStart(fields: Fields, { principal, requestId }: Call['caller']): StartExportInput {
  refuseEncryption(fields)
  const keyPrefix = findText(fields, 's3KeyPrefix', keyPrefixForm)
  const input = {
    clientToken: findText(fields, 'clientToken', clientToken) ?? requestId,
    domain: needText(fields, 'domainName', domainName),
    bucket: needText(fields, 's3Bucket', bucketName),
    keyPrefix: keyPrefix?.replace(/\/+$/, ''),
  }
  const owner = fields['s3BucketOwner']
  // Only the caller's own buckets can be exported to.
  if (owner !== undefined && owner !== null && owner !== principal?.owner.id) {
    needText(fields, 's3BucketOwner', bucketOwner)
    throw s3AccessDenied(undefined, 'S3InvalidBucketOwnerAWSAccountID')
  }
  return input
}

/** Refuses all settings of encryption, which would be ignored. */
function refuseEncryption({ s3SseAlgorithm, s3SseKmsKeyId }: Fields): void {
  const [algorithm, key] = [s3SseAlgorithm ?? undefined, s3SseKmsKeyId ?? undefined]
  if (algorithm !== undefined && algorithm !== 'AES256' && algorithm !== 'KMS') {
    throw invalid('S3SseAlgorithm', algorithm, 'can only be AES256 or KMS')
  }
  if (key !== undefined && algorithm !== 'KMS') {
    throw new SimpleDbError({
      status: 400,
      code: 'InvalidParameterCombinationException',
      message: 'Parameter S3SseKmsKeyId must be provided only when S3SseAlgorithm is KMS.',
    })
  }
  if (algorithm !== undefined) {
    throw invalid('S3SseAlgorithm', algorithm, 'is not available on this server')
  }
}

function decodeLimit(value: unknown): number {
  if (value === undefined || value === null) return pageExports
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= pageExports) {
    return value
  }
  throw invalid('MaxResults', value, `must be between 1 and ${pageExports}`)
}

function findText(fields: Fields, field: string, wanted: TextForm): string | undefined {
  const value = fields[field]
  if (value === undefined || value === null) return undefined
  return textOf(value, wanted)
}

function needText(fields: Fields, field: string, wanted: TextForm): string {
  return textOf(fields[field] ?? '', wanted)
}

function textOf(value: unknown, { name, least, most, form }: TextForm): string {
  if (typeof value !== 'string' || value.length < least || value.length > most) {
    throw invalid(name, value, `must be between ${least} and ${most} characters long`)
  }
  if (form !== undefined && !form[0].test(value)) throw invalid(name, value, form[1])
  return value
}

/** The number of characters of a value in an error. */
const shownLength = 2048

function invalid(name: string, value: unknown, rule: string): SimpleDbError {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return new SimpleDbError({
    status: 400,
    code: 'InvalidParameterValueException',
    message: `Value (${text.slice(0, shownLength)}) for parameter ${name} is invalid. ${name} ${rule}.`,
  })
}
