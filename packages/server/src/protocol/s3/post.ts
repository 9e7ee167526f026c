// Uploads by an HTML form. The form has a file, fields that describe it, and a policy with the conditions of the
// upload. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html

import type { OutgoingHttpHeaders } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import { s3Limits } from '../../base/limits.ts'
import { type PutObjectInput, putObject, websiteRedirectHeader } from '../../operation/object.ts'
import { run } from '../../operation/run.ts'
import { type Form, readForm, tooMuchBeforeFile } from '../http/form.ts'
import { evaluatePolicy, filenamePlaceholder } from '../sign/post.ts'
import type { Verifier } from '../sign/verifier.ts'
import { XmlWriter } from '../xml/write.ts'
import { type Answer, type Call, emptyAnswer, quoted, xmlAnswer } from './answer.ts'
import { checksumHeader, putChecksumHeaders } from './checksum.ts'
import { describedInForm } from './description.ts'
import { refuseDemands } from './detect.ts'
import { invalidArgument, S3Error } from './error.ts'
import { aclHeaders, cannedHeader, wantedAclOf } from './grant.ts'
import { writeConditions } from './header.ts'
import { refuseBesideForm } from './hoisted-header.ts'
import { objectUrl } from './location.ts'
import { expectedOwners } from './owner.ts'
import { contentMd5 } from './payload.ts'
import { contentOf, headerOf, leaseTicketOf, type S3Request } from './request.ts'
import { signatureOf } from './signature.ts'
import { taggingInField } from './tagging.ts'

/** The name of the operation in logs and metrics. */
export const postObjectName = 'PostObject'

/** True for a form upload, whose signature is in the form. */
export function isFormUpload({
  method,
  key,
  bucket,
  headers,
  query,
}: Pick<S3Request, 'method' | 'bucket' | 'key' | 'headers' | 'query'>): boolean {
  if (method !== 'POST' || bucket === '' || key !== '' || query.parameters.length > 0) return false
  return headers['authorization'] === undefined
}

/** Stores the file of a form if its policy allows it. @throws StoreError, SignError, S3Error */
export async function answerFormUpload(
  request: S3Request,
  verifier: Verifier<Principal>,
  { services, caller }: Call,
): Promise<Answer> {
  refuseBesideForm(request.headers)
  const contentType = headerOf(request, 'content-type')
  if (!/^multipart\/form-data\b/i.test(contentType ?? '')) throw notAForm()
  const template = await readForm(contentOf(request).source, contentType)
  const verified = verifier.verifyForm(template)
  const { principal } = verified
  const form = fillIn(template)
  const headers = fieldsAsHeaders(form)
  const signature = signatureOf(verified, {
    header: (name) => headers[name],
    parameter: () => undefined,
  })
  const lease = leaseTicketOf({ headers })
  const key = keyOf(form)
  const input = decodeForm(request, form, key, services.clock.now())
  const context = {
    ...caller,
    principal,
    signature,
    lease,
    headers: { ...request.headers, ...amzOf(headers) },
    expected: expectedOwners({ headers: { ...request.headers, ...headers } }),
  }
  const output = await run(services, context, putObject, input)
  return encodeForm(request, form, key, output)
}

/** The error for a body that isn't a form. As on S3, its status is that of a failed condition. */
function notAForm(): S3Error {
  return new S3Error({
    status: 412,
    code: 'PreconditionFailed',
    message: 'At least one of the pre-conditions you specified did not hold',
    fields: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' },
  })
}

/** A form with the placeholder of the file's name replaced. */
interface FilledForm extends Form {
  /** The form as sent. */
  readonly template: Form
}

/**
 * Replaces the placeholder of the file's name in all fields. The policy applies to the result.
 * @throws StoreError `FormFieldsTooLarge` if the result is too long
 */
function fillIn(template: Form): FilledForm {
  const { file } = template
  // Some old browsers send whole paths.
  const filename = file.filename?.split(/[/\\]/).at(-1) ?? ''
  let bytes = 0
  const fields = template.fields.map(({ name, value }) => {
    const pieces = value.split(filenamePlaceholder)
    bytes += value.length + (pieces.length - 1) * filename.length
    if (bytes > s3Limits.postFieldBytes) throw tooMuchBeforeFile()
    return { name, value: pieces.join(filename) }
  })
  const values = new Map(fields.map(({ name, value }) => [name.toLowerCase(), value]))
  return { file, fields, get: (name) => values.get(name), template }
}

function keyOf(form: Form): string {
  const key = form.get('key')
  if (key !== undefined && key !== '') return key
  throw invalidArgument(
    "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    'key',
    '',
  )
}

function decodeForm(
  request: S3Request,
  form: FilledForm,
  key: string,
  nowMs: number,
): PutObjectInput {
  const headers = fieldsAsHeaders(form)
  const accepts = new Set([websiteRedirectHeader, ...aclHeaders])
  refuseDemands(headers, { isLeased: true, accepts })
  const { bucket } = request
  const range = allowedSize(form, bucket, nowMs)
  const checksum = checksumHeader({ headers })
  return {
    bucket,
    key,
    ...describedInForm(form.fields),
    tags: headers['tagging'] === undefined ? undefined : taggingInField(headers['tagging']),
    acl: wantedAclOf({ headers, findOwner: request.findOwner }, 'object'),
    conditions: writeConditions({ headers }),
    body: {
      source: form.file.source,
      sizeBytes: undefined,
      md5: contentMd5({ headers }),
      checksum:
        checksum === undefined
          ? undefined
          : { algorithm: checksum.algorithm, expected: () => checksum.value },
      sizeRange: range,
    },
  }
}

/** The fields by name in lower case, in place of headers. */
function fieldsAsHeaders(form: Form): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { name, value } of form.fields) headers[name.toLowerCase()] = value
  const acl = headers['acl']
  if (acl !== undefined) headers[cannedHeader] = acl
  return headers
}

/** The fields that act as S3's own headers. Other headers can't be set by fields. */
function amzOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers)
  return Object.fromEntries(entries.filter(([name]) => name.startsWith('x-amz-')))
}

/** The allowed size of the file by the policy. @throws SignError `PolicyNotMet`, `InvalidPolicyDocument` */
function allowedSize(
  { template, ...form }: FilledForm,
  bucket: string,
  nowMs: number,
): { readonly minimum: number; readonly maximum: number } {
  const policy = form.get('policy')
  if (policy === undefined) return { minimum: 0, maximum: s3Limits.singlePutBytes }
  const { minimumBytes, maximumBytes } = evaluatePolicy(policy, form, { bucket, nowMs, template })
  return { minimum: minimumBytes, maximum: maximumBytes }
}

function encodeForm(
  request: S3Request,
  form: Form,
  key: string,
  output: { readonly etag: string; readonly checksum?: Parameters<typeof putChecksumHeaders>[1] },
): Answer {
  const { bucket } = request
  const etag = quoted(output.etag)
  const location = objectUrl(request, key)
  const headers: OutgoingHttpHeaders = { ETag: etag }
  putChecksumHeaders(headers, output.checksum)
  const redirect = redirectOf(form)
  if (redirect !== undefined) {
    redirect.searchParams.set('bucket', bucket)
    redirect.searchParams.set('key', key)
    redirect.searchParams.set('etag', etag)
    return emptyAnswer(303, { ...headers, Location: redirect.href })
  }
  headers['Location'] = location
  const status = form.get('success_action_status')
  if (status === '200') return emptyAnswer(200, headers)
  if (status !== '201') return emptyAnswer(204, headers)
  const xml = new XmlWriter().open('PostResponse').element('Location', location)
  xml.element('Bucket', bucket).element('Key', key).element('ETag', etag).close('PostResponse')
  return { ...xmlAnswer(xml.toString(), headers), status: 201 }
}

/** The URL of the redirect. As on S3, an invalid URL is ignored. */
function redirectOf(form: Form): URL | undefined {
  const text = form.get('success_action_redirect') ?? form.get('redirect')
  if (text === undefined || !/^https?:\/\//i.test(text)) return undefined
  return URL.parse(text) ?? undefined
}
