import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { livenessOf, ownLiveness, type System, type Verdict, verdictOn } from './liveness.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** The facts of a simulated system, and the error codes of its failures. */
interface Facts {
  readonly stat?: string
  readonly boot?: string
  readonly namespace?: string
  readonly kill?: string
  readonly isForeignProc?: boolean
}

/** A system that has process 7, started at tick 42, in the scope `boot:1:machine`. */
function systemWith(failures: Facts = {}): System {
  const answer = (text: string, code: string | undefined): string => {
    if (code !== undefined) throw systemError(code)
    return text
  }
  return {
    pid: 5,
    read(path) {
      if (path === '/proc/self/stat') return failures.isForeignProc === true ? '905 (n) S' : '5 (n)'
      if (path === '/etc/machine-id') return 'machine\n'
      if (path === '/proc/7/stat') return answer(`7 (a) b) S ${'0 '.repeat(18)}42 0`, failures.stat)
      return answer('boot\n', failures.boot)
    },
    readLink: () => answer('pid:[1]', failures.namespace),
    kill: () => void answer('', failures.kill),
  }
}

const seven = '7:42:boot:1:machine'

function check(token: string, facts: Facts, expected: Verdict): void {
  assert.equal(verdictOn(token, systemWith(facts)), expected, JSON.stringify([token, facts]))
}

test('this process is alive, and one that has ended is not', () => {
  assert.equal(verdictOn(ownLiveness()), 'alive')
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' })
  const ended = stdout.trim()
  assert.equal(livenessOf(Number(ended)), undefined)
  assert.equal(verdictOn(ownLiveness().replace(/^\d+/, ended)), 'dead')
  check('', {}, 'dead')
  check('0', {}, 'dead')
})

test('a process id that was given out again is another process', () => {
  assert.equal(livenessOf(7, systemWith()), seven)
  check(seven, {}, 'alive')
  check('7:41:boot:1:machine', {}, 'dead')
})

test('nothing is known of a process of another machine, boot or PID namespace', () => {
  const gone = { stat: 'ENOENT', kill: 'ESRCH' }
  for (const facts of [{}, gone]) {
    check('7:42:boot:1:elsewhere', facts, 'unknown')
    check('7:42:earlier:1:machine', facts, 'unknown')
    check('7:42:boot:2:machine', facts, 'unknown')
    // Tokens of versions that didn't record their namespace.
    check('7:42:boot', facts, 'unknown')
    check('7', facts, 'unknown')
  }
})

test('only a process that the system says is not there is dead', () => {
  for (const code of ['ENOENT', 'ESRCH']) {
    check(seven, { stat: code, kill: 'ESRCH' }, 'dead')
    // Hidden by /proc, but alive.
    check(seven, { stat: code }, 'unknown')
    check(seven, { stat: code, kill: 'EPERM' }, 'unknown')
  }
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EIO']) {
    check(seven, { stat: code, kill: 'ESRCH' }, 'unknown')
    check(seven, { boot: code }, 'unknown')
    check(seven, { namespace: code }, 'unknown')
  }
})

test('a /proc of another PID namespace proves nothing about its numbers', () => {
  const facts = { isForeignProc: true }
  check(seven, facts, 'unknown')
  check('7:41:boot:1:machine', facts, 'unknown')
  check(seven, { ...facts, kill: 'ESRCH' }, 'dead')
  assert.equal(livenessOf(7, systemWith(facts)), undefined)
  assert.equal(ownLiveness(systemWith(facts)), '5')
})
