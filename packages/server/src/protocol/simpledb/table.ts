// The actions, by name and version.

import type { Action, ApiVersion } from './answer.ts'
import {
  batchDeleteAttributesAction,
  batchPutAttributesAction,
  deleteAttributesAction,
  getAttributesAction,
  putAttributesAction,
} from './attribute.ts'
import {
  createDomainAction,
  deleteDomainAction,
  domainMetadataAction,
  listDomainsAction,
} from './domain.ts'
import { SimpleDbError } from './error.ts'
import { firstExpected } from './expected.ts'
import { missingParameter, type Parameters } from './parameters.ts'
import { explainSelectAction, selectAction } from './select.ts'

const actions: ReadonlyMap<string, Action> = new Map(
  [
    createDomainAction,
    deleteDomainAction,
    listDomainsAction,
    domainMetadataAction,
    putAttributesAction,
    batchPutAttributesAction,
    getAttributesAction,
    deleteAttributesAction,
    batchDeleteAttributesAction,
    selectAction,
    explainSelectAction,
  ].map((one) => [one.name, one]),
)

/** The actions of the query language that Select replaced. */
const formerActions: ReadonlySet<string> = new Set(['Query', 'QueryWithAttributes'])

/** The action of a request, and its version of the API. */
export interface Route {
  readonly action: Action
  readonly version: ApiVersion
}

/**
 * Finds the action of a request.
 * @throws SimpleDbError `MissingAction`, `InvalidAction`, `MissingParameter`, `NoSuchVersion`, and
 *   `InvalidWSDLVersion` for actions that the former version of the API didn't have
 */
export function findRoute(parameters: Parameters): Route {
  const name = parameters.find('Action')
  if (name === undefined || name === '') {
    throw refusal('MissingAction', 'No action was supplied with this request.')
  }
  const version = parameters.find('Version')
  if (version === undefined) {
    throw missingParameter('The request must contain the parameter Version')
  }
  if (!isVersion(version)) {
    throw refusal(
      'NoSuchVersion',
      `The requested version (${version}) of service AmazonSimpleDB does not exist.`,
    )
  }
  const action = actions.get(name)
  if (action === undefined) {
    const hint = formerActions.has(name) ? ' Use Select instead.' : ''
    throw refusal('InvalidAction', `The action ${name} is not valid for this web service.${hint}`)
  }
  if (version === '2007-11-07') refuseNewParameters(parameters)
  return { action, version }
}

function isVersion(text: string): text is ApiVersion {
  return text === '2009-04-15' || text === '2007-11-07'
}

function refuseNewParameters(parameters: Parameters): void {
  const consistent = parameters.find('ConsistentRead') === undefined ? undefined : 'ConsistentRead'
  const name = firstExpected(parameters) ?? consistent
  if (name === undefined) return
  throw refusal(
    'InvalidWSDLVersion',
    `Parameter (${name}) is only supported in WSDL version 2009-04-15 or beyond. Please upgrade to new version`,
  )
}

function refusal(code: string, message: string): SimpleDbError {
  return new SimpleDbError({ status: 400, code, message })
}
