// Buckets on the wire: list, create, head, delete, location.

import { StoreError } from '../../base/errors.ts'
import { s3Limits } from '../../base/limits.ts'
import {
  type CreateBucketInput,
  createBucket,
  deleteBucket,
  getBucketLocation,
  headBucket,
  listBuckets,
} from '../../operation/bucket.ts'
import { childrenOf, malformedXml } from '../xml/parse.ts'
import { escapeXml, XmlWriter } from '../xml/write.ts'
import { wantedOwnership } from './access-setting.ts'
import {
  documentAnswer,
  emptyAnswer,
  isoTime,
  type Route,
  route,
  s3Namespace,
  xmlAnswer,
} from './answer.ts'
import { headerNotImplemented, parameterNotImplemented } from './error.ts'
import { aclHeaders, wantedAclOf } from './grant.ts'
import { writeOwner } from './owner.ts'
import { documentOf } from './payload.ts'
import { headerOf, type S3Request, wholeNumber } from './request.ts'
import { decodeTags } from './tagging.ts'

export const listBucketsRoute: Route = route(
  listBuckets,
  ({ query }) => ({
    prefix: query.get('prefix'),
    region: query.get('bucket-region') || undefined,
    continuationToken: query.get('continuation-token') || undefined,
    limit: wholeNumber('max-buckets', query.get('max-buckets') || undefined, {
      minimum: 1,
      maximum: s3Limits.bucketsPerOwner,
    }),
  }),
  ({ owner, buckets, continuationToken }, _request, { prefix, region, limit }) => {
    // S3 has the region of a bucket only in the newer, paginated listing.
    const hasRegions = prefix !== undefined || region !== undefined || limit !== undefined
    return documentAnswer('ListAllMyBucketsResult', (xml) => {
      writeOwner(xml, 'Owner', owner)
      xml.open('Buckets')
      for (const bucket of buckets) {
        xml.open('Bucket').element('Name', bucket.name)
        xml.element('CreationDate', isoTime(bucket.createdAt))
        if (hasRegions) xml.element('BucketRegion', bucket.region)
        xml.close('Bucket')
      }
      xml.close('Buckets').element('ContinuationToken', continuationToken)
      xml.element('Prefix', prefix)
    })
  },
)

export const createBucketRoute: Route = {
  ...route(
    createBucket,
    async (request) => {
      // No bucket is there yet whose policy could admit a request without a key.
      if (request.principal === undefined) throw new StoreError({ code: 'AccessDenied' })
      checkCreateHeaders(request)
      const ownership = wantedOwnership(request)
      const acl = wantedAclOf(request, 'bucket')
      return { bucket: request.bucket, ...(await createSettingsOf(request)), ownership, acl }
    },
    (_output, { bucket }) => emptyAnswer(200, { Location: `/${bucket}` }),
  ),
  accepts: aclHeaders,
}

/** Headers of CreateBucket that ask for kinds of buckets that aren't here. */
function checkCreateHeaders(request: S3Request): void {
  const demands = {
    'x-amz-bucket-object-lock-enabled': 'false',
    'x-amz-bucket-namespace': 'global',
  }
  for (const [name, offered] of Object.entries(demands)) {
    const value = headerOf(request, name)
    if (value !== undefined && value.toLowerCase() !== offered.toLowerCase()) {
      throw headerNotImplemented(name)
    }
  }
}

async function createSettingsOf(
  request: S3Request,
): Promise<Pick<CreateBucketInput, 'locationConstraint' | 'tags'>> {
  const document = await documentOf(request, { isRequired: false })
  if (document === undefined) return {}
  if (document.name !== 'CreateBucketConfiguration') throw malformedXml()
  for (const { name } of document.children) {
    // Directory buckets.
    if (name === 'Location' || name === 'Bucket') throw parameterNotImplemented(name)
  }
  const [tags, ...moreTags] = childrenOf(document, 'Tags')
  const constraints = childrenOf(document, 'LocationConstraint')
  if (constraints.length > 1 || moreTags.length > 0) throw malformedXml()
  return {
    locationConstraint: constraints[0]?.text.trim() || undefined,
    tags: tags === undefined ? undefined : decodeTags(tags),
  }
}

export const headBucketRoute: Route = route(
  headBucket,
  ({ bucket }) => ({ bucket }),
  ({ region }) =>
    emptyAnswer(200, {
      'x-amz-bucket-region': region,
      'x-amz-access-point-alias': 'false',
      'Content-Type': 'application/xml',
    }),
)

export const deleteBucketRoute: Route = route(
  deleteBucket,
  ({ bucket }) => ({ bucket }),
  () => emptyAnswer(204),
)

export const getBucketLocationRoute: Route = route(
  getBucketLocation,
  ({ bucket }) => ({ bucket }),
  // The oldest region has no name here.
  ({ location }) => {
    const root = new XmlWriter().open('LocationConstraint', { xmlns: s3Namespace })
    const text = location === 'us-east-1' ? '' : escapeXml(location)
    return xmlAnswer(`${root}${text}</LocationConstraint>`)
  },
)
