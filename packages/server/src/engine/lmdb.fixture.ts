// Stores in temporary folders, and processes that use one of them at once.

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../base/bytes.ts'
import type { Engine } from './engine.ts'
import { openLmdb } from './lmdb.ts'
import type { ProcessTask } from './lmdb-process.fixture.ts'
import { decodeCounter } from './tuple.ts'

/** The program of the processes. */
export const childProgram: string = join(import.meta.dirname, 'lmdb-process.fixture.ts')

export function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-lmdb-'))
}

export async function withFolder(body: (path: string) => Promise<void>): Promise<void> {
  const path = await newFolder()
  try {
    await body(path)
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

export async function withEngine(
  body: (engine: Engine, path: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (path) => {
    const engine = await openLmdb({ path })
    try {
      await body(engine, path)
    } finally {
      await engine.close()
    }
  })
}

export function start(task: ProcessTask): ChildProcess {
  return fork(childProgram, [JSON.stringify(task)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
}

/** Waits for a child to exit cleanly; otherwise throws its standard error. */
export async function exited(child: ChildProcess): Promise<void> {
  let complaint = ''
  child.stderr?.on('data', (chunk) => {
    complaint += String(chunk)
  })
  const [code, signal] = await once(child, 'close')
  assert.equal(code, 0, `ended with ${code ?? signal}: ${complaint}`)
}

/** Runs a process for each task, all started at once; returns their conflict counts. */
export async function incrementAll(
  path: string,
  tasks: readonly Omit<Extract<ProcessTask, { task: 'increment' }>, 'task' | 'path'>[],
): Promise<number[]> {
  const children = tasks.map((task) => start({ task: 'increment', path, ...task }))
  await Promise.all(children.map((child) => once(child, 'message')))
  const results = children.map(async (child): Promise<number> => {
    const [[conflicts]] = await Promise.all([once(child, 'message'), exited(child)])
    return Number(conflicts)
  })
  for (const child of children) child.send('go')
  return Promise.all(results)
}

export async function counter(engine: Engine, row: string): Promise<bigint> {
  return decodeCounter(await engine.read((tx) => tx.get(utf8(row))))
}
