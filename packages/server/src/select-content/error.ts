// The errors of SelectObjectContent, under S3's own names. The client reads the code from an XML error
// before the answer has begun, and from an error event afterwards; the protocol has the words of each code.
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

/** A failure of a query for a reason that its caller may know. */
export class QueryError extends Error {
  readonly code: QueryErrorCode
  /** The fault at hand, as a sentence; undefined where the words of the code suffice. */
  readonly detail: string | undefined

  constructor(code: QueryErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? code : `${code}: ${detail}`, options)
    this.name = 'QueryError'
    this.code = code
    this.detail = detail
  }
}
