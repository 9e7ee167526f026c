// Servers for tests under Vitest, Jest and node:test: docs/testing.md.

import './embed/node-version.ts'

export type { PassingEmbedOptions } from './embed/options.ts'
export type { ClientConfig, Credentials } from './embed/server.ts'
export { type TestHooks, type UsedServer, useServer } from './embed/use-server.ts'
