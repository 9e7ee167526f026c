// A server for the tests of one file, begun and ended by the hooks of a test runner.

import type { PassingEmbedOptions } from './options.ts'
import type { ClientConfig, Credentials, PassingServer } from './server.ts'
import { open } from './server.ts'

/**
 * The hooks of a test runner. Vitest and Jest call them so; in node:test, `beforeAll` is `before`, and `afterAll` is
 * `after`.
 */
export interface TestHooks {
  beforeAll(hook: () => Promise<void>): unknown
  afterAll(hook: () => Promise<void>): unknown
  /** If it is given, the server is reset before each test, so that every test begins with the same buckets. */
  beforeEach?(hook: () => Promise<void>): unknown
}

/** The server of a test file. Its properties can be read inside of tests and later hooks. */
export interface UsedServer {
  readonly endpoint: string
  readonly port: number
  readonly region: string
  readonly credentials: Credentials
  readonly clientConfig: ClientConfig
  readonly environment: Readonly<Record<string, string>>
  reset(): Promise<void>
}

/**
 * Opens a server before the first test of a file and closes it after the last one. The store is in memory unless
 * `options` say otherwise.
 */
export function useServer(
  hooks: TestHooks,
  options: PassingEmbedOptions = { memory: true },
): UsedServer {
  let server: PassingServer | undefined
  const running = (): PassingServer => {
    if (server !== undefined) return server
    throw new Error(
      'the server runs only within tests: read its properties there, or in a later hook',
    )
  }
  hooks.beforeAll(async () => {
    server = await open(options)
  })
  hooks.afterAll(async () => {
    await server?.close()
    server = undefined
  })
  let isFresh = true
  hooks.beforeEach?.(async () => {
    if (!isFresh) await running().reset()
    isFresh = false
  })
  return {
    get endpoint() {
      return running().endpoint
    },
    get port() {
      return running().port
    },
    get region() {
      return running().region
    },
    get credentials() {
      return running().credentials
    },
    get clientConfig() {
      return running().clientConfig
    },
    get environment() {
      return running().environment
    },
    reset: () => running().reset(),
  }
}
