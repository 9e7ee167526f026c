// Settings that a request puts. One that matches what the server does anyway is accepted: S3's clients remove
// notifications and logging by putting an empty document, and Terraform suspends acceleration. Any other is refused.

import type { Action } from '../../access/decide.ts'
import { type BucketAddress, headBucket } from '../../operation/bucket.ts'
import { onBucket } from '../../operation/need.ts'
import type { XmlElement } from '../xml/parse.ts'
import { type Answer, emptyAnswer, type Route, route, unchanging } from './answer.ts'
import { operationNotImplemented } from './error.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { bucketOf } from './setting.ts'

/** How to tell that a document asks for nothing new. */
interface Setting {
  /** The query parameter that names it. */
  readonly parameter: string
  readonly isPresent: (document: XmlElement) => boolean
}

interface Wanted {
  readonly isPresent: boolean
}

async function wantedOf(request: S3Request, { isPresent }: Setting): Promise<Wanted> {
  const document = await documentOf(request, { isRequired: false })
  return { isPresent: document !== undefined && isPresent(document) }
}

/** The refusal comes last, after that of a missing bucket. */
function answerOf(name: string, { isPresent }: Wanted, { parameter }: Setting): Answer {
  if (!isPresent) throw operationNotImplemented(`this ${name}`, parameter)
  return emptyAnswer(200)
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
      (_output, _request, wanted) => answerOf(name, wanted, setting),
    ),
  )
}

function isEmpty(root: string): Setting['isPresent'] {
  return ({ name, children }) => name === root && children.length === 0
}

/** True for a document whose only statement is this status. */
function hasStatus(root: string, status: string): Setting['isPresent'] {
  return ({ name, children }) => {
    const [first, ...more] = children
    if (name !== root || first?.name !== 'Status' || more.length > 0) return false
    return first.text.trim() === status
  }
}

export const putBucketAbacRoute: Route = ofBucket('PutBucketAbac', 's3:PutBucketAbac', {
  parameter: 'abac',
  isPresent: hasStatus('AbacStatus', 'Disabled'),
})

export const putBucketAccelerateRoute: Route = ofBucket(
  'PutBucketAccelerateConfiguration',
  's3:PutAccelerateConfiguration',
  { parameter: 'accelerate', isPresent: hasStatus('AccelerateConfiguration', 'Suspended') },
)

export const putBucketLoggingRoute: Route = ofBucket('PutBucketLogging', 's3:PutBucketLogging', {
  parameter: 'logging',
  isPresent: isEmpty('BucketLoggingStatus'),
})

export const putBucketNotificationRoute: Route = ofBucket(
  'PutBucketNotificationConfiguration',
  's3:PutBucketNotification',
  { parameter: 'notification', isPresent: isEmpty('NotificationConfiguration') },
)
