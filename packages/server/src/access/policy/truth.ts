// Logic with a third value: a condition on objects that weren't looked up is neither true nor false.

import { type Unknown, unknownValue } from './context-key.ts'

export type Truth = boolean | Unknown

export function not(truth: Truth): Truth {
  return truth === unknownValue ? truth : !truth
}

/** True if one is true; else unknown if one is unknown. */
export function some<T>(items: Iterable<T>, test: (item: T) => Truth): Truth {
  let result: Truth = false
  for (const item of items) {
    const truth = test(item)
    if (truth === true) return true
    if (truth === unknownValue) result = unknownValue
  }
  return result
}

/** False if one is false; else unknown if one is unknown. */
export function every<T>(items: Iterable<T>, test: (item: T) => Truth): Truth {
  let result: Truth = true
  for (const item of items) {
    const truth = test(item)
    if (truth === false) return false
    if (truth === unknownValue) result = unknownValue
  }
  return result
}
