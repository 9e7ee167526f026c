// A bucket's website configuration on the wire. protocol/website/ serves the websites.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html

import { s3Limits } from '../../base/limits.ts'
import type { PutSettingInput } from '../../operation/bucket-setting.ts'
import {
  deleteBucketWebsite,
  getBucketWebsite,
  putBucketWebsite,
  type Redirect,
  type RoutingRule,
  type Website,
  type WebsiteScheme,
} from '../../operation/website.ts'
import { malformedXml, type XmlElement } from '../xml/parse.ts'
import type { XmlWriter } from '../xml/write.ts'
import { documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { invalidArgument, invalidRequest } from './error.ts'
import { documentOf } from './payload.ts'
import { bucketOf, noSetting } from './setting.ts'

export const getBucketWebsiteRoute: Route = route(
  getBucketWebsite,
  bucketOf,
  (website, { bucket }) => {
    if (website === undefined) throw noWebsite(bucket)
    return documentAnswer('WebsiteConfiguration', (xml) => writeWebsite(xml, website))
  },
)

/** The refusal for a bucket that isn't a website. */
export function noWebsite(bucket: string): Error {
  const message = 'The specified bucket does not have a website configuration'
  return noSetting(bucket, 'NoSuchWebsiteConfiguration', message)
}

export const putBucketWebsiteRoute: Route = route(
  putBucketWebsite,
  async (request): Promise<PutSettingInput<Website>> => {
    const document = await documentOf(request, { isRequired: true })
    if (document === undefined) throw malformedXml()
    return { ...bucketOf(request), setting: decodeWebsite(document) }
  },
  () => emptyAnswer(200),
)

export const deleteBucketWebsiteRoute: Route = route(deleteBucketWebsite, bucketOf, () =>
  emptyAnswer(204),
)

/** The children of an element by name, each at most once. @throws StoreError `MalformedXml` for any other child */
function fieldsOf(
  element: XmlElement,
  names: readonly string[],
): (name: string) => XmlElement | undefined {
  const found = new Map<string, XmlElement>()
  for (const child of element.children) {
    if (!names.includes(child.name) || found.has(child.name)) throw malformedXml()
    found.set(child.name, child)
  }
  return (name) => found.get(name)
}

/** The text of a leaf, which S3 takes as it is. */
function textOf(element: XmlElement | undefined): string | undefined {
  if (element !== undefined && element.children.length > 0) throw malformedXml()
  return element?.text
}

/** @throws StoreError `MalformedXml`; S3Error `InvalidArgument`, `InvalidRequest` */
function decodeWebsite(document: XmlElement): Website {
  if (document.name !== 'WebsiteConfiguration') throw malformedXml()
  const fields = fieldsOf(document, [
    'IndexDocument',
    'ErrorDocument',
    'RedirectAllRequestsTo',
    'RoutingRules',
  ])
  const redirectAll = fields('RedirectAllRequestsTo')
  if (redirectAll !== undefined) {
    if (document.children.length === 1) return decodeRedirectAll(redirectAll)
    throw invalidRequest(
      'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
    )
  }
  const rules = fields('RoutingRules')?.children ?? []
  if (rules.length > s3Limits.routingRules) {
    throw invalidRequest(
      `${rules.length} routing rules provided, the number of routing rules in a website configuration is limited to ${s3Limits.routingRules}.`,
    )
  }
  return {
    kind: 'documents',
    indexSuffix: decodeIndex(fields('IndexDocument')),
    errorKey: decodeErrorDocument(fields('ErrorDocument')),
    rules: rules.map(decodeRule),
  }
}

function decodeRedirectAll(element: XmlElement): Website {
  const fields = fieldsOf(element, ['HostName', 'Protocol'])
  const hostName = decodeHost(fields('HostName'))
  if (hostName === undefined) throw malformedXml()
  return { kind: 'redirect', hostName, scheme: decodeScheme(fields('Protocol')) }
}

function decodeIndex(element: XmlElement | undefined): string {
  if (element === undefined) {
    throw invalidArgument(
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
      'IndexDocument',
      'null',
    )
  }
  const suffix = textOf(fieldsOf(element, ['Suffix'])('Suffix')) ?? ''
  if (suffix.trim() !== '' && !suffix.includes('/')) return suffix
  throw invalidArgument('The IndexDocument Suffix is not well formed', 'IndexDocument', suffix)
}

function decodeErrorDocument(element: XmlElement | undefined): string | undefined {
  if (element === undefined) return undefined
  const key = textOf(fieldsOf(element, ['Key'])('Key')) ?? ''
  if (key.trim() !== '' && Buffer.byteLength(key) <= s3Limits.keyBytes) return key
  throw invalidArgument('The ErrorDocument Key is not well formed', 'ErrorDocument', key)
}

/** A host with or without a port, so that it can stand in a Location header. */
const hostText = /^[A-Za-z0-9._:[\]-]{1,255}$/

function decodeHost(element: XmlElement | undefined): string | undefined {
  const host = textOf(element)?.trim()
  if (host === undefined || hostText.test(host)) return host
  throw invalidRequest('The provided host name is not valid.')
}

function decodeScheme(element: XmlElement | undefined): WebsiteScheme | undefined {
  const scheme = textOf(element)?.trim()
  if (scheme === undefined || scheme === 'http' || scheme === 'https') return scheme
  throw invalidRequest(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
  )
}

function decodeRule(element: XmlElement): RoutingRule {
  if (element.name !== 'RoutingRule') throw malformedXml()
  const fields = fieldsOf(element, ['Condition', 'Redirect'])
  const redirect = fields('Redirect')
  if (redirect === undefined) throw malformedXml()
  return { ...decodeCondition(fields('Condition')), redirect: decodeRedirect(redirect) }
}

function decodeCondition(element: XmlElement | undefined): Omit<RoutingRule, 'redirect'> {
  if (element === undefined) return {}
  const fields = fieldsOf(element, ['KeyPrefixEquals', 'HttpErrorCodeReturnedEquals'])
  if (element.children.length === 0) {
    throw invalidRequest(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    )
  }
  const text = textOf(fields('HttpErrorCodeReturnedEquals'))?.trim()
  if (text !== undefined && !/^[45]\d\d$/.test(text)) {
    throw invalidRequest(
      `The provided HTTP error code (${text}) is not valid. Valid codes are 4XX or 5XX.`,
    )
  }
  return {
    keyPrefix: textOf(fields('KeyPrefixEquals')),
    errorStatus: text === undefined ? undefined : Number(text),
  }
}

function decodeRedirect(element: XmlElement): Redirect {
  const fields = fieldsOf(element, [
    'HostName',
    'Protocol',
    'HttpRedirectCode',
    'ReplaceKeyPrefixWith',
    'ReplaceKeyWith',
  ])
  if (element.children.length === 0) throw malformedXml()
  const prefix = textOf(fields('ReplaceKeyPrefixWith'))
  const key = textOf(fields('ReplaceKeyWith'))
  if (prefix !== undefined && key !== undefined) {
    throw invalidRequest('You can only define ReplaceKeyPrefix or ReplaceKey but not both.')
  }
  const code = textOf(fields('HttpRedirectCode'))?.trim()
  if (code !== undefined && (!/^3\d\d$/.test(code) || code === '300')) {
    throw invalidRequest(
      `The provided HTTP redirect code (${code}) is not valid. Valid codes are 3XX except 300.`,
    )
  }
  return {
    hostName: decodeHost(fields('HostName')),
    scheme: decodeScheme(fields('Protocol')),
    status: code === undefined ? undefined : Number(code),
    replacement: replacementOf(prefix, key),
  }
}

function replacementOf(
  prefix: string | undefined,
  key: string | undefined,
): Redirect['replacement'] {
  if (prefix !== undefined) return { of: 'prefix', text: prefix }
  return key === undefined ? undefined : { of: 'key', text: key }
}

function writeWebsite(xml: XmlWriter, website: Website): void {
  if (website.kind === 'redirect') {
    xml.open('RedirectAllRequestsTo').element('HostName', website.hostName)
    xml.element('Protocol', website.scheme).close('RedirectAllRequestsTo')
    return
  }
  const { indexSuffix, errorKey, rules } = website
  xml.open('IndexDocument').element('Suffix', indexSuffix).close('IndexDocument')
  if (errorKey !== undefined) {
    xml.open('ErrorDocument').element('Key', errorKey).close('ErrorDocument')
  }
  if (rules.length === 0) return
  xml.open('RoutingRules')
  for (const rule of rules) writeRule(xml, rule)
  xml.close('RoutingRules')
}

function writeRule(xml: XmlWriter, { keyPrefix, errorStatus, redirect }: RoutingRule): void {
  xml.open('RoutingRule')
  if (keyPrefix !== undefined || errorStatus !== undefined) {
    xml.open('Condition').element('HttpErrorCodeReturnedEquals', errorStatus)
    xml.element('KeyPrefixEquals', keyPrefix).close('Condition')
  }
  const { hostName, scheme, status, replacement } = redirect
  xml.open('Redirect').element('HostName', hostName).element('HttpRedirectCode', status)
  xml.element('Protocol', scheme)
  if (replacement?.of === 'prefix') xml.element('ReplaceKeyPrefixWith', replacement.text)
  if (replacement?.of === 'key') xml.element('ReplaceKeyWith', replacement.text)
  xml.close('Redirect').close('RoutingRule')
}
