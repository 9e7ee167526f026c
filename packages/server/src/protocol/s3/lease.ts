// Leases: JSON requests and responses on `?lease` of a bucket, with errors in S3's form.

import { leaseLimits } from '../../base/limits.ts'
import {
  type AcquireLeaseInput,
  acquireLease,
  type LeaseInput,
  type LeaseOutput,
  leaseNotGranted,
  listLeases,
  releaseLease,
  renewLease,
} from '../../operation/lease.ts'
import { type Answer, emptyAnswer, type Route, route } from './answer.ts'
import { invalidArgument, invalidRequest } from './error.ts'
import { jsonOf } from './payload.ts'
import { clientTokenOf, parseTicket, type S3Request, wholeNumber } from './request.ts'

/** The default lifetime of a lease, in milliseconds. */
const defaultTtlMs = 30_000

export const acquireLeaseRoute: Route = route(acquireLease, decodeAcquire, (output) => {
  if ('lease' in output) return jsonAnswer(shown(output.lease))
  throw leaseNotGranted(output.blockedBy, output.ticket)
})

export const renewLeaseRoute: Route = route(renewLease, decodeRenew, (lease) =>
  jsonAnswer(shown(lease)),
)

export const releaseLeaseRoute: Route = route(releaseLease, leaseOf, () => emptyAnswer(204))

export const listLeasesRoute: Route = route(
  listLeases,
  ({ bucket, query }) => {
    const after = query.get('after')
    return { bucket, after: wholeNumber('after', after, { minimum: 0, maximum: 1e15 }) ?? 0 }
  },
  ({ leases, nextAfter }) =>
    jsonAnswer({
      leases: leases.map((lease) => ({ ...shown(lease), blockedBy: lease.blockedBy })),
      nextAfter,
    }),
)

function leaseOf({ bucket, query }: S3Request): LeaseInput {
  return { bucket, ticket: parseTicket('lease', query.get('lease') ?? '') }
}

async function decodeAcquire(request: S3Request): Promise<AcquireLeaseInput> {
  const known = ['read', 'write', 'ttlMs', 'waitMs', 'label'] as const
  const body = fieldsOf(await jsonOf(request, { isRequired: true }), known)
  return {
    bucket: request.bucket,
    read: pathsOf('read', body.read),
    write: pathsOf('write', body.write),
    ttlMs: millisecondsOf('ttlMs', body.ttlMs) ?? defaultTtlMs,
    waitMs: millisecondsOf('waitMs', body.waitMs) ?? 0,
    label: labelOf(body.label),
    clientToken: clientTokenOf(request),
  }
}

async function decodeRenew(
  request: S3Request,
): Promise<LeaseInput & { readonly ttlMs: number | undefined }> {
  const lease = leaseOf(request)
  const body = fieldsOf((await jsonOf(request, { isRequired: false })) ?? {}, ['ttlMs'])
  return { ...lease, ttlMs: millisecondsOf('ttlMs', body.ttlMs) }
}

/** The fields of a JSON object. @throws S3Error `InvalidArgument` for an unknown field, `InvalidRequest` */
function fieldsOf<Name extends string>(
  value: unknown,
  known: readonly Name[],
): Partial<Record<Name, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest('The request body is not a JSON object.')
  }
  const fields: Partial<Record<Name, unknown>> = {}
  for (const [name, field] of Object.entries(value)) {
    const found = known.find((one) => one === name)
    if (found === undefined) throw invalidArgument('A lease has no such field.', name, '')
    fields[found] = field
  }
  return fields
}

function pathsOf(name: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > leaseLimits.paths) {
    throw invalidArgument(`${name} must be a list of at most ${leaseLimits.paths} paths.`, name, '')
  }
  return value.map((path: unknown) => {
    if (typeof path === 'string' && path.isWellFormed()) return path
    throw invalidArgument('A path must be a string of Unicode characters.', name, String(path))
  })
}

function millisecondsOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalidArgument(`${name} must be a whole number of milliseconds.`, name, String(value))
}

function labelOf(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string' && value.isWellFormed()) return value
  throw invalidArgument('label must be a string of Unicode characters.', 'label', String(value))
}

function shown(lease: LeaseOutput): object {
  const { ticket, state, paths, label, ttlMs, expiresAt, createdAt } = lease
  return {
    ticket,
    state,
    ...paths,
    label,
    ttlMs,
    expiresAt: new Date(expiresAt).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
  }
}

function jsonAnswer(value: object): Answer {
  const headers = { 'Content-Type': 'application/json' }
  return { status: 200, headers, body: JSON.stringify(value) }
}
