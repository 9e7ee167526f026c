// The four actions on domains.

import {
  createDomain,
  type DomainAddress,
  deleteDomain,
  domainMetadata,
  listDomains,
} from '../../operation/domain.ts'
import { type Action, type ActionRequest, action } from './answer.ts'
import { invalidValue, type Parameters } from './parameters.ts'
import { baseUsage } from './usage.ts'

/** The domain that a request names. */
export function decodeDomain({ parameters }: ActionRequest): DomainAddress {
  return { domain: parameters.need('DomainName') }
}

const { changeDomain, readDomain } = baseUsage

export const createDomainAction: Action = action(createDomain, changeDomain, decodeDomain, () => ({
  usage: changeDomain,
}))

export const deleteDomainAction: Action = action(deleteDomain, changeDomain, decodeDomain, () => ({
  usage: changeDomain,
}))

/** The largest page of ListDomains. */
const pageDomains = 100

export const listDomainsAction: Action = action(
  listDomains,
  readDomain,
  ({ parameters }) => ({
    limit: decodeLimit(parameters),
    nextToken: parameters.find('NextToken'),
  }),
  ({ domains, nextToken }) => ({
    usage: readDomain,
    write(xml) {
      for (const name of domains) xml.element('DomainName', name)
      xml.element('NextToken', nextToken)
    },
  }),
)

function decodeLimit(parameters: Parameters): number {
  const text = parameters.find('MaxNumberOfDomains')
  if (text === undefined) return pageDomains
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= pageDomains) return limit
  const rule = `MaxNumberOfDomains must be between 1 and ${pageDomains}.`
  throw invalidValue(text, 'MaxNumberOfDomains', rule)
}

export const domainMetadataAction: Action = action(
  domainMetadata,
  readDomain,
  decodeDomain,
  ({ counts, countedAt }) => ({
    usage: readDomain,
    write: (xml) =>
      xml
        .element('ItemCount', counts.items)
        .element('ItemNamesSizeBytes', counts.itemNameBytes)
        .element('AttributeNameCount', counts.names)
        .element('AttributeNamesSizeBytes', counts.nameBytes)
        .element('AttributeValueCount', counts.pairs)
        .element('AttributeValuesSizeBytes', counts.valueBytes)
        .element('Timestamp', Math.floor(countedAt / 1000)),
  }),
)
