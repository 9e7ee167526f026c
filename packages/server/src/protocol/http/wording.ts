// The sentences about messages that break HTTP's own rules, the same in every protocol. Statuses and
// codes are each protocol's.

export const messageWords = {
  headerSectionTooLarge:
    'Your request header and query parameters used to make the request exceed the maximum allowed size.',
  invalidHost: 'The request must have one Host header that names a host.',
  transferEncodingInHttp10: 'An HTTP/1.0 request can not have a Transfer-Encoding header.',
  repeatedHeader: (name: string): string =>
    `The request must not have more than one ${name} header.`,
  tooManyParameters: 'The request has too many parameters.',
  invalidContentLength: 'The Content-Length header is not a valid number.',
  incompleteBody:
    'You did not provide the number of bytes specified by the Content-Length HTTP header.',
  wastefulChunks: 'The chunks of the request body are too small.',
  requestTimeout:
    'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
} as const
