// Mutation tests: each mutant is one fault in one source file, which a named check must detect. A
// mutant whose text is no longer in the source fails here, so the list can't become stale.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { lockChecks } from './lock.suite.ts'
import { modelChecks } from './model.suite.ts'
import type { Checks, Subject } from './oracle.fixture.ts'
import { schemeChecks } from './scheme.suite.ts'
import { tableChecks } from './table.suite.ts'

interface Mutant {
  readonly fault: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** The names of the checks that detect it, each on its own. */
  readonly killedBy: readonly string[]
}

const checks: Checks = { ...schemeChecks, ...tableChecks, ...lockChecks, ...modelChecks }
const pairsTest =
  'no pair of requests of up to one read and one write on 15 paths is unsafe or waits in vain'
const tablesTest = 'each scheme gives its compatibility table and its score'
const worldsTest = 'all sequences of up to 3 requests are held exactly when free under every scheme'
const stepsTest =
  'any steps of entering, reducing and removing leave held exactly what is free, and no nodes'
const commandsTest = 'under random commands every request holds, waits and fails as in the model'
const interleavingsTest =
  'under any interleaving no two tasks that conflict run together, and all end'

const mutants: readonly Mutant[] = [
  {
    fault: 'write-ancestor hides read',
    file: 'mode.ts',
    from: 'return Mode.readAndWriteAncestor',
    to: 'return Mode.writeAncestor',
    killedBy: [
      'a writer does not see into what a copy reads above the path that it writes',
      pairsTest,
    ],
  },
  {
    fault: 'read hides write-ancestor',
    file: 'mode.ts',
    from: 'return Mode.readAndWriteAncestor',
    to: 'return Mode.read',
    killedBy: [
      'a writer does not see into what a copy reads above the path that it writes',
      pairsTest,
    ],
  },
  {
    fault: 'read and write-ancestor make write',
    file: 'mode.ts',
    from: 'return Mode.readAndWriteAncestor',
    to: 'return Mode.write',
    killedBy: [pairsTest, worldsTest],
  },
  {
    fault: 'the later of two roles at a node wins',
    file: 'mode.ts',
    from: 'return a > b ? a : b',
    to: 'return b',
    killedBy: [pairsTest],
  },
  {
    fault: 'a node that is read may be written below',
    file: 'mode.ts',
    from: '[Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],',
    to: '[Mode.readAndWriteAncestor, Mode.write],',
    killedBy: [tablesTest],
  },
  {
    fault: 'ancestors of a written path are only locked as for a read',
    file: 'scheme.ts',
    from: 'writeAncestor: Mode.writeAncestor',
    to: 'writeAncestor: Mode.readAncestor',
    killedBy: [tablesTest],
  },
  {
    fault: 'reads are exclusive',
    file: 'scheme.ts',
    from: 'read: Mode.read,\n  readAncestor: Mode.readAncestor',
    to: 'read: Mode.write,\n  readAncestor: Mode.readAncestor',
    killedBy: [tablesTest],
  },
  {
    fault: 'the removal of a waiting request wakes nothing',
    file: 'table.ts',
    from: 'else this.#grantBehind(entry)',
    to: 'else if (!entry.isWaiting) this.#grantBehind(entry)',
    killedBy: [
      'when a writer that waits is removed, the readers behind it are granted',
      'an abort while waiting withdraws the request and wakes the requests behind it',
      worldsTest,
      commandsTest,
    ],
  },
  {
    fault: 'a release wakes nothing',
    file: 'table.ts',
    from: 'else this.#grantBehind(entry)',
    to: '',
    killedBy: [worldsTest, interleavingsTest],
  },
  {
    fault: 'a release wakes only the first request behind it',
    file: 'table.ts',
    from: 'while (queue?.firstWaiting !== undefined',
    to: 'if (queue?.firstWaiting !== undefined',
    killedBy: [
      'when a writer that waits is removed, the readers behind it are granted',
      worldsTest,
    ],
  },
  {
    fault: 'strict order at each node',
    file: 'table.ts',
    from: 'entry.isWaiting = this.#mustWait(entry)',
    to: 'entry.isWaiting = this.#mustWait(entry) || entry.node.queues.some((queue) => queue?.firstWaiting)',
    killedBy: [
      'a request waits for none that it has no conflict with, whatever waits at their common ancestor',
      worldsTest,
    ],
  },
  {
    fault: 'only fully granted requests are waited for',
    file: 'table.ts',
    from: 'first.claim.ticket < entry.claim.ticket)',
    to: "first.claim.state === 'held' && first.claim.ticket < entry.claim.ticket)",
    killedBy: [
      'a later request does not overtake one that waits elsewhere for a part of its paths',
      worldsTest,
    ],
  },
  {
    fault: 'waiting requests are overtaken',
    file: 'table.ts',
    from: 'first.claim.ticket < entry.claim.ticket)',
    to: '!first.isWaiting && first.claim.ticket < entry.claim.ticket)',
    killedBy: ['a stream of readers does not starve a writer', worldsTest],
  },
  {
    fault: 'a claim is held as soon as it has one of its nodes',
    file: 'table.ts',
    from: 'if (claim.waitingEntries > 0) return',
    to: '',
    killedBy: [worldsTest],
  },
  {
    fault: 'the first that waits is forgotten when it goes',
    file: 'node.ts',
    from: 'if (this.firstWaiting === entry) this.firstWaiting = entry.next',
    to: 'if (this.firstWaiting === entry) this.firstWaiting = undefined',
    killedBy: [worldsTest],
  },
  {
    fault: 'a path below one that is written already takes no lock of its own',
    file: 'table.ts',
    from: '    this.#draftNode(claim, node, mode)\n  }',
    to: `    for (let up: Node | undefined = node; up !== undefined; up = up.parent) {
      if (up.draft?.mode === this.#options.scheme.write) return
    }
    this.#draftNode(claim, node, mode)
  }`,
    killedBy: [
      'a path below another of the same request stays held when the upper one is given back',
      stepsTest,
    ],
  },
  {
    fault: 'a reduced claim goes behind the waiting ones',
    file: 'table.ts',
    from: 'this.#insert(entry, entry.node.queues[entry.mode]?.head)',
    to: 'this.#insert(entry, undefined)',
    killedBy: [stepsTest],
  },
  {
    fault: 'idle nodes are never swept',
    file: 'table.ts',
    from: 'if (this.#idle.length <= this.#options.idleNodes) return',
    to: 'if (this.#idle.length > 0) return',
    killedBy: [stepsTest],
  },
  {
    fault: 'nodes that are in use again are swept',
    file: 'table.ts',
    from: 'if (idle.entryCount > 0) continue',
    to: '',
    killedBy: [stepsTest],
  },
  {
    fault: 'a second release counts',
    file: 'table.ts',
    from: "if (claim.state === 'removed') return",
    to: '',
    killedBy: ['a second release does not affect the next holder', commandsTest],
  },
  {
    fault: 'a path is above another if its text is a prefix',
    file: 'path.ts',
    from: 'above.every((name, index) => name === path[index])',
    to: "path.join('/').startsWith(above.join('/'))",
    killedBy: ['covers tells what may be done where, until the release'],
  },
  {
    fault: 'a leading slash counts',
    file: 'path.ts',
    from: "path.startsWith('/') ? 1 : 0",
    to: '0',
    killedBy: ['a string and the components that it stands for are one node'],
  },
  {
    fault: 'S3 folders lose their slash',
    file: 'path.ts',
    from: String.raw`path.split(/(?<=\/)/)`,
    to: "path.split('/')",
    killedBy: [
      'with S3 paths an object and the folder of its name are two, and a folder covers its prefix',
    ],
  },
  {
    fault: 'the components of the caller are kept',
    file: 'request.ts',
    from: 'path.slice()',
    to: 'path',
    killedBy: ['later changes to the caller’s arrays have no effect'],
  },
  {
    fault: 'a string is taken for a list of paths of one letter',
    file: 'request.ts',
    from: "typeof paths === 'string'",
    to: 'false',
    killedBy: ['a string for a list of paths is refused and takes no ticket'],
  },
  {
    fault: 'a read path may be written after a downgrade',
    file: 'request.ts',
    from: 'written.has(pathKey(path))',
    to: 'named.has(pathKey(path))',
    killedBy: ['a downgrade to more than was asked for is refused and changes nothing'],
  },
  {
    fault: 'a request is entered after a tick',
    file: 'lock.ts',
    from: 'checkTimeout(timeoutMs)\n    signal',
    to: 'checkTimeout(timeoutMs)\n    await undefined\n    signal',
    killedBy: ['tryAcquire takes what is free, and else neither takes, nor waits, nor overtakes'],
  },
  {
    fault: 'tryAcquire leaves its claim behind',
    file: 'lock.ts',
    from: 'this.#table.remove(claim)\n    return undefined',
    to: 'return undefined',
    killedBy: [
      'tryAcquire takes what is free, and else neither takes, nor waits, nor overtakes',
      commandsTest,
    ],
  },
  {
    fault: 'run releases when its body has begun',
    file: 'lock.ts',
    from: 'return await body(handle)',
    to: 'return body(handle)',
    killedBy: ['run releases when its body ends, and when it throws', interleavingsTest],
  },
  {
    fault: 'an aborted signal is only seen while waiting',
    file: 'lock.ts',
    from: 'signal?.throwIfAborted()',
    to: '',
    killedBy: ['a signal that is aborted already refuses the request and takes no ticket'],
  },
  {
    fault: 'an abort rejects but leaves the claim in the queue',
    file: 'lock.ts',
    from: 'this.#table.remove(claim)\n        reject(reason)',
    to: 'reject(reason)',
    killedBy: [
      'an abort while waiting withdraws the request and wakes the requests behind it',
      commandsTest,
    ],
  },
  {
    fault: 'the listener stays after the grant',
    file: 'lock.ts',
    from: "signal?.removeEventListener('abort', onAbort)",
    to: '',
    killedBy: [
      'one signal for many requests keeps no listener when they have ended, however they did',
      'an abort in the tick of the grant comes too late, and the handle is the caller’s to release',
      commandsTest,
    ],
  },
  {
    fault: 'the timer runs on after the grant',
    file: 'lock.ts',
    from: 'clearTimeout(timer)',
    to: '',
    killedBy: ['a timeout after the grant, or after an abort, does nothing', commandsTest],
  },
  {
    fault: 'a timeout too long for a timer is set all the same',
    file: 'lock.ts',
    from: 'if (timeoutMs >= 0 && timeoutMs <= longestTimeoutMs) return',
    to: 'if (timeoutMs >= 0) return',
    killedBy: ['a timeout that no timer can keep is refused'],
  },
  {
    fault: 'requests that have stopped waiting count as waiting',
    file: 'lock.ts',
    from: 'this.#pending -= 1',
    to: '',
    killedBy: [
      'a full queue refuses further requests, lets free ones through, and takes more when it has room',
    ],
  },
  {
    fault: 'a request that the queue has no room for stays in it',
    file: 'lock.ts',
    from: 'this.#table.remove(claim)\n      throw',
    to: 'throw',
    killedBy: [
      'a full queue refuses further requests, lets free ones through, and takes more when it has room',
    ],
  },
  {
    fault: 'the table keeps every handle alive',
    file: 'lock.ts',
    from: 'claim.handle = undefined',
    to: '',
    killedBy: ['a dropped handle is reported once, and its lock stays held'],
  },
  {
    fault: 'a released handle is reported as a leak',
    file: 'lock.ts',
    from: "else if (claim.state === 'held') onLeak",
    to: 'else onLeak',
    killedBy: ['a dropped handle is reported once, and its lock stays held'],
  },
]

const here = import.meta.dirname
const modules = [
  'errors',
  'handle',
  'index',
  'lock',
  'mode',
  'node',
  'path',
  'request',
  'scheme',
  'table',
]
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathlock-mutants-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})

after(() => rm(folder, { recursive: true }))

/** Loads the modules with one fault. */
async function loadMutant({ file, from, to }: Mutant, name: string): Promise<Subject> {
  const nest = join(folder, name)
  for (const module of modules) await cp(join(here, `${module}.ts`), join(nest, `${module}.ts`))
  const source = await readFile(join(here, file), 'utf8')
  assert.ok(source.includes(from), `${file} has no ${JSON.stringify(from)} to change`)
  // The last occurrence, since the first may be in a declaration with the same words.
  const at = source.lastIndexOf(from)
  await writeFile(join(nest, file), source.slice(0, at) + to + source.slice(at + from.length))
  return {
    index: await import(pathToFileURL(join(nest, 'index.ts')).href),
    table: await import(pathToFileURL(join(nest, 'table.ts')).href),
  }
}

/** True if a check fails; a check that doesn't end counts as failed. */
async function isKilled(check: (subject: Subject) => unknown, subject: Subject): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), 5_000)
  })
  const run = (async () => {
    try {
      await check(subject)
      return false
    } catch {
      return true
    }
  })()
  const killed = await Promise.race([run, tooLong])
  clearTimeout(timer)
  return killed
}

/** Runs of a check. Random checks draw new commands in each, and a rare fault may need several draws. */
const draws = 5

async function isKilledInDraws(
  check: (subject: Subject) => unknown,
  subject: Subject,
): Promise<boolean> {
  for (let draw = 0; draw < draws; draw++) if (await isKilled(check, subject)) return true
  return false
}

mutants.forEach((mutant, number) => {
  test(`a mutant is killed: ${mutant.fault}`, async () => {
    const subject = await loadMutant(mutant, `mutant-${number}`)
    for (const name of mutant.killedBy) {
      const check = checks[name]
      assert.ok(check, `there is no check "${name}"`)
      assert.ok(await isKilledInDraws(check, subject), `it survives "${name}"`)
    }
  })
})
