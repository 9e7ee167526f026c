// Tasks that fill a page step by step, so that two can run alternately under one time budget.

import type { Select } from './ast.ts'
import type { SelectPage } from './page.ts'
import type { WalkContext } from './walk.ts'

/** A way to fill a page. */
export interface Task {
  /** Does one step. True when the page is complete. */
  step(): Promise<boolean>
  /** The page so far. */
  page(): SelectPage
}

export interface TaskContext extends WalkContext {
  readonly select: Select
  readonly pageBytes: number
}
