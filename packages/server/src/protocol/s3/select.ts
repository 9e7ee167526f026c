// SelectObjectContent. The response is an event stream. Errors before its first message are ordinary error
// responses; later errors are events.

import {
  type SelectContentInput,
  type SelectedContent,
  selectFolderContent,
  selectObjectContent,
} from '../../operation/select-content.ts'
import { QueryError } from '../../select-content/error.ts'
import type { QueryStats } from '../../select-content/message.ts'
import type { QueryEvent } from '../../select-content/pool.ts'
import { type Answer, type Call, type Route, route } from './answer.ts'
import { queryWireError } from './error/select-content.ts'
import { invalidArgument, invalidRequest, reportError, S3Error } from './error.ts'
import { encodeEvent } from './event-stream.ts'
import { recursiveHeader } from './folder.ts'
import { documentOf } from './payload.ts'
import type { S3Request } from './request.ts'
import { headerOf } from './request.ts'
import { decodeSelectDocument } from './select-request.ts'

interface SelectInput extends SelectContentInput {
  readonly isProgressWanted: boolean
}

export const selectObjectContentRoute: Route = select(selectObjectContent, {})

/** SelectObjectContent over all objects of a folder. */
export const selectFolderContentRoute: Route = {
  ...select(selectFolderContent, { [recursiveHeader]: 'true' }),
  accepts: new Set([recursiveHeader]),
}

function select(
  operation: typeof selectObjectContent | typeof selectFolderContent,
  headers: Readonly<Record<string, string>>,
): Route {
  const isOfFolder = operation === selectFolderContent
  return {
    name: operation.name,
    answer: (request, call) =>
      route(
        operation,
        () => decode(request, isOfFolder),
        (selected, _request, input) => encode(selected, input, call, headers),
        (selected) => selected.close(),
      )
        .answer(request, call)
        .catch((error: unknown) => {
          throw wireErrorOf(error)
        }),
  }
}

async function decode(request: S3Request, isOfFolder: boolean): Promise<SelectInput> {
  const { bucket, key, query } = request
  const type = query.get('select-type')
  if (type !== '2') throw invalidArgument('The select type must be 2.', 'select-type', type ?? '')
  const versionId = query.get('versionId')
  if (isOfFolder) checkFolder(request, versionId)
  const document = await documentOf(request, { isRequired: false })
  if (document === undefined) throw new QueryError('EmptyRequestBody')
  return { bucket, key, versionId, ...decodeSelectDocument(document) }
}

function checkFolder(request: S3Request, versionId: string | undefined): void {
  const flag = headerOf(request, recursiveHeader)
  if (flag !== 'true') throw invalidArgument('The value must be true.', recursiveHeader, flag ?? '')
  if (!request.key.endsWith('/')) throw invalidRequest('The key of a folder ends in "/".')
  if (versionId !== undefined) throw invalidRequest('A folder has no versions.')
}

function encode(
  selected: SelectedContent,
  { isProgressWanted }: SelectInput,
  call: Call,
  headers: Readonly<Record<string, string>>,
): Answer {
  const source = messages(selected.events, isProgressWanted, call)
  const close = async (): Promise<void> => {
    await source.return(undefined)
    await selected.close()
  }
  return {
    status: 200,
    headers: { 'Content-Type': 'application/octet-stream', ...headers },
    body: { content: { kind: 'stream', source, close }, sizeBytes: undefined },
  }
}

async function* messages(
  events: AsyncGenerator<QueryEvent>,
  isProgressWanted: boolean,
  { services, caller }: Call,
): AsyncGenerator<Buffer> {
  const { log } = services
  const { signal } = caller
  let hasBegun = false
  try {
    for await (const event of events) {
      if (event.kind === 'progress' && !isProgressWanted) continue
      yield encodeQueryEvent(event)
      hasBegun = true
      if (event.kind === 'end') yield encodeEvent(headersOf('End'))
    }
  } catch (error) {
    if (!hasBegun) throw wireErrorOf(error)
    const { code, message, isFault } = reportError(wireErrorOf(error))
    // A disconnected client is no fault, and reads no message.
    if (signal.aborted) return
    if (isFault) log.error('request failed', { operation: selectObjectContent.name, error })
    yield encodeEvent([
      [':error-code', code],
      [':error-message', message.slice(0, 1000)],
      [':message-type', 'error'],
    ])
  }
}

function encodeQueryEvent(event: QueryEvent): Buffer {
  switch (event.kind) {
    case 'records':
      return encodeEvent(headersOf('Records', 'application/octet-stream'), event.bytes)
    case 'continuation':
      return encodeEvent(headersOf('Cont'))
    case 'progress':
      return encodeEvent(headersOf('Progress', 'text/xml'), statsXml('Progress', event.stats))
    case 'end':
      return encodeEvent(headersOf('Stats', 'text/xml'), statsXml('Stats', event.stats))
  }
}

function headersOf(type: string, contentType?: string): [string, string][] {
  const headers: [string, string][] = [[':event-type', type]]
  if (contentType !== undefined) headers.push([':content-type', contentType])
  headers.push([':message-type', 'event'])
  return headers
}

function statsXml(root: string, stats: QueryStats): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><${root}>` +
      `<BytesScanned>${stats.scannedBytes}</BytesScanned>` +
      `<BytesProcessed>${stats.processedBytes}</BytesProcessed>` +
      `<BytesReturned>${stats.returnedBytes}</BytesReturned></${root}>`,
  )
}

function wireErrorOf(error: unknown): unknown {
  return error instanceof QueryError ? new S3Error(queryWireError(error), { cause: error }) : error
}
