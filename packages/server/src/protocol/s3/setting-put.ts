// Settings that a request puts. One that matches what the server does anyway is accepted: S3's clients remove
// notifications, logging and tags by putting an empty document. Any other is refused.

import type { Action } from '../../access/decide.ts'
import { type BucketAddress, headBucket } from '../../operation/bucket.ts'
import { onBucket } from '../../operation/need.ts'
import { childrenOf, childText, type XmlElement } from '../xml/parse.ts'
import { type Answer, emptyAnswer, type Route, route, unchanging } from './answer.ts'
import { parameterNotImplemented } from './error.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { bucketOf } from './setting.ts'

/** How to tell that a document asks for nothing new. */
interface Setting {
  /** The query parameter that names it. */
  readonly parameter: string
  readonly isPresent: (document: XmlElement) => boolean
  readonly status?: number
}

interface Wanted {
  readonly isPresent: boolean
}

async function wantedOf(request: S3Request, { isPresent }: Setting): Promise<Wanted> {
  const document = await documentOf(request, { isRequired: false })
  return { isPresent: document !== undefined && isPresent(document) }
}

/** The refusal comes last, after that of a missing bucket or object. */
function answerOf({ isPresent }: Wanted, { parameter, status = 200 }: Setting): Answer {
  if (!isPresent) throw parameterNotImplemented(parameter)
  return emptyAnswer(status)
}

function ofBucket(name: string, action: Action, setting: Setting): Route {
  const operation = {
    ...headBucket,
    name,
    needs: ({ bucket }: BucketAddress) => [onBucket(action, bucket)],
  }
  return unchanging(
    route(
      operation,
      async (request): Promise<BucketAddress & Wanted> => {
        return { ...bucketOf(request), ...(await wantedOf(request, setting)) }
      },
      (_output, _request, wanted) => answerOf(wanted, setting),
    ),
  )
}

function isEmpty(root: string): Setting['isPresent'] {
  return ({ name, children }) => name === root && children.length === 0
}

function hasNoTags({ name, children }: XmlElement): boolean {
  const [set, ...more] = children
  return name === 'Tagging' && set?.name === 'TagSet' && more.length + set.children.length === 0
}

export const putBucketLoggingRoute: Route = ofBucket('PutBucketLogging', 's3:PutBucketLogging', {
  parameter: 'logging',
  isPresent: isEmpty('BucketLoggingStatus'),
})

export const putBucketNotificationRoute: Route = ofBucket(
  'PutBucketNotificationConfiguration',
  's3:PutBucketNotification',
  { parameter: 'notification', isPresent: isEmpty('NotificationConfiguration') },
)

export const putBucketRequestPaymentRoute: Route = ofBucket(
  'PutBucketRequestPayment',
  's3:PutBucketRequestPayment',
  {
    parameter: 'requestPayment',
    isPresent: (document) =>
      document.name === 'RequestPaymentConfiguration' &&
      childrenOf(document, 'Payer').length === 1 &&
      childText(document, 'Payer')?.trim() === 'BucketOwner',
  },
)

const tags: Setting = { parameter: 'tagging', isPresent: hasNoTags }

export const putBucketTaggingRoute: Route = ofBucket('PutBucketTagging', 's3:PutBucketTagging', {
  ...tags,
  status: 204,
})
