// The no-op reference: `node:http` with two workers. It answers every GET with the same 4 KiB and
// every HEAD with their headers, and discards the body of a PUT. Arguments: port.

import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { bodyOf } from '../test/crash/content.ts'

const workerCount = 2
const body = bodyOf('bench', 4096)

if (cluster.isPrimary) {
  for (let n = 0; n < workerCount; n += 1) cluster.fork()
} else {
  const server = createServer((request, response) => {
    if (request.method === 'PUT') {
      request.resume()
      request.on('end', () => response.writeHead(200, { 'content-length': 0 }).end())
      return
    }
    response.writeHead(200, {
      'content-type': 'binary/octet-stream',
      'content-length': body.length,
      etag: '"0123456789abcdef0123456789abcdef"',
      'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  server.listen(Number(process.argv[2]), '127.0.0.1')
}
