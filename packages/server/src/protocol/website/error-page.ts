// The page that a visitor of a website sees where a request failed and no document of the bucket's is shown.

import { STATUS_CODES } from 'node:http'
import type { ErrorReport } from '../s3/error.ts'

/** The facts that a page tells beside the error. */
export interface PageContext {
  readonly requestId: string
  readonly hostId: string
  /** The reason for which the bucket's own error document can't be shown. */
  readonly documentProblem?: ErrorReport | undefined
}

/** The page of an error as HTML. */
export function errorPage(report: ErrorReport, context: PageContext): string {
  const { requestId, hostId, documentProblem } = context
  const title = escapeHtml(`${report.status} ${STATUS_CODES[report.status] ?? ''}`.trim())
  const ids = { RequestId: requestId, HostId: hostId }
  const nested =
    documentProblem === undefined
      ? ''
      : '<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n' +
        listOf(documentProblem)
  return (
    `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n` +
    `${listOf(report, ids)}${nested}<hr/>\n</body>\n</html>\n`
  )
}

function listOf(
  { code, message, fields }: ErrorReport,
  more: Readonly<Record<string, string>> = {},
): string {
  const facts = { Code: code, Message: message, ...fields, ...more }
  const items = Object.entries(facts).map(
    ([name, value]) => `<li>${escapeHtml(name)}: ${escapeHtml(value)}</li>\n`,
  )
  return `<ul>\n${items.join('')}</ul>\n`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
