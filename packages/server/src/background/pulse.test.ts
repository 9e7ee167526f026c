import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../base/liveness.ts'
import { asStartId } from '../base/terms.ts'
import type { NumberedStart } from '../store/body/process.ts'
import { HeartMonitor } from './pulse.ts'

function start(number: number, beat: number): NumberedStart {
  return {
    number: asStartId(number),
    record: { liveness: String(number), epoch: 0, beat, beatAt: 0, mark: 0, marked: 0 },
  }
}

/** The numbers of the dead among `starts`. */
function look(
  monitor: HeartMonitor,
  starts: readonly NumberedStart[],
  { ownBeat, verdict = 'unknown' }: { readonly ownBeat: number; readonly verdict?: Verdict },
): number[] {
  return monitor.dead(starts, { ownBeat, verdictOn: () => verdict }).map(({ number }) => number)
}

test('a start that the system reports dead is dead at once', () => {
  assert.deepEqual(look(new HeartMonitor(), [start(1, 5)], { ownBeat: 0, verdict: 'dead' }), [1])
})

test('a start of unknown liveness is dead after 60 seconds without a heartbeat, as observed here', () => {
  const monitor = new HeartMonitor()
  // Between 13 own heartbeats there are 12 intervals of 5 seconds.
  for (let ownBeat = 7; ownBeat < 20; ownBeat++) {
    assert.deepEqual(look(monitor, [start(1, 5), start(2, ownBeat)], { ownBeat }), [])
  }
  assert.deepEqual(look(monitor, [start(1, 5), start(2, 19)], { ownBeat: 20 }), [1])
})

test('only own heartbeats count, however often and however late the monitor looks', () => {
  const monitor = new HeartMonitor()
  for (let round = 0; round < 1000; round++) {
    assert.deepEqual(look(monitor, [start(1, 5)], { ownBeat: 7 }), [])
  }
})

test('a heartbeat restarts the time, and so does a start that comes back', () => {
  const monitor = new HeartMonitor()
  look(monitor, [start(1, 5)], { ownBeat: 0 })
  assert.deepEqual(look(monitor, [start(1, 6)], { ownBeat: 12 }), [])
  assert.deepEqual(look(monitor, [start(1, 6)], { ownBeat: 24 }), [])
  assert.deepEqual(look(monitor, [], { ownBeat: 25 }), [])
  assert.deepEqual(look(monitor, [start(1, 6)], { ownBeat: 26 }), [])
  assert.deepEqual(look(monitor, [start(1, 6)], { ownBeat: 39 }), [1])
})

test('a start that the system reports alive needs no heartbeat', () => {
  const monitor = new HeartMonitor()
  for (const ownBeat of [0, 100]) {
    assert.deepEqual(look(monitor, [start(1, 5)], { ownBeat, verdict: 'alive' }), [])
  }
})
