// The five actions on attributes, with all forms of lists that clients send.

import {
  batchDeleteAttributes,
  batchPutAttributes,
  type DeletePair,
  deleteAttributes,
  type GetAttributesInput,
  getAttributes,
  type ItemPairs,
  type ItemsInput,
  type PutPair,
  putAttributes,
} from '../../operation/attribute.ts'
import type { XmlWriter } from '../xml/write.ts'
import { type Action, type ActionRequest, type ActionResult, action } from './answer.ts'
import { decodeDomain } from './domain.ts'
import { invalidCombination, SimpleDbError } from './error.ts'
import { firstExpected, parseExpected } from './expected.ts'
import { missingParameter, type Parameters, parseFlag } from './parameters.ts'
import { writeText } from './text.ts'
import { baseUsage, readUsage, writeUsage } from './usage.ts'

/** An attribute in an answer. */
type AnsweredAttribute = readonly [name: string, values: readonly string[]]

export const putAttributesAction: Action = action(
  putAttributes,
  baseUsage.write,
  (request) => decodeItem(request, decodePuts),
  (_, input) => writeResult(input),
)

export const deleteAttributesAction: Action = action(
  deleteAttributes,
  baseUsage.write,
  (request) => decodeItem(request, decodeDeletes),
  (_, input) => writeResult(input),
)

export const batchPutAttributesAction: Action = action(
  batchPutAttributes,
  baseUsage.write,
  (request) => decodeItems(request, decodePuts),
  (_, input) => writeResult(input),
)

export const batchDeleteAttributesAction: Action = action(
  batchDeleteAttributes,
  baseUsage.write,
  (request) => decodeItems(request, decodeDeletes),
  (_, input) => writeResult(input),
)

export const getAttributesAction: Action = action(
  getAttributes,
  baseUsage.read,
  decodeGet,
  (attributes) => ({
    usage: readUsage(attributes.length),
    write: (xml) =>
      writeAttributes(
        xml,
        attributes.map(({ name, values }) => [name, values]),
      ),
  }),
)

/** Writes attributes, one element per value. */
export function writeAttributes(xml: XmlWriter, attributes: Iterable<AnsweredAttribute>): void {
  for (const [name, values] of attributes) {
    for (const value of values) {
      xml.open('Attribute')
      writeText(xml, 'Name', name)
      writeText(xml, 'Value', value)
      xml.close('Attribute')
    }
  }
}

/** The flag ConsistentRead. */
export function decodeConsistentRead(parameters: Parameters): boolean {
  const rule = 'The ConsistentRead flag should be either true or false.'
  return parseFlag(parameters.find('ConsistentRead'), 'ConsistentRead', rule) ?? false
}

function writeResult({ items }: ItemsInput<DeletePair>): ActionResult {
  return { usage: writeUsage(items.map(({ pairs }) => pairs.length)) }
}

/** Decodes the pairs of an item; `itemName` is set for items of a batch. */
type DecodePairs<Pair> = (parameters: Parameters, itemName: string | undefined) => readonly Pair[]

function decodeItem<Pair>(
  request: ActionRequest,
  decodePairs: DecodePairs<Pair>,
): ItemsInput<Pair> {
  const { parameters, limits } = request
  const { domain } = decodeDomain(request)
  const name = parameters.need('ItemName')
  refuseItemFlag(parameters)
  const pairs = decodePairs(parameters, undefined)
  return { domain, items: [{ name, pairs }], expected: parseExpected(parameters, limits) }
}

function decodeItems<Pair>(
  request: ActionRequest,
  decodePairs: DecodePairs<Pair>,
): ItemsInput<Pair> {
  const { parameters } = request
  const { domain } = decodeDomain(request)
  // Batches have no conditions. Ignoring one would be worse than refusing it.
  const expected = firstExpected(parameters)
  if (expected !== undefined) throw invalidCombination(expected, 'Item')
  const items = parameters.entries('Item').map((entry): ItemPairs<Pair> => {
    refuseItemFlag(entry)
    const name = entry.need('ItemName')
    if (entry.all.filter((parameter) => parameter.name === 'ItemName').length > 1) {
      throw invalidCombination('ItemName', 'ItemName')
    }
    return { name, pairs: decodePairs(entry, name) }
  })
  if (items.length === 0) {
    throw missingParameter('The request must contain the parameter ItemName')
  }
  return { domain, items }
}

function refuseItemFlag(item: Parameters): void {
  if (item.find('Replace') === undefined) return
  throw new SimpleDbError({
    status: 400,
    code: 'FeatureDeprecated',
    message: 'The replace flag must be specified per attribute, not per item.',
  })
}

function decodePuts(parameters: Parameters, itemName: string | undefined): PutPair[] {
  const pairs = parameters.records('Attribute').map((record): PutPair => {
    const name = record.get('Name')
    const value = record.get('Value')
    if (name === undefined) {
      throw missingParameter(`Attribute.Name missing for Attribute.Value='${value ?? ''}'.`)
    }
    if (value === undefined) {
      throw missingParameter(`Attribute.Value missing for Attribute.Name='${name}'.`)
    }
    const rule = 'The Replace flag should be either true or false.'
    return { name, value, replace: parseFlag(record.get('Replace'), 'Replace', rule) ?? false }
  })
  if (pairs.length > 0) return pairs
  throw missingParameter(
    itemName === undefined ? 'No attributes' : `No attributes for item ='${itemName}'.`,
  )
}

function decodeDeletes(parameters: Parameters): DeletePair[] {
  return parameters.records('Attribute').map((record) => {
    const name = record.get('Name')
    if (name === undefined) {
      throw missingParameter(
        'The request must contain the attribute Name, if an attribute Value is specified.',
      )
    }
    return { name, value: record.get('Value') }
  })
}

function decodeGet(request: ActionRequest): GetAttributesInput {
  const { parameters } = request
  const names = parameters
    .entries('AttributeName')
    .flatMap((entry) => entry.all.map(({ value }) => value))
  return {
    ...decodeDomain(request),
    item: parameters.need('ItemName'),
    names: names.length === 0 ? undefined : names,
    consistentRead: decodeConsistentRead(parameters),
  }
}
