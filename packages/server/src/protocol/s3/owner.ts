// Owners in documents, and the access control list that grants them all rights.

import type { Owner } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
import type { XmlWriter } from '../xml/write.ts'
import { headerOf, type S3Request } from './request.ts'

/** Writes an owner as an element of that name. */
export function writeOwner(xml: XmlWriter, element: string, owner: Partial<Owner>): void {
  xml.open(element).element('ID', owner.id).element('DisplayName', owner.displayName)
  xml.close(element)
}

/** The owner with that id. Only the caller's own name is known and shown. */
export function ownerOf({ principal }: Pick<S3Request, 'principal'>, id: string): Partial<Owner> {
  return principal?.owner.id === id ? principal.owner : { id }
}

/** Writes the access control list of every bucket and object, which grants all rights to its owner. */
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
 * Checks the expected owner of the bucket in a request. Buckets are private, so every bucket that the caller may
 * use is the caller's own.
 * @throws StoreError `AccessDenied`
 */
export function checkBucketOwner(request: Pick<S3Request, 'headers' | 'principal'>): void {
  checkOwner(request, 'x-amz-expected-bucket-owner')
}

/** The same for the source bucket of a copy. @throws StoreError `AccessDenied` */
export function checkSourceOwner(request: Pick<S3Request, 'headers' | 'principal'>): void {
  checkOwner(request, 'x-amz-source-expected-bucket-owner')
}

function checkOwner(request: Pick<S3Request, 'headers' | 'principal'>, header: string): void {
  const expected = headerOf(request, header)
  if (expected === undefined || expected === request.principal?.owner.id) return
  throw new StoreError({ code: 'AccessDenied' })
}
