// Embeds Holdfast in another program, or in its tests: one process and one store, with an HTTP server of its
// own or a handler for an existing server.

import './embed/node-version.ts'

export type { BucketDefaults } from './access/bucket-defaults.ts'
export type { AccessKey } from './access/key.ts'
export { CredentialsError, parseCredentials } from './access/key.ts'
export type { Owner } from './access/principal.ts'
export type { PublicAccessBlock } from './access/public-access-block.ts'
export { isStoreError, type Refusal, StoreError, type StoreErrorCode } from './base/errors.ts'
export type { SimpleDbLimits } from './base/limits.ts'
export type {
  BucketsOption,
  CommonEmbedOptions,
  EmbedOptions,
  FolderEmbedOptions,
  KeyOption,
  PassingEmbedOptions,
  SeedObjects,
} from './embed/options.ts'
export {
  type ClientConfig,
  type Credentials,
  type EmbeddedServer,
  open,
  type PassingServer,
} from './embed/server.ts'
export { type Log, type LogFields, silentLog } from './observe/log.ts'
export type { Acceptance } from './operation/acceptance.ts'
export { type Misfit, MisfitError } from './operation/fit.ts'
