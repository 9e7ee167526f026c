// Owners on the wire, and the access control lists that say that they have all rights.

import type { Owner } from '../../access/principal.ts'
import type { ExpectedOwners } from '../../operation/operation.ts'
import type { XmlWriter } from '../xml/write.ts'
import { headerOf, type S3Request } from './request.ts'

/** Writes an owner as an element of that name. */
export function writeOwner(xml: XmlWriter, element: string, owner: Partial<Owner>): void {
  xml.open(element).element('ID', owner.id).element('DisplayName', owner.displayName)
  xml.close(element)
}

/** The owner with that id: only the caller's own name is known, and no other is ever shown. */
export function ownerOf({ principal }: Pick<S3Request, 'principal'>, id: string): Partial<Owner> {
  return principal?.owner.id === id ? principal.owner : { id }
}

/** Writes the list of rights that every bucket and object has: its owner has them all. */
export function writeAccessControl(xml: XmlWriter, owner: Owner): void {
  writeOwner(xml, 'Owner', owner)
  xml.open('AccessControlList').open('Grant').open('Grantee', {
    'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    'xsi:type': 'CanonicalUser',
  })
  xml.element('ID', owner.id).element('DisplayName', owner.displayName).close('Grantee')
  xml.element('Permission', 'FULL_CONTROL').close('Grant').close('AccessControlList')
}

/** The owners that a request expects its bucket, and the bucket that a copy reads, to have. */
export function expectedOwners(request: Pick<S3Request, 'headers'>): ExpectedOwners | undefined {
  const ownerId = headerOf(request, 'x-amz-expected-bucket-owner')
  const sourceOwnerId = headerOf(request, 'x-amz-source-expected-bucket-owner')
  if (ownerId === undefined && sourceOwnerId === undefined) return undefined
  return { ownerId, sourceOwnerId }
}
