// A bucket's CORS configuration on the wire. Its use for requests of other origins is in cross-origin.ts.

import { type CorsMethod, type CorsRule, corsMethods } from '../../access/cors.ts'
import { s3Limits } from '../../base/limits.ts'
import type { BucketAddress } from '../../operation/bucket.ts'
import type { PutSettingInput } from '../../operation/bucket-setting.ts'
import {
  type CorsSetting,
  deleteBucketCors,
  getBucketCors,
  putBucketCors,
} from '../../operation/cors.ts'
import { malformedXml, type XmlElement } from '../xml/parse.ts'
import type { XmlWriter } from '../xml/write.ts'
import { documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { invalidRequest } from './error.ts'
import { headerToken } from './header-text.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { bucketOf, noSetting } from './setting.ts'

export const getBucketCorsRoute: Route = route(getBucketCors, bucketOf, (found, { bucket }) => {
  if (found === undefined) {
    throw noSetting(bucket, 'NoSuchCORSConfiguration', 'The CORS configuration does not exist')
  }
  return documentAnswer('CORSConfiguration', (xml) => {
    for (const rule of found.rules) writeRule(xml, rule)
  })
})

export const putBucketCorsRoute: Route = route(
  putBucketCors,
  async (request): Promise<PutSettingInput<CorsSetting>> => ({
    ...bucketOf(request),
    setting: { rules: await corsRulesOf(request) },
  }),
  () => emptyAnswer(200),
)

export const deleteBucketCorsRoute: Route = route(
  deleteBucketCors,
  (request): BucketAddress => bucketOf(request),
  () => emptyAnswer(204),
)

/** The rules in a request's body. @throws StoreError `MalformedXml`; S3Error `InvalidRequest` */
async function corsRulesOf(request: S3Request): Promise<readonly CorsRule[]> {
  const document = await documentOf(request, { isRequired: true })
  const rules = document?.children ?? []
  if (document?.name !== 'CORSConfiguration' || rules.length === 0) throw malformedXml()
  if (rules.length > s3Limits.corsRules) {
    throw invalidRequest(
      `The number of CORS rules should not exceed allowed limit of ${s3Limits.corsRules} rules.`,
    )
  }
  return rules.map(decodeRule)
}

/** The elements of a rule, and whether there can be several. */
const ruleElements: ReadonlyMap<string, 'one' | 'many'> = new Map([
  ['ID', 'one'],
  ['AllowedOrigin', 'many'],
  ['AllowedMethod', 'many'],
  ['AllowedHeader', 'many'],
  ['ExposeHeader', 'many'],
  ['MaxAgeSeconds', 'one'],
])

function decodeRule(element: XmlElement): CorsRule {
  if (element.name !== 'CORSRule') throw malformedXml()
  const texts = new Map<string, string[]>()
  for (const { name, text, children } of element.children) {
    const found = texts.get(name) ?? []
    const isKnown = ruleElements.get(name) === 'many' || (ruleElements.has(name) && !found[0])
    if (!isKnown || children.length > 0) throw malformedXml()
    texts.set(name, [...found, text.trim()])
  }
  const all = (name: string): readonly string[] => texts.get(name) ?? []
  const rule = {
    id: checkId(all('ID')[0]),
    allowedOrigins: all('AllowedOrigin').map((origin) => checkPattern('AllowedOrigin', origin)),
    allowedMethods: all('AllowedMethod').map(checkMethod),
    allowedHeaders: all('AllowedHeader').map((header) => checkPattern('AllowedHeader', header)),
    exposeHeaders: all('ExposeHeader').map(checkExposed),
    maxAgeSeconds: parseSeconds(all('MaxAgeSeconds')[0]),
  }
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0) throw malformedXml()
  return rule
}

function checkId(id: string | undefined): string | undefined {
  if (id === undefined || id.length <= s3Limits.ruleIdLength) return id
  throw invalidRequest(
    `The ID of a rule can not have more than ${s3Limits.ruleIdLength} characters.`,
  )
}

function checkPattern(name: string, pattern: string): string {
  if (pattern.split('*').length <= 2) return pattern
  throw invalidRequest(`${name} "${pattern}" can not have more than one wildcard.`)
}

function checkMethod(text: string): CorsMethod {
  const method = corsMethods.find((candidate) => candidate === text)
  if (method !== undefined) return method
  throw invalidRequest(
    `Found unsupported HTTP method in CORS config. Unsupported method is ${text}`,
  )
}

function checkExposed(name: string): string {
  if (name.includes('*')) {
    throw invalidRequest(
      `ExposeHeader "${name}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    )
  }
  if (headerToken.test(name)) return name
  throw invalidRequest(`ExposeHeader "${name}" is not the name of a header.`)
}

function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= 2_147_483_647) return seconds
  throw malformedXml()
}

function writeRule(xml: XmlWriter, rule: CorsRule): void {
  xml.open('CORSRule').element('ID', rule.id)
  for (const origin of rule.allowedOrigins) xml.element('AllowedOrigin', origin)
  for (const method of rule.allowedMethods) xml.element('AllowedMethod', method)
  for (const header of rule.allowedHeaders) xml.element('AllowedHeader', header)
  for (const header of rule.exposeHeaders) xml.element('ExposeHeader', header)
  xml.element('MaxAgeSeconds', rule.maxAgeSeconds).close('CORSRule')
}
