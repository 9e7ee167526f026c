// Runs the checks of PathLock.

import { test } from 'node:test'
import * as index from './index.ts'
import { lockChecks } from './lock.suite.ts'
import * as table from './table.ts'

for (const [name, check] of Object.entries(lockChecks)) test(name, () => check({ index, table }))
