// Detects requests to SimpleDB, which shares its port with S3.

import type { IncomingMessage } from 'node:http'
import { bucketOfHost } from '../http/host.ts'

/** The prefix of SimpleDB's export API, too short for a bucket's name. */
export const exportPath = '/v2/'

const actionParameter = /[?&](?:Action|Version)=/
const formType = /^application\/x-www-form-urlencoded\b/i

/**
 * True for a request to SimpleDB. Its query protocol uses the path `/`, with `Action` or `Version` in the query, or a
 * form in the body. On a bucket's own host name, all paths belong to the bucket.
 * @param domains the server's own names, of which a bucket may be a subdomain
 */
export function isSimpleDb(
  { method, url = '/', headers }: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  domains: readonly string[],
): boolean {
  const path = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '')
  const isHere = path === '/' || path.startsWith('/?') || path.startsWith('?') || path === ''
  if (!isHere && !path.startsWith(exportPath)) return false
  if (bucketOfHost(headers.host, domains) !== undefined) return false
  if (!isHere || actionParameter.test(path)) return true
  return method === 'POST' && formType.test(headers['content-type'] ?? '')
}
