// The progress line.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress, type Terminal } from './progress.ts'

class Screen implements Terminal {
  readonly written: string[] = []
  readonly isTTY: boolean
  readonly columns = 100

  constructor(isTTY: boolean) {
    this.isTTY = isTTY
  }

  write(text: string): void {
    this.written.push(text)
  }

  get last(): string {
    return (this.written.at(-1) ?? '').replace('\r\x1b[K', '')
  }
}

test('where nobody looks, nothing is drawn', () => {
  const screen = new Screen(false)
  const progress = new Progress(screen, () => 1000)
  progress.show({ what: 'x', bytes: 1 })
  progress.clear()
  assert.deepEqual(screen.written, [])
})

test('a line tells the share, the amounts, the speed and the time that is left', () => {
  let now = 0
  const screen = new Screen(true)
  const progress = new Progress(screen, () => now)
  now = 4000
  progress.show({ what: 'up', bytes: 1024, bytesTotal: 4096, objects: 1, objectsTotal: 4 })
  const bar = `${'█'.repeat(6)}${'░'.repeat(18)}`
  const line = `up  [${bar}] 25%  1.0 KiB of 4.0 KiB  1 object of 4  256 B/s  12 s left`
  assert.equal(screen.last, line)
  now = 8000
  progress.show({ what: 'zip', bytes: 2048 })
  assert.equal(screen.last, 'zip  2.0 KiB  256 B/s')
  now = 8050
  progress.show({ what: 'zip', bytes: 4096 })
  assert.equal(screen.written.length, 2)
  progress.clear()
  assert.equal(screen.written.at(-1), '\r\x1b[K')
})

test('a line is never longer than the terminal is wide', () => {
  let now = 0
  const screen = new Screen(true)
  const progress = new Progress(screen, () => now)
  now = 200
  progress.show({ what: 'x'.repeat(500), bytes: 1, bytesTotal: 2 })
  assert.equal(screen.last.length, 99)
})
