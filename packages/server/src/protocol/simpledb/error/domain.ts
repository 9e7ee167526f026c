// SimpleDB's errors of its operations, in Amazon's words.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/APIError.html

import type { RefusalOf } from '../../../base/errors.ts'
import type { SimpleDbRefusal } from '../../../base/refusal/simpledb.ts'
import { baseUsage, formatUsage } from '../usage.ts'
import type { WireError, WireTable } from './wire.ts'

export const domainErrors: WireTable<SimpleDbRefusal | RefusalOf<'NoSuchBucket'>> = {
  NoSuchBucket: () => ({
    status: 404,
    code: 'S3NoSuchBucket',
    message: 'An error occurred during the export. The specified Amazon S3 bucket does not exist.',
  }),
  NoSuchDomain: () => badRequest('NoSuchDomain', 'The specified domain does not exist.'),
  // Amazon's own text ends with a space, which clients' tests expect.
  InvalidDomainName: ({ domain }) => invalidValue(domain, 'DomainName', ' '),
  NumberDomainsExceeded: () => conflict('NumberDomainsExceeded', 'The domain limit was exceeded.'),
  NumberDomainAttributesExceeded: () =>
    conflict('NumberDomainAttributesExceeded', 'Too many attributes in this domain.'),
  NumberDomainBytesExceeded: () =>
    conflict('NumberDomainBytesExceeded', 'Too many bytes in this domain.'),
  NumberItemAttributesExceeded: () =>
    conflict('NumberItemAttributesExceeded', 'Too many attributes in this item.'),
  NumberSubmittedItemsExceeded: ({ maximum }) =>
    conflict(
      'NumberSubmittedItemsExceeded',
      `Too many items in a single call. Up to ${maximum} items per call allowed.`,
    ),
  NumberSubmittedAttributesExceeded: ({ item, maximum }) =>
    conflict(
      'NumberSubmittedAttributesExceeded',
      `Too many attributes for item ${item} in a single call. Up to ${maximum} attributes per call allowed.`,
    ),
  DuplicateItemName: ({ item }) =>
    badRequest('DuplicateItemName', `Item ${item} was specified more than once.`),
  EmptyName: ({ subject }) =>
    subject === 'item'
      ? invalidValue('', 'ItemName', ' The empty string is an illegal item name')
      : // Without a space after the period, as Amazon has it.
        invalidValue('', 'Name', 'The empty string is an illegal attribute name'),
  TextTooLong: tooLong,
  AttributeDoesNotExist: ({ attribute }) => ({
    status: 404,
    code: 'AttributeDoesNotExist',
    message: `Attribute (${attribute}) does not exist`,
  }),
  AttributeExists: ({ attribute }) =>
    conflict(
      'ConditionalCheckFailed',
      `ConditionalCheckFailed: Conditional check failed. Attribute (${attribute}) value exists`,
    ),
  MultiValuedAttribute: ({ attribute }) =>
    conflict(
      'MultiValuedAttribute',
      `Attribute (${attribute}) is multi valued. Conditional check can only be performed on a single-valued attribute`,
    ),
  ConditionalCheckFailed: ({ attribute, actual, expected }) =>
    conflict(
      'ConditionalCheckFailed',
      `Conditional check failed. Attribute (${attribute}) value is (${actual}) but was expected (${expected})`,
    ),
  DomainInExport: () =>
    conflict(
      'DeleteConflictException',
      'Cannot delete domain due to a PENDING or IN_PROGRESS export.',
    ),
  NoSuchExport: () => badRequest('NoSuchExportException', 'The specified export does not exist.'),
  ExportConflict: () =>
    conflict('ConflictException', 'Idempotent request failed due to parameter mismatch.'),
  NumberExportsExceeded: () =>
    conflict('NumberExportsLimitExceeded', 'The export limit was exceeded.'),
  InvalidQueryExpression: () =>
    badRequest('InvalidQueryExpression', 'The specified query expression syntax is not valid.'),
  InvalidLiteral: () => badRequest('InvalidLiteral', 'Illegal literal in the filter expression.'),
  QueryTimeout: ({ domain, expression }) => ({
    status: 408,
    code: 'QueryTimeout',
    message: `A timeout occurred when attempting to query domain ${domain} with query expression ${expression}. BoxUsage [${formatUsage(baseUsage.select)}].`,
  }),
  InvalidNumberPredicates: () =>
    badRequest('InvalidNumberPredicates', 'Too many predicates in the query expression.'),
  InvalidNumberValueTests: () =>
    badRequest(
      'InvalidNumberValueTests',
      'Too many value tests per predicate in the query expression.',
    ),
  TooManyRequestedAttributes: () =>
    badRequest('TooManyRequestedAttributes', 'Too many attributes requested.'),
  InvalidSortExpression: () =>
    badRequest(
      'InvalidSortExpression',
      'Invalid sort expression. The sort attribute must be present in at least one of the predicates, and the predicate cannot contain the is null operator.',
    ),
  InvalidLimit: ({ limit, maximum }) =>
    invalidValue(limit, 'MaxNumberOfItems', ` MaxNumberOfItems must be between 1 and ${maximum}.`),
  InvalidNextToken: () => badRequest('InvalidNextToken', 'The specified next token is not valid.'),
  UnsupportedNextToken: () =>
    badRequest(
      'UnsupportedNextToken',
      'The specified next token is no longer supported. Please resubmit your query.',
    ),
}

function badRequest(code: string, message: string): WireError {
  return { status: 400, code, message }
}

function conflict(code: string, message: string): WireError {
  return { status: 409, code, message }
}

function invalidValue(value: string, parameter: string, problem: string): WireError {
  const message = `Value (${value}) for parameter ${parameter} is invalid.${problem}`
  return badRequest('InvalidParameterValue', message)
}

const parameterNames = {
  item: 'Item',
  attribute: 'Name',
  value: 'Value',
  'selected attribute': 'AttributeName',
} as const

function tooLong({ subject, text, maximumBytes }: RefusalOf<'TextTooLong'>): WireError {
  const maximum = subject === 'item' ? 'max length' : 'maximum length'
  return invalidValue(
    text,
    parameterNames[subject],
    ` Value exceeds ${maximum} of ${maximumBytes}.`,
  )
}
