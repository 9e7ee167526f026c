// The connection of a command to a server: finds the endpoint and key, and closes the clients.

import { join } from 'node:path'
import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { createHoldfast, type Folders, type Leases, withLease } from 'holdfast-client'
import { CommandError } from '../../base/exit.ts'
import { processEnvironment, useAwsProfile } from '../../config.ts'
import { findRootKey } from '../credentials.ts'
import { readHolder } from '../lock.ts'
import { readAuthorities } from './authority.ts'
import type { ServerChoice } from './config.ts'
import { explainFailure, type Peer } from './failure.ts'

/** The clients that a command uses, and the signal that ends it. */
export interface Session {
  readonly s3: S3Client
  readonly folders: Folders
  readonly leases: Leases
  /** Aborted when the command is stopped. */
  readonly signal: AbortSignal
}

const defaultEndpoint = 'http://127.0.0.1:9000'

/**
 * Runs `body` with a server, and converts its failures to CommandErrors. SIGINT and SIGTERM abort its signal, for an
 * orderly end. A second signal ends the process.
 */
export async function withServer<T>(
  choice: ServerChoice,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { config, peer } = await choose(choice)
  const s3 = new S3Client(config)
  const stop = new AbortController()
  const onSignal = (signal: string): void => stop.abort(new CommandError(`stopped by ${signal}`))
  const onClosed = (): void => stop.abort(new CommandError('nobody reads the output any more'))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  process.stdout.once('error', onClosed)
  try {
    const writing = choice.lease === undefined ? s3 : withLease(s3, choice.lease)
    const { folders, leases } = createHoldfast(writing)
    return await body({ s3: writing, folders, leases, signal: stop.signal })
  } catch (error) {
    throw (await explainFailure(stop.signal.aborted ? stop.signal.reason : error, peer)) ?? error
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    process.stdout.off('error', onClosed)
    s3.destroy()
  }
}

async function choose(
  choice: ServerChoice,
): Promise<{ readonly config: S3ClientConfig; readonly peer: Peer }> {
  if (choice.profile !== undefined) useAwsProfile(choice.profile)
  const base: S3ClientConfig = {
    forcePathStyle: true,
    requestHandler: await handlerOptions(choice),
  }
  const region = await regionOf(choice, base)
  const configured =
    choice.endpoint ??
    (choice.dataFolder.isNamed ? undefined : await configuredEndpoint({ ...base, region }))
  const key = await keyOf(choice, configured === undefined)
  const endpoint = configured ?? endpointOf(choice.dataFolder.path)
  return {
    config: {
      ...base,
      region,
      endpoint,
      ...(key.credentials === undefined ? {} : { credentials: key.credentials }),
    },
    peer: { endpoint, keySource: key.source, proxy: proxyFor(endpoint) },
  }
}

/** Timeouts in milliseconds of connecting and of idle connections. A request for a lease waits up to a minute. */
const [connectionTimeout, socketTimeout] = [10_000, 120_000]

async function handlerOptions({ ca }: ServerChoice): Promise<object> {
  const trust = ca === undefined ? {} : { httpsAgent: { ca: await readAuthorities(ca) } }
  return { connectionTimeout, socketTimeout, ...trust }
}

/** The environment variable of a proxy for the endpoint, which the SDK ignores. */
function proxyFor(endpoint: string): string | undefined {
  const environment = processEnvironment()
  const names = endpoint.startsWith('https:')
    ? ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']
    : ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']
  return names.find((name) => !!environment[name])
}

/** The server that a command without a key asks: the one that was named, or that of the data folder. */
export function endpointFor({ endpoint, dataFolder }: ServerChoice): string {
  return endpoint ?? endpointOf(dataFolder.path)
}

/** Where the server of a data folder is, if there is one. */
function endpointOf(dataFolder: string): string {
  return readHolder(dataFolder)?.endpoint ?? defaultEndpoint
}

interface ChosenKey {
  /** Undefined: found by the SDK. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly source: string
}

/** Chooses the key. @throws CommandError if the data folder should have one, and has none */
async function keyOf(choice: ServerChoice, isLocal: boolean): Promise<ChosenKey> {
  const { key, profile, dataFolder, hasEnvironment } = choice
  if (key !== undefined) return { credentials: key, source: `${key.accessKeyId}` }
  if (profile !== undefined) return { source: `of the profile ${profile}` }
  if (dataFolder.isNamed || (isLocal && !hasEnvironment)) {
    const root = await findRootKey(dataFolder.path)
    const source = `from ${join(dataFolder.path, 'credentials.json')}`
    if (root !== undefined) return { credentials: root, source }
    if (dataFolder.isNamed && !hasEnvironment) {
      throw new CommandError(`there is no root key in ${dataFolder.path}: is it a data folder?`)
    }
  }
  return { source: 'that the AWS settings name (environment or ~/.aws)' }
}

async function regionOf({ region }: ServerChoice, config: S3ClientConfig): Promise<string> {
  if (region !== undefined && region !== '') return region
  const s3 = new S3Client(config)
  // The region of the profile. The SDK requires a region.
  const found = await s3.config.region().catch(() => undefined)
  s3.destroy()
  return found ?? 'us-east-1'
}

/** Thrown inside the SDK instead of sending a request, with the URL of the request. */
class Destination extends Error {
  readonly hostname: string
  readonly url: string

  constructor(request: { protocol?: unknown; hostname?: unknown; port?: unknown; path?: unknown }) {
    super('a request is not sent')
    const { protocol, hostname, port } = request
    this.hostname = String(hostname)
    this.url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
  }
}

/**
 * The endpoint for S3 in the environment or the profile; undefined for Amazon's. The SDK resolves the endpoint only
 * during a request, which is stopped before it is sent.
 */
async function configuredEndpoint(config: S3ClientConfig): Promise<string | undefined> {
  const credentials = { accessKeyId: 'none', secretAccessKey: 'none' }
  const s3 = new S3Client({ ...config, credentials })
  s3.middlewareStack.add(
    () => (args) => {
      throw new Destination(typeof args.request === 'object' ? { ...args.request } : {})
    },
    { step: 'build', priority: 'high' },
  )
  try {
    await s3.send(new HeadBucketCommand({ Bucket: 'any-bucket' }))
    return undefined
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_INVALID_URL') {
      throw new CommandError(
        'the endpoint of the AWS settings (AWS_ENDPOINT_URL, or endpoint_url in ~/.aws) is no URL such as ' +
          defaultEndpoint,
        { cause: error },
      )
    }
    if (!(error instanceof Destination)) throw error
    return /\.amazonaws\.com(\.cn)?$/.test(error.hostname) ? undefined : error.url
  } finally {
    s3.destroy()
  }
}
