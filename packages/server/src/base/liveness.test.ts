import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { isAlive, livenessOf, ownLiveness, type System } from './liveness.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** A system that has process 7 and fails with `failures` by what is asked. */
function systemWith(failures: { stat?: string; boot?: string; kill?: string }): System {
  const answer = (text: string, code: string | undefined): string => {
    if (code !== undefined) throw systemError(code)
    return text
  }
  return {
    read: (path) =>
      path.startsWith('/proc/7/')
        ? answer(`7 (a) b) S ${'0 '.repeat(18)}42 0`, failures.stat)
        : answer('boot\n', failures.boot),
    kill: () => void answer('', failures.kill),
  }
}

test('this process is alive, and one that has ended is not', () => {
  assert.equal(isAlive(ownLiveness()), true)
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' })
  const ended = stdout.trim()
  assert.equal(livenessOf(Number(ended)), undefined)
  assert.equal(isAlive(ended), false)
  assert.equal(isAlive(`${ended}:1:boot`), false)
  assert.equal(isAlive(''), false)
  assert.equal(isAlive('0'), false)
})

test('a process id that was given out again is another process', () => {
  const system = systemWith({})
  assert.equal(isAlive('7:42:boot', system), true)
  assert.equal(isAlive('7:41:boot', system), false)
  assert.equal(isAlive('7:42:earlier', system), false)
})

test('only a process that the system says is not there is dead', () => {
  for (const code of ['ENOENT', 'ESRCH']) {
    assert.equal(isAlive('7:42:boot', systemWith({ stat: code })), false, code)
  }
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EIO']) {
    assert.equal(isAlive('7:42:boot', systemWith({ stat: code })), true, code)
    assert.equal(isAlive('7:42:boot', systemWith({ boot: code })), true, code)
  }
  assert.equal(isAlive('7', systemWith({ kill: 'ESRCH' })), false)
  assert.equal(isAlive('7', systemWith({ kill: 'EPERM' })), true)
})
