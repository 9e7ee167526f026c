// Ownership controls, public access blocks and the payer of requests on the wire.

import type { ObjectOwnership } from '../../access/ownership.ts'
import type { PublicAccessBlock } from '../../access/public-access-block.ts'
import {
  deleteOwnershipControls,
  deletePublicAccessBlock,
  getOwnershipControls,
  getPublicAccessBlock,
  getRequestPayment,
  type Payer,
  putOwnershipControls,
  putPublicAccessBlock,
  putRequestPayment,
} from '../../operation/access-setting.ts'
import { childrenOf, malformedXml, type XmlElement } from '../xml/parse.ts'
import { documentAnswer, emptyAnswer, type Route, route } from './answer.ts'
import { invalidArgument } from './error.ts'
import { documentOf } from './payload.ts'
import { headerOf, type S3Request } from './request.ts'
import { bucketOf } from './setting.ts'

const ownerships: readonly ObjectOwnership[] = [
  'BucketOwnerEnforced',
  'BucketOwnerPreferred',
  'ObjectWriter',
]

export const getOwnershipControlsRoute: Route = route(
  getOwnershipControls,
  bucketOf,
  ({ ownership }) =>
    documentAnswer('OwnershipControls', (xml) =>
      xml.open('Rule').element('ObjectOwnership', ownership).close('Rule'),
    ),
)

export const putOwnershipControlsRoute: Route = route(
  putOwnershipControls,
  async (request) => {
    const root = await rootOf(request, 'OwnershipControls')
    const rule = only(root, 'Rule')
    return { ...bucketOf(request), ownership: choiceIn(rule, 'ObjectOwnership', ownerships) }
  },
  () => emptyAnswer(200),
)

export const deleteOwnershipControlsRoute: Route = route(deleteOwnershipControls, bucketOf, () =>
  emptyAnswer(204),
)

const ownershipHeader = 'x-amz-object-ownership'

/** The ownership that a new bucket is to have; undefined for the default. @throws S3Error `InvalidArgument` */
export function wantedOwnership(request: S3Request): ObjectOwnership | undefined {
  const text = headerOf(request, ownershipHeader)
  if (text === undefined) return undefined
  const found = ownerships.find((ownership) => ownership === text)
  if (found !== undefined) return found
  throw invalidArgument(`Invalid ${ownershipHeader} header: ${text}`, ownershipHeader, text)
}

/** The elements of a block, in the order of S3's documents. */
const blockElements: Readonly<Record<keyof PublicAccessBlock, string>> = {
  blockPublicAcls: 'BlockPublicAcls',
  ignorePublicAcls: 'IgnorePublicAcls',
  blockPublicPolicy: 'BlockPublicPolicy',
  restrictPublicBuckets: 'RestrictPublicBuckets',
}

export const getPublicAccessBlockRoute: Route = route(getPublicAccessBlock, bucketOf, ({ block }) =>
  documentAnswer('PublicAccessBlockConfiguration', (xml) => {
    xml.element(blockElements.blockPublicAcls, block.blockPublicAcls)
    xml.element(blockElements.ignorePublicAcls, block.ignorePublicAcls)
    xml.element(blockElements.blockPublicPolicy, block.blockPublicPolicy)
    xml.element(blockElements.restrictPublicBuckets, block.restrictPublicBuckets)
  }),
)

export const putPublicAccessBlockRoute: Route = route(
  putPublicAccessBlock,
  async (request) => {
    const root = await rootOf(request, 'PublicAccessBlockConfiguration')
    const known: ReadonlySet<string> = new Set(Object.values(blockElements))
    if (root.children.some(({ name }) => !known.has(name))) throw malformedXml()
    const block: PublicAccessBlock = {
      blockPublicAcls: isOn(root, blockElements.blockPublicAcls),
      ignorePublicAcls: isOn(root, blockElements.ignorePublicAcls),
      blockPublicPolicy: isOn(root, blockElements.blockPublicPolicy),
      restrictPublicBuckets: isOn(root, blockElements.restrictPublicBuckets),
    }
    return { ...bucketOf(request), block }
  },
  () => emptyAnswer(200),
)

export const deletePublicAccessBlockRoute: Route = route(deletePublicAccessBlock, bucketOf, () =>
  emptyAnswer(204),
)

const payers: readonly Payer[] = ['BucketOwner', 'Requester']

export const getRequestPaymentRoute: Route = route(getRequestPayment, bucketOf, ({ payer }) =>
  documentAnswer('RequestPaymentConfiguration', (xml) => xml.element('Payer', payer)),
)

export const putRequestPaymentRoute: Route = route(
  putRequestPayment,
  async (request) => {
    const root = await rootOf(request, 'RequestPaymentConfiguration')
    return { ...bucketOf(request), payer: choiceIn(root, 'Payer', payers) }
  },
  () => emptyAnswer(200),
)

/** The root of the document that a request must bring. @throws StoreError `MalformedXml` */
async function rootOf(request: S3Request, name: string): Promise<XmlElement> {
  const root = await documentOf(request, { isRequired: true })
  if (root?.name !== name) throw malformedXml()
  return root
}

/** The only child of its parent, which has that name. @throws StoreError `MalformedXml` */
function only(parent: XmlElement, name: string): XmlElement {
  const [child, ...more] = parent.children
  if (child?.name !== name || more.length > 0) throw malformedXml()
  return child
}

function choiceIn<T extends string>(parent: XmlElement, name: string, choices: readonly T[]): T {
  const text = only(parent, name).text.trim()
  const choice = choices.find((known) => known === text)
  if (choice === undefined) throw malformedXml()
  return choice
}

/** A switch; off if it is left out, as on S3. @throws StoreError `MalformedXml` */
function isOn(root: XmlElement, name: string): boolean {
  const [element, ...more] = childrenOf(root, name)
  if (element === undefined) return false
  const text = element.text.trim().toLowerCase()
  if (more.length > 0 || (text !== 'true' && text !== 'false')) throw malformedXml()
  return text === 'true'
}
