// Runs the checks by random runs.

import { test } from 'node:test'
import * as index from './index.ts'
import { modelChecks } from './model.suite.ts'
import * as table from './table.ts'

for (const [name, check] of Object.entries(modelChecks)) test(name, () => check({ index, table }))
