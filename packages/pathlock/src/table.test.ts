// Runs the checks of the lock table.

import { test } from 'node:test'
import * as index from './index.ts'
import { tableChecks } from './table.suite.ts'
import * as table from './table.ts'

for (const [name, check] of Object.entries(tableChecks)) test(name, () => check({ index, table }))
