// The duty of the collector, which one process has at a time: every transaction of its work reads the
// row that says so, and can't commit once another process has taken the duty over.

import type { Engine } from '../engine/engine.ts'
import { hasCollectorDuty } from '../store/body/process.ts'

/** Another process has the duty now. */
export class DutyLostError extends Error {
  override readonly name = 'DutyLostError'

  constructor() {
    super('another process has taken over the collection')
  }
}

/** `engine` for the work of process start `start` as the collector. Its writes throw DutyLostError, too. */
export function onDuty(engine: Engine, start: number): Engine {
  return {
    read: (body, options) => engine.read(body, options),
    write: (body) =>
      engine.write(async (tx) => {
        if (!(await hasCollectorDuty(tx, start))) throw new DutyLostError()
        return body(tx)
      }),
    watch: (key, seen, signal) => engine.watch(key, seen, signal),
    checkRoom: (bytes) => engine.checkRoom(bytes),
    statistics: () => engine.statistics(),
    close: () => engine.close(),
  }
}
