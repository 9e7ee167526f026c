// Grants on the wire: of a request's headers or document, and of an answer's document.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html

import {
  type Grant,
  type Grantee,
  type Group,
  isPermission,
  type Permission,
} from '../../access/acl.ts'
import { imageReader, isCannedAclOf } from '../../access/canned-acl.ts'
import { anonymousOwner } from '../../access/principal.ts'
import { s3Limits } from '../../base/limits.ts'
import type { WantedAcl } from '../../operation/wanted-acl.ts'
import { childOf, childrenOf, childText, type XmlElement } from '../xml/parse.ts'
import type { XmlWriter } from '../xml/write.ts'
import { invalidArgument, invalidRequest, S3Error } from './error.ts'
import { writeOwner } from './owner.ts'
import { headerOf, type S3Request } from './request.ts'

export const cannedHeader = 'x-amz-acl'

const grantHeaders: ReadonlyMap<string, Permission> = new Map([
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
])

/** The headers that a route with lists accepts. */
export const aclHeaders: ReadonlySet<string> = new Set([cannedHeader, ...grantHeaders.keys()])

const groupUris: Readonly<Record<Group, string>> = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
}

const groupsByUri: ReadonlyMap<string, Group> = new Map([
  [groupUris.AllUsers, 'AllUsers'],
  [groupUris.AuthenticatedUsers, 'AuthenticatedUsers'],
  [groupUris.LogDelivery, 'LogDelivery'],
])

type Grants = Pick<S3Request, 'headers' | 'findOwner'>

/**
 * The list that a request's headers ask for; undefined without any.
 * @throws S3Error `InvalidArgument`, `InvalidRequest`, `UnresolvableGrantByEmailAddress`
 */
export function wantedAclOf(request: Grants, kind: 'bucket' | 'object'): WantedAcl | undefined {
  const canned = headerOf(request, cannedHeader)
  const granting = [...grantHeaders].filter(([name]) => request.headers[name] !== undefined)
  if (canned === undefined) {
    if (granting.length === 0) return undefined
    const grants = granting.flatMap(([name, permission]) =>
      granteesOf(name, headerOf(request, name) ?? '', request).map((grantee) => ({
        grantee,
        permission,
      })),
    )
    return { kind: 'grants', grants: bounded(grants) }
  }
  if (granting.length > 0) {
    throw invalidRequest('Specifying both Canned ACLs and Header Grants is not allowed')
  }
  if (isCannedAclOf(kind, canned)) return { kind: 'canned', name: canned }
  throw invalidArgument('', cannedHeader, canned)
}

const granteeForm = /\s*(id|uri|emailaddress)\s*=\s*(?:"([^"]*)"|([^",\s]*))\s*(?:,|$)/iy

/** The grantees of a header, such as `id="…", uri="…"`. */
function granteesOf(name: string, text: string, request: Grants): readonly Grantee[] {
  const grantees: Grantee[] = []
  granteeForm.lastIndex = 0
  while (granteeForm.lastIndex < text.length || grantees.length === 0) {
    const found = granteeForm.exec(text)
    if (found === null) throw invalidArgument('Argument format not recognized', name, text)
    const [, type = '', quoted, bare = ''] = found
    const at = granteeForm.lastIndex
    grantees.push(granteeOf(type.toLowerCase(), quoted ?? bare, request, name))
    granteeForm.lastIndex = at
  }
  return grantees
}

/** @param name of the header or element, for the refusal */
function granteeOf(type: string, value: string, { findOwner }: Grants, name: string): Grantee {
  if (type === 'emailaddress') {
    throw new S3Error({
      status: 400,
      code: 'UnresolvableGrantByEmailAddress',
      message: 'The e-mail address you provided does not match any account on record.',
      fields: { EmailAddress: value },
    })
  }
  if (type === 'uri') {
    const group = groupsByUri.get(value)
    if (group !== undefined) return { kind: 'group', group }
    throw invalidArgument('Invalid group uri', name, value)
  }
  const isKnown =
    findOwner(value) !== undefined || value === anonymousOwner.id || value === imageReader
  if (isKnown) return { kind: 'owner', id: value }
  throw invalidArgument('Invalid id', name, value)
}

function bounded(grants: readonly Grant[]): readonly Grant[] {
  if (grants.length <= s3Limits.grants) return grants
  throw invalidRequest(`An access control list has at most ${s3Limits.grants} grants.`)
}

/** The list of a document. @throws S3Error `MalformedACLError`, `InvalidArgument`, … */
export function aclInDocument(document: XmlElement, request: Grants): WantedAcl {
  const [list, ...more] = childrenOf(document, 'AccessControlList')
  const owner = childOf(document, 'Owner')
  const ownerId = owner === undefined ? undefined : textIn(owner, 'ID')
  const isPolicy = document.name === 'AccessControlPolicy' && more.length === 0
  if (!isPolicy || list === undefined || ownerId === undefined) throw malformedAcl()
  if (list.children.some(({ name }) => name !== 'Grant')) throw malformedAcl()
  const grants = list.children.map((grant) => grantIn(grant, request))
  return { kind: 'grants', grants: bounded(grants), ownerId }
}

function grantIn(grant: XmlElement, request: Grants): Grant {
  const element = childOf(grant, 'Grantee')
  const permission = textIn(grant, 'Permission')
  if (element === undefined || permission === undefined || !isPermission(permission)) {
    throw malformedAcl()
  }
  return { grantee: granteeIn(element, request), permission }
}

/** The elements that name a grantee, by the values of `xsi:type`. */
const granteeTypes: ReadonlyMap<string, readonly [element: string, type: string]> = new Map([
  ['CanonicalUser', ['ID', 'id']],
  ['Group', ['URI', 'uri']],
  ['AmazonCustomerByEmail', ['EmailAddress', 'emailaddress']],
])

function granteeIn(element: XmlElement, request: Grants): Grantee {
  const typeName = element.attributes.get('type')
  for (const [name, [child, type]] of granteeTypes) {
    const value = textIn(element, child)
    if (value === undefined || (typeName ?? name) !== name) continue
    return granteeOf(type, value, request, `${name}/${child}`)
  }
  throw malformedAcl()
}

function textIn(element: XmlElement, name: string): string | undefined {
  return childText(element, name)?.trim()
}

function malformedAcl(): S3Error {
  return new S3Error({
    status: 400,
    code: 'MalformedACLError',
    message:
      'The XML you provided was not well-formed or did not validate against our published schema',
  })
}

/** Writes the owner and the grants of a list. */
export function writeAcl(
  xml: XmlWriter,
  { ownerId, grants }: { readonly ownerId: string; readonly grants: readonly Grant[] },
  { findOwner }: Pick<S3Request, 'findOwner'>,
): void {
  writeOwner(xml, 'Owner', findOwner(ownerId) ?? { id: ownerId })
  xml.open('AccessControlList')
  for (const { grantee, permission } of grants) {
    xml.open('Grant').open('Grantee', {
      'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      'xsi:type': grantee.kind === 'owner' ? 'CanonicalUser' : 'Group',
    })
    if (grantee.kind === 'group') xml.element('URI', groupUris[grantee.group])
    else {
      const { id, displayName } = findOwner(grantee.id) ?? { id: grantee.id }
      xml.element('ID', id).element('DisplayName', displayName)
    }
    xml.close('Grantee').element('Permission', permission).close('Grant')
  }
  xml.close('AccessControlList')
}
