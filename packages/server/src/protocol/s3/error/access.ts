// How S3 tells refusals of requests for a bucket's access settings.

import type { AccessRefusal } from '../../../base/refusal/access.ts'
import type { PolicyFault } from '../../../base/refusal/policy.ts'
import type { WireError, WireTable } from './wire.ts'

export const accessErrors: WireTable<AccessRefusal> = {
  NoSuchBucketPolicy: ({ bucket }) =>
    notFound('NoSuchBucketPolicy', 'The bucket policy does not exist', bucket),
  NoOwnershipControls: ({ bucket }) =>
    notFound(
      'OwnershipControlsNotFoundError',
      'The bucket ownership controls were not found',
      bucket,
    ),
  NoPublicAccessBlock: ({ bucket }) =>
    notFound(
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
      bucket,
    ),
  BucketAclWithOwnerEnforced: () => ({
    status: 400,
    code: 'InvalidBucketAclWithObjectOwnership',
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  }),
  AclNotSupported: () => ({
    status: 400,
    code: 'AccessControlListNotSupported',
    message: 'The bucket does not allow ACLs',
  }),
  PublicAclWithBlock: () => ({
    status: 400,
    code: 'InvalidBucketAclWithBlockPublicAccessError',
    message: 'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
  }),
  OnlyForBucketOwner: () => ({
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
  }),
  // Amazon doesn't document the reasons.
  MalformedPolicy: ({ fault }) => ({
    status: 400,
    code: 'MalformedPolicy',
    message: faultText(fault),
    fields: fault.kind === 'invalid principal' ? { Detail: fault.principal } : {},
  }),
}

function notFound(code: string, message: string, bucket: string): WireError {
  return { status: 404, code, message, fields: { BucketName: bucket } }
}

function faultText(fault: PolicyFault): string {
  switch (fault.kind) {
    case 'not an object':
      return "Policies must be valid JSON and the first byte must be '{'"
    case 'invalid JSON':
      return 'This policy contains invalid Json'
    case 'too large':
      return `Normalized policy document exceeds the maximum allowed size of ${fault.maximumBytes} bytes.`
    case 'invalid syntax':
      return 'Invalid policy syntax.'
    case 'invalid version':
      return 'The policy must contain a valid version string'
    case 'no statement':
      return 'Could not parse the policy: Statement is empty!'
    case 'missing element':
      return `Missing required field ${fault.element}`
    case 'unknown element':
      return `Unknown field ${fault.element}`
    case 'invalid effect':
      return `Invalid effect: ${fault.effect}`
    case 'repeated Sid':
      return 'Statement IDs (SID) in a single policy must be unique.'
    case 'empty principal':
      return 'Missing required field Principal cannot be empty!'
    case 'invalid principal':
      return 'Invalid principal in policy'
    case 'invalid action':
      return 'Policy has invalid action'
    case 'invalid resource':
      return 'Policy has invalid resource'
    case 'action without resource':
      return 'Action does not apply to any resource(s) in statement'
    case 'invalid operator':
      return `Invalid Condition type : ${fault.operator}`
    case 'invalid condition key':
      return 'Policy has an invalid condition key'
    case 'invalid condition value':
      return `Invalid condition value: ${fault.value}`
    case 'inapplicable condition':
      return 'Conditions do not apply to combination of actions and resources in statement'
  }
}
