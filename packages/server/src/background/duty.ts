// The collector's duty, held by one process at a time. Every transaction of its work reads the row that names
// the holder, so it can't commit once another process has taken over the duty.

import type { StartId } from '../base/terms.ts'
import type { Engine } from '../engine/engine.ts'
import { hasCollectorDuty } from '../store/body/process.ts'

/** Another process now holds the duty. */
export class DutyLostError extends Error {
  override readonly name = 'DutyLostError'

  constructor() {
    super('another process has taken over the collection')
  }
}

/** `engine` for the collector's work in process start `start`. Writes also throw DutyLostError. */
export function onDuty(engine: Engine, start: StartId): Engine {
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
