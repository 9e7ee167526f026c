// Owners in documents, and the access control list that grants them all rights.

import type { Owner } from '../../access/principal.ts'
import type { ExpectedOwners } from '../../operation/operation.ts'
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

/** The owners that a request expects its bucket, and the bucket that a copy reads, to have. */
export function expectedOwners(request: Pick<S3Request, 'headers'>): ExpectedOwners | undefined {
  const ownerId = headerOf(request, 'x-amz-expected-bucket-owner')
  const sourceOwnerId = headerOf(request, 'x-amz-source-expected-bucket-owner')
  if (ownerId === undefined && sourceOwnerId === undefined) return undefined
  return { ownerId, sourceOwnerId }
}
