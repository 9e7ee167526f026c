// The errors of SelectObjectContent, under S3's own names. Clients get the code in an XML error
// before the response has begun, and in an error event afterwards. The protocol has the sentence of each code.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#SelectObjectContentErrorCodeList

/** Every code that a query can fail with. */
export type QueryErrorCode =
  // The request.
  | 'AmbiguousFieldName'
  | 'EmptyRequestBody'
  | 'ExpressionTooLong'
  | 'InvalidCompressionFormat'
  | 'InvalidExpressionType'
  | 'InvalidFileHeaderInfo'
  | 'InvalidJsonType'
  | 'InvalidQuoteFields'
  | 'InvalidRequestParameter'
  | 'InvalidScanRange'
  | 'InvalidTextEncoding'
  | 'MissingRequiredParameter'
  | 'ObjectSerializationConflict'
  | 'UnsupportedScanRangeInput'
  // The data.
  | 'CSVEscapingRecordDelimiter'
  | 'CSVParsingError'
  | 'CSVUnescapedQuote'
  | 'InvalidColumnIndex'
  | 'JSONParsingError'
  | 'MissingHeaders'
  | 'OverMaxColumn'
  | 'OverMaxParquetBlockSize'
  | 'OverMaxRecordSize'
  | 'ParquetParsingError'
  | 'ParquetUnsupportedCompressionCodec'
  | 'TruncatedInput'
  // The evaluation.
  | 'CastFailed'
  | 'EvaluatorInvalidArguments'
  | 'EvaluatorInvalidTimestampFormatPattern'
  | 'EvaluatorInvalidTimestampFormatPatternSymbol'
  | 'EvaluatorLikePatternInvalidEscapeSequence'
  | 'EvaluatorNegativeLimit'
  | 'EvaluatorUnterminatedTimestampFormatPatternToken'
  | 'IllegalSqlFunctionArgument'
  | 'IncorrectSqlFunctionArgumentType'
  | 'IntegerOverflow'
  | 'InvalidDataType'
  | 'InvalidTableAlias'
  | 'LikeInvalidInputs'
  | 'ValueParseFailure'
  // The expression's text.
  | 'LexerInvalidChar'
  | 'LexerInvalidIONLiteral'
  | 'LexerInvalidLiteral'
  | 'ParseAsteriskIsNotAloneInSelectList'
  | 'ParseCastArity'
  | 'ParseEmptySelect'
  | 'ParseExpectedDatePart'
  | 'ParseExpectedExpression'
  | 'ParseExpectedIdentForAlias'
  | 'ParseExpectedKeyword'
  | 'ParseExpectedLeftParenAfterCast'
  | 'ParseExpectedNumber'
  | 'ParseExpectedTokenType'
  | 'ParseExpectedTypeName'
  | 'ParseExpectedWhenClause'
  | 'ParseInvalidPathComponent'
  | 'ParseInvalidTypeParam'
  | 'ParseNonUnaryAgregateFunctionCall'
  | 'ParseSelectMissingFrom'
  | 'ParseUnexpectedKeyword'
  | 'ParseUnexpectedTerm'
  | 'ParseUnexpectedToken'
  | 'ParseUnsupportedCallWithStar'
  | 'ParseUnsupportedSelect'
  | 'UnsupportedFunction'
  | 'UnsupportedSqlStructure'
  // The server.
  | 'NotImplemented'

/** A failure of a query that is reported to the client. */
export class QueryError extends Error {
  readonly code: QueryErrorCode
  /** A sentence about this failure; undefined if the code's sentence is enough. */
  readonly detail: string | undefined

  constructor(code: QueryErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? code : `${code}: ${detail}`, options)
    this.name = 'QueryError'
    this.code = code
    this.detail = detail
  }
}
