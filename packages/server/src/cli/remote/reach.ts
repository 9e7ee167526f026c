// Explains why a server could not be reached, with remedies. The error of a TLS mismatch depends on which side gives
// up first, so a probe of the port detects its protocol.

import { request } from 'node:http'
import { connect as connectTls } from 'node:tls'
import { systemCode } from '../../base/exit.ts'

/** The time limit of the probe in milliseconds. */
const lookMs = 2000

/** The explanation; undefined if the error has another cause. */
export async function explainUnreachable(
  error: Error,
  endpoint: string,
): Promise<string | undefined> {
  const code = codeOf(error)
  if (code === undefined) return undefined
  const url = new URL(endpoint)
  const certificate = explainCertificate(code, error, url)
  if (certificate !== undefined) return certificate
  if (breaks.test(code)) {
    const other = url.protocol === 'https:' ? await speaksPlain(url) : await speaksTls(url)
    if (other) return url.protocol === 'https:' ? usePlain(url) : useTls(url)
    if (code.startsWith('HPE_')) return `what answers at ${endpoint} is no HTTP server: ${advice}`
    if (/^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(code)) {
      return `no TLS connection to ${endpoint} comes about (${code}): ${advice}`
    }
  }
  return explainSilence(code, url, endpoint)
}

const advice = 'name another server with --endpoint'

/** Codes that mean that the peer answered, but in another protocol. */
const breaks = /^(ECONNRESET|EPIPE|ECONNABORTED|EPROTO|ERR_SSL_\w+|ERR_TLS_\w+|HPE_\w+)$/

function usePlain({ host }: URL): string {
  return `${host} speaks plain HTTP, not TLS: use http://${host}`
}

function useTls({ host }: URL): string {
  return `${host} speaks TLS, not plain HTTP: use https://${host}`
}

/** The code of an error, or of its cause. */
function codeOf(error: Error): string | undefined {
  const code = systemCode(error)
  if (code !== undefined) return code
  if (error.name === 'TimeoutError') return error.name
  return error.cause instanceof Error ? codeOf(error.cause) : undefined
}

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
function explainCertificate(code: string, error: Error, url: URL): string | undefined {
  const { host, hostname } = url
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_UNTRUSTED':
      return (
        `no authority that this machine knows has signed the certificate of ${host}: name the certificate, ` +
        "or its authority's, with --ca FILE"
      )
    case 'CERT_HAS_EXPIRED':
      return `the certificate of ${host} has expired: the server needs a new one`
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${host} is not valid yet: is the clock of this machine right?`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return `the certificate of ${host} is not for the name ${hostname}${namesOf(error)}: ${useName}`
    case 'CERT_REVOKED':
    case 'CERT_REJECTED':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_CHAIN_TOO_LONG':
    case 'INVALID_CA':
    case 'INVALID_PURPOSE':
    case 'PATH_LENGTH_EXCEEDED':
      return `the certificate of ${host} can't be trusted (${code}): the server needs another one`
    default:
      return undefined
  }
}

const useName = 'use one of its names in --endpoint'

/** The names in the certificate of an error. */
function namesOf(error: Error): string {
  const found = findCertificate(error)
  const names = found?.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, ''))
  return names === undefined ? '' : `, but for ${names.join(', ')}`
}

function findCertificate(error: Error): string | undefined {
  if ('cert' in error && typeof error.cert === 'object' && error.cert !== null) {
    const { cert } = error
    if ('subjectaltname' in cert && typeof cert.subjectaltname === 'string') {
      return cert.subjectaltname
    }
  }
  return error.cause instanceof Error ? findCertificate(error.cause) : undefined
}

function explainSilence(code: string, { hostname }: URL, endpoint: string): string | undefined {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return `no machine of the name ${hostname} can be found (${code}): ${advice}`
    case 'ETIMEDOUT':
    case 'TimeoutError':
      return `${endpoint} gives no answer in time: is the machine up, and the port open to this one?`
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'EADDRNOTAVAIL':
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return (
        `no server answers at ${endpoint} (${code}): start one with \`holdfast serve\`, ` +
        'or name another with --endpoint'
      )
    default:
      return undefined
  }
}

/** True if the port answers a plain HTTP request. */
function speaksPlain({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request(
      { host: bare(hostname), port: port || 443, method: 'HEAD', path: '/', agent: false },
      (answer) => {
        answer.resume()
        asking.destroy()
        resolve(true)
      },
    )
    asking.setTimeout(lookMs, () => asking.destroy())
    asking.once('error', () => resolve(false))
    asking.once('close', () => resolve(false))
    asking.end()
  })
}

/** True if the port completes a TLS handshake, with any certificate. Sends no data. */
function speaksTls({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = bare(hostname)
    const socket = connectTls({ host, port: Number(port || 80), rejectUnauthorized: false }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.setTimeout(lookMs, () => socket.destroy())
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

/** The host for a socket: without the brackets that IPv6 addresses have in URLs. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/**
 * Explains a response that isn't S3's, such as a web server's page, or a TLS port's notice. Undefined for S3's
 * responses, which always have a request id.
 */
export async function explainStranger(error: Error, endpoint: string): Promise<string | undefined> {
  const metadata = '$metadata' in error ? error.$metadata : undefined
  if (typeof metadata !== 'object' || metadata === null) return undefined
  const facts: { requestId?: unknown; httpStatusCode?: unknown } = { ...metadata }
  if (facts.requestId !== undefined) return undefined
  const url = new URL(endpoint)
  if (url.protocol === 'http:' && (await speaksTls(url))) return useTls(url)
  const status =
    facts.httpStatusCode === undefined ? '' : ` (its status is ${facts.httpStatusCode})`
  return `what answers at ${endpoint} is no S3 server${status}: ${advice}`
}
