// The export API, which Amazon added in 2026: JSON under `/v2/`, signed with Version 4.

import {
  getExport,
  listExports,
  type StartExportInput,
  startDomainExport,
} from '../../operation/export.ts'
import { run } from '../../operation/run.ts'
import type { Call } from './answer.ts'
import { failureOf } from './error/export.ts'
import { SimpleDbError } from './error.ts'

type Fields = Readonly<Record<string, unknown>>

/** One call of the export API: JSON in, JSON out. */
export interface ExportAction {
  readonly name: string
  answer(fields: Fields, call: Call): Promise<Fields>
}

const pageExports = 100

const actions: readonly ExportAction[] = [
  {
    name: 'StartDomainExport',
    async answer(fields, { services, caller }) {
      const record = await run(services, caller, startDomainExport, decodeStart(fields, caller))
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
      const arn = needText(fields, 'exportArn', { least: 20, most: 2048 })
      const record = await run(services, caller, getExport, { arn })
      return {
        exportArn: record.arn,
        clientToken: record.clientToken,
        exportStatus: record.status,
        domainName: record.domain,
        requestedAt: record.requestedAt / 1000,
        s3Bucket: record.bucket,
        s3KeyPrefix: record.keyPrefix,
        ...failureOf(record.failure),
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
        domain: findText(fields, 'domainName', { least: 3, most: 255 }),
        limit: decodeLimit(fields['maxResults']),
        nextToken: findText(fields, 'nextToken', { least: 0, most: 4096 }),
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

/** The code as this API's models name it. */
export function exceptionName(code: string): string {
  return modelled.has(code) ? `${code}Exception` : code
}

const modelled: ReadonlySet<string> = new Set([
  'InvalidNextToken',
  'InvalidParameterCombination',
  'InvalidParameterValue',
  'NoSuchDomain',
])

function decodeStart(fields: Fields, { requestId }: Call['caller']): StartExportInput {
  for (const name of ['s3SseAlgorithm', 's3SseKmsKeyId', 's3BucketOwner']) {
    if (fields[name] === undefined || fields[name] === null) continue
    // To take it and not to do it would be a silent lie.
    throw invalid(name, 'It is not available here.')
  }
  const keyPrefix = findText(fields, 's3KeyPrefix', { least: 1, most: 850 })
  return {
    clientToken: findText(fields, 'clientToken', { least: 1, most: 256 }) ?? requestId,
    domain: needText(fields, 'domainName', { least: 3, most: 255 }),
    bucket: needText(fields, 's3Bucket', { least: 3, most: 255 }),
    keyPrefix: keyPrefix?.replace(/\/+$/, ''),
  }
}

function decodeLimit(value: unknown): number {
  if (value === undefined || value === null) return pageExports
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= pageExports) {
    return value
  }
  throw invalid('maxResults', `It must be from 1 to ${pageExports}.`)
}

interface Bounds {
  readonly least: number
  readonly most: number
}

function findText(fields: Fields, name: string, { least, most }: Bounds): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value.length >= least && value.length <= most) return value
  throw invalid(name, `It must be a text of ${least} to ${most} characters.`)
}

function needText(fields: Fields, name: string, bounds: Bounds): string {
  const value = findText(fields, name, bounds)
  if (value === undefined) throw invalid(name, 'It is missing.')
  return value
}

function invalid(name: string, problem: string): SimpleDbError {
  return new SimpleDbError({
    status: 400,
    code: 'InvalidParameterValueException',
    message: `The parameter ${name} is invalid. ${problem}`,
  })
}
