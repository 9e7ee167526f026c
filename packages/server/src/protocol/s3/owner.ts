// Owners on the wire, and the access control lists that say that they have all rights.

import type { Owner } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
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

/**
 * Checks the owner that a request expects its bucket to have. Buckets are private to their owners, so
 * a bucket that the caller may use is the caller's own.
 * @throws StoreError `AccessDenied`
 */
export function checkBucketOwner(request: Pick<S3Request, 'headers' | 'principal'>): void {
  checkOwner(request, 'x-amz-expected-bucket-owner')
}

/** The same for the bucket that a copy reads. @throws StoreError `AccessDenied` */
export function checkSourceOwner(request: Pick<S3Request, 'headers' | 'principal'>): void {
  checkOwner(request, 'x-amz-source-expected-bucket-owner')
}

function checkOwner(request: Pick<S3Request, 'headers' | 'principal'>, header: string): void {
  const expected = headerOf(request, header)
  if (expected === undefined || expected === request.principal?.owner.id) return
  throw new StoreError({ code: 'AccessDenied' })
}
