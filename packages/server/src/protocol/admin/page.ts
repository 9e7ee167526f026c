// The page for a person who opens the server's address in a browser. It is static and loads nothing, and what a
// browser may do on it is next to nothing.

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

type Head = Pick<IncomingMessage, 'method' | 'url' | 'headers'>

/**
 * True for the request of a browser for the root: one that prefers HTML and carries no trace of a client of S3 or
 * SimpleDB, which sign, name what they want in the query or in `x-amz-` headers, or take any type.
 */
export function wantsPage({ method, url, headers }: Head): boolean {
  if (url !== '/' || (method !== 'GET' && method !== 'HEAD')) return false
  if (headers.authorization !== undefined || !acceptsHtml(headers.accept)) return false
  for (const name in headers) if (name.startsWith('x-amz-')) return false
  return true
}

/** A browser names HTML first; libraries that name it among others ask for data. */
function acceptsHtml(accept = ''): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\s*(;|,|$)/i.test(accept)
}

const style = `
body { margin: 4rem auto; max-width: 42rem; padding: 0 1.5rem; color: #1c2733; background: #fff;
  font: 1rem/1.6 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
pre { padding: 1rem; background: #eef2f6; border-radius: .4rem; overflow-x: auto; }
.well::before, .ill::before { content: ""; display: inline-block; width: .7em; height: .7em;
  margin-right: .5em; border-radius: 50%; background: #1a8a4c; }
.ill::before { background: #c0392b; }
@media (prefers-color-scheme: dark) {
  body { color: #dfe7ee; background: #131a21; }
  pre { background: #1f2932; }
}
`

/** The headers of the page: it may show itself and its one style, and nothing else. */
export function pageHeaders(): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(style).digest('base64')
  return {
    'Content-Security-Policy':
      `default-src 'none'; style-src 'sha256-${hash}'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    Vary: 'Accept, Authorization',
    'X-Content-Type-Options': 'nosniff',
  }
}

/** The page of a server that is reached at `host` (of the request, any text). */
export function pageText(facts: {
  readonly host: string | undefined
  readonly isSecure: boolean
  readonly isStopping: boolean
}): string {
  const { host = '', isSecure, isStopping } = facts
  // Shown only as far as it can't be anything but an address.
  const name = /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:]+\](:\d{1,5})?$/i.test(host) ? host : 'THIS-SERVER'
  const endpoint = `${isSecure ? 'https' : 'http'}://${name}`
  const state = isStopping
    ? '<p class="ill">It is stopping, and takes no more requests.</p>'
    : '<p class="well">It is well, and serves requests.</p>'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Holdfast</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Holdfast</h1>
<p>A storage server for programs: it speaks Amazon S3 and Amazon SimpleDB at this address.</p>
${state}
<h2>The first bucket</h2>
<p>The server printed its access key when it was started for the first time. With it, in a terminal:</p>
<pre><code>export AWS_ACCESS_KEY_ID=…
export AWS_SECRET_ACCESS_KEY=…
export AWS_DEFAULT_REGION=us-east-1
aws --endpoint-url ${endpoint} s3 mb s3://first
aws --endpoint-url ${endpoint} s3 cp photo.jpg s3://first/
aws --endpoint-url ${endpoint} s3 ls s3://first</code></pre>
<p><a href="/_/health">/_/health</a> answers programs that watch over it, and
<a href="/_/metrics">/_/metrics</a> has its figures for Prometheus.</p>
</main>
</body>
</html>
`
}
