// `npm run build`: builds all packages into their `dist` folders. `npm publish ./packages/…/dist` publishes one.

import { buildLibrary } from './library.ts'
import { buildServer } from './server.ts'

await buildLibrary('pathlock')
await buildLibrary('client')
await buildServer()
