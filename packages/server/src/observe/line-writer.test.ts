import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { LineWriter } from './line-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-lines-'))
after(() => rmSync(folder, { recursive: true }))

test('lines are written in order, whole, and without being waited for', async () => {
  const file = join(folder, 'log')
  const fd = openSync(file, 'w')
  const writer = new LineWriter(fd)
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'é'.repeat(20)}\n`)
  for (const line of lines) writer.write(line)
  assert.equal(readFileSync(file, 'utf8'), '')
  while (readFileSync(file, 'utf8').length < lines.join('').length) await turn()
  assert.equal(readFileSync(file, 'utf8'), lines.join(''))
  writer.write('one more\n')
  writer.flush()
  assert.ok(readFileSync(file, 'utf8').endsWith('one more\n'))
  closeSync(fd)
})

test('all of many short lines reaches a slow reader', async () => {
  const fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
  // Keeps the pipe open, so that neither side blocks on the other.
  const fd = openSync(fifo, 'r+')
  const reader = spawn('head', ['-c', '16000000', fifo], { stdio: ['ignore', 'ignore', 'inherit'] })
  const writer = new LineWriter(fd)
  for (let i = 0; i < 2_000_000; i++) writer.write('1234567\n')
  writer.flush()
  await once(reader, 'exit')
  closeSync(fd)
})

test('a log that can not be written is no error', async () => {
  const fd = openSync(import.meta.filename, 'r')
  const writer = new LineWriter(fd)
  writer.write('lost\n')
  await turn()
  writer.write('lost\n')
  writer.flush()
  closeSync(fd)
})
