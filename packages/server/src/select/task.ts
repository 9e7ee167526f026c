// Ways to work on a page, step by step, so that time can be shared and looked at in between.

import type { Select } from './ast.ts'
import type { SelectPage } from './page.ts'
import type { WalkContext } from './walk.ts'

/** Work on a page. */
export interface Task {
  /** Does some of it. True when the page is complete. */
  step(): Promise<boolean>
  /** The page as far as it is. */
  page(): SelectPage
}

/** What every task needs. */
export interface TaskContext extends WalkContext {
  readonly select: Select
  readonly pageBytes: number
}
