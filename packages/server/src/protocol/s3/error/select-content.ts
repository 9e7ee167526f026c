// S3's errors of SelectObjectContent.

import type { QueryError, QueryErrorCode } from '../../../select-content/error.ts'
import type { WireError } from './wire.ts'

/** The error of a failed query. */
export function queryWireError({ code, detail }: QueryError): WireError {
  const status = code === 'NotImplemented' ? 501 : 400
  return { status, code, message: detail ?? sentences[code] }
}

const sentences: Readonly<Record<QueryErrorCode, string>> = {
  // The request.
  AmbiguousFieldName:
    'The field name matches to multiple fields in the file. Check the SQL expression and the file.',
  EmptyRequestBody: 'The request body cannot be empty.',
  ExpressionTooLong:
    'The SQL expression is too long. The maximum length of the expression is 256 KB.',
  InvalidCompressionFormat: 'The file is not in a supported compression format.',
  InvalidExpressionType: 'The ExpressionType is not valid. Only SQL expressions are supported.',
  InvalidFileHeaderInfo:
    'The FileHeaderInfo is not valid. Only NONE, USE and IGNORE are supported.',
  InvalidJsonType: 'The JsonType is not valid. Only DOCUMENT and LINES are supported.',
  InvalidQuoteFields: 'The QuoteFields value is not valid. Only ALWAYS and ASNEEDED are supported.',
  InvalidRequestParameter: 'The value of a parameter in the SelectRequest element is not valid.',
  InvalidScanRange: 'The scan range is not valid.',
  InvalidTextEncoding: 'The encoding type is not valid. Only UTF-8 encoding is supported.',
  MissingRequiredParameter: 'The SelectRequest entity is missing a required parameter.',
  ObjectSerializationConflict:
    'InputSerialization and OutputSerialization can each have one format only.',
  UnsupportedScanRangeInput: 'Scan ranges are not supported for this kind of input.',
  // The data.
  CSVEscapingRecordDelimiter:
    'A quoted record delimiter was found in the file. Set AllowQuotedRecordDelimiter to allow it.',
  CSVParsingError: 'Encountered an error parsing the CSV file. Check the file and try again.',
  CSVUnescapedQuote: 'A quote character in the CSV file is not escaped.',
  InvalidColumnIndex: 'The column index in the SQL expression is not valid.',
  JSONParsingError: 'Encountered an error parsing the JSON file. Check the file and try again.',
  MissingHeaders: 'Some headers in the query are missing from the file.',
  OverMaxColumn: 'The number of columns in the file is greater than the maximum.',
  OverMaxParquetBlockSize: 'The Parquet file is above the maximum block size.',
  OverMaxRecordSize:
    'The length of a record in the input or result is greater than the maximum of 1 MB.',
  ParquetParsingError:
    'Encountered an error parsing the Parquet file. Check the file and try again.',
  ParquetUnsupportedCompressionCodec: 'The compression codec of the Parquet file is not supported.',
  TruncatedInput: 'Decompression failed. The object is not compressed as the request says.',
  // The evaluation.
  CastFailed: 'An attempt to convert from one data type to another failed in the SQL expression.',
  EvaluatorInvalidArguments: 'A function was called with the wrong number of arguments.',
  EvaluatorInvalidTimestampFormatPattern: 'The timestamp format pattern is not valid.',
  EvaluatorInvalidTimestampFormatPatternSymbol:
    'The timestamp format pattern contains a symbol that is not valid.',
  EvaluatorLikePatternInvalidEscapeSequence: 'The escape sequence of a LIKE pattern is not valid.',
  EvaluatorNegativeLimit: 'LIMIT must not be negative.',
  EvaluatorUnterminatedTimestampFormatPatternToken:
    'The timestamp format pattern has a quote that does not end.',
  IllegalSqlFunctionArgument: 'An illegal argument was used in a SQL function.',
  IncorrectSqlFunctionArgumentType: 'An argument of a SQL function has the wrong type.',
  IntegerOverflow: 'An integer overflow or underflow occurred in the SQL expression.',
  InvalidDataType: 'The SQL expression contains a data type that is not valid.',
  InvalidTableAlias: 'The SQL expression contains a table alias that is not valid.',
  LikeInvalidInputs: 'LIKE needs a text, a pattern, and an escape of one character.',
  ValueParseFailure: 'A timestamp could not be parsed.',
  // The expression's text.
  LexerInvalidChar: 'The SQL expression contains a character that is not valid.',
  LexerInvalidIONLiteral: 'The SQL expression contains an Ion literal that is not valid.',
  LexerInvalidLiteral: 'The SQL expression contains a literal that is not valid.',
  ParseAsteriskIsNotAloneInSelectList: 'SELECT * must be alone in the SELECT list.',
  ParseCastArity: 'CAST takes one value and one type.',
  ParseEmptySelect: 'The SQL expression contains an empty SELECT.',
  ParseExpectedDatePart: 'Expected a date part.',
  ParseExpectedExpression: 'Expected an expression.',
  ParseExpectedIdentForAlias: 'Expected an identifier for the alias.',
  ParseExpectedKeyword: 'Expected a keyword that is not there.',
  ParseExpectedLeftParenAfterCast: 'Expected a left parenthesis after CAST.',
  ParseExpectedNumber: 'Expected a number.',
  ParseExpectedTokenType: 'Expected a token that is not there.',
  ParseExpectedTypeName: 'Expected the name of a type.',
  ParseExpectedWhenClause: 'Expected a WHEN clause. CASE needs at least one.',
  ParseInvalidPathComponent: 'The SQL expression contains a path component that is not valid.',
  ParseInvalidTypeParam: 'The SQL expression contains a type parameter that is not valid.',
  ParseNonUnaryAgregateFunctionCall: 'An aggregate function takes one argument.',
  ParseSelectMissingFrom: 'The SQL expression has no FROM.',
  ParseUnexpectedKeyword: 'The SQL expression contains an unexpected keyword.',
  ParseUnexpectedTerm: 'The SQL expression contains an unexpected term.',
  ParseUnexpectedToken: 'The SQL expression contains an unexpected token.',
  ParseUnsupportedCallWithStar: 'Only COUNT can be called with *.',
  ParseUnsupportedSelect: 'The SQL expression contains an unsupported use of SELECT.',
  UnsupportedFunction: 'The SQL expression calls a function that is not supported.',
  UnsupportedSqlStructure: 'The SQL expression contains a structure that is not supported.',
  // The server.
  NotImplemented: 'The functionality is not implemented.',
}
