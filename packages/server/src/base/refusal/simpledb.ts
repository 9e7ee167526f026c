// Refusals of operations on domains and items, of exports, and of Select.

type DomainRefusal =
  | { readonly code: 'NoSuchDomain'; readonly domain: string }
  | { readonly code: 'InvalidDomainName'; readonly domain: string }
  | { readonly code: 'NumberDomainsExceeded' }
  | { readonly code: 'NumberDomainAttributesExceeded' }
  | { readonly code: 'NumberDomainBytesExceeded' }
  | { readonly code: 'InvalidNextToken' }

type ItemRefusal =
  | { readonly code: 'NumberItemAttributesExceeded' }
  | { readonly code: 'NumberSubmittedItemsExceeded'; readonly maximum: number }
  | {
      readonly code: 'NumberSubmittedAttributesExceeded'
      readonly item: string
      readonly maximum: number
    }
  | { readonly code: 'DuplicateItemName'; readonly item: string }
  | { readonly code: 'EmptyName'; readonly subject: 'item' | 'attribute' }
  | {
      readonly code: 'TextTooLong'
      readonly subject: 'item' | 'attribute' | 'value' | 'selected attribute'
      readonly text: string
      readonly maximumBytes: number
    }

/** Conditions of puts and deletes. */
type ExpectationRefusal =
  | { readonly code: 'AttributeDoesNotExist'; readonly attribute: string }
  | { readonly code: 'AttributeExists'; readonly attribute: string }
  | { readonly code: 'MultiValuedAttribute'; readonly attribute: string }
  | {
      readonly code: 'ConditionalCheckFailed'
      readonly attribute: string
      readonly actual: string
      readonly expected: string
    }

type ExportRefusal =
  | { readonly code: 'DomainInExport' }
  | { readonly code: 'NoSuchExport' }
  | { readonly code: 'ExportConflict' }
  | { readonly code: 'NumberExportsExceeded' }

/** A fault in a Select expression; `expected` is an element of the grammar. */
export type QueryFault =
  | {
      readonly kind:
        | 'too long'
        | 'nested too deeply'
        | 'unknown character'
        | 'open name'
        | 'open value'
        | 'empty name'
    }
  | { readonly kind: 'unexpected token'; readonly expected: string }

type SelectRefusal =
  | {
      readonly code: 'InvalidQueryExpression'
      /** UTF-16 units from 0. */
      readonly position: number
      readonly fault: QueryFault
    }
  | { readonly code: 'InvalidLiteral' }
  | { readonly code: 'QueryTimeout'; readonly domain: string; readonly expression: string }
  | { readonly code: 'InvalidNumberPredicates' }
  | { readonly code: 'InvalidNumberValueTests' }
  | { readonly code: 'TooManyRequestedAttributes' }
  | { readonly code: 'InvalidSortExpression' }
  | { readonly code: 'InvalidLimit'; readonly limit: string; readonly maximum: number }
  | { readonly code: 'UnsupportedNextToken' }

export type SimpleDbRefusal =
  | DomainRefusal
  | ItemRefusal
  | ExpectationRefusal
  | ExportRefusal
  | SelectRefusal
