// An empty folder outside of the checkout, in which the packed packages are installed as their users do it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the workspace. */
export const workspace: string = fileURLToPath(new URL('../../../..', import.meta.url))

/** The packages, by their folders. */
export const packageFolders = ['pathlock', 'client', 'server'] as const

/** The published `dist` of a package. */
export function distOf(folder: string): string {
  return join(workspace, 'packages', folder, 'dist')
}

/** The outcome of a program. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Nothing of the checkout is on the path but the directory of the Node that runs the tests. */
const path = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter)

/** What a script of npm, or a test runner, adds to the environment; settings of the network stay. */
const foreign =
  /^(npm_(lifecycle|package|command|execpath|node_execpath)|npm_config_(local_|global_)?prefix$|NODE_(OPTIONS|TEST|COMPILE_CACHE)|HOLDFAST_|AWS_|INIT_CWD)/i

function cleanEnvironment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return { ...Object.fromEntries(own), PATH: path }
}

/** Milliseconds after which a program counts as stuck, such as npm without a registry. */
const longestMs = 180_000

/** A folder of its own below the system's temporary one. */
export class Consumer implements AsyncDisposable {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Makes the folder with a manifest and `files`, and installs packages there. */
  static async install(
    packages: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<Consumer> {
    const consumer = new Consumer(await mkdtemp(join(tmpdir(), 'holdfast-consumer-')))
    await consumer.write({ 'package.json': '{ "private": true, "type": "module" }', ...files })
    try {
      const { code, stderr } = await consumer.npm('install', '--save-exact', ...packages)
      if (code === 0) return consumer
      throw new Error(`npm install failed:\n${stderr}`)
    } catch (error) {
      await consumer[Symbol.asyncDispose]()
      throw error
    }
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, name)), { recursive: true })
      await writeFile(join(this.folder, name), text)
    }
  }

  /** Copies a folder of the workspace here, without its manifest. */
  async copy(from: string): Promise<void> {
    const filter = (file: string): boolean => !file.endsWith('package.json')
    await cp(join(workspace, from), this.folder, { recursive: true, filter })
  }

  npm(...args: readonly string[]): Promise<Outcome> {
    return this.run('npm', ['--no-audit', '--no-fund', '--prefer-offline', ...args])
  }

  /** Runs a program to its end. */
  async run(program: string, args: readonly string[]): Promise<Outcome> {
    return outcomeOf(this.start(program, args))
  }

  /** Starts a program with a process group of its own, which {@link endGroup} ends. */
  start(program: string, args: readonly string[]): ChildProcess {
    const options = { cwd: this.folder, env: cleanEnvironment(), timeout: longestMs }
    return spawn(program, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Asks a program and its children to end: npx doesn't pass a signal on. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGTERM')
}

/** The outcome of a process when it has ended. */
export async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.on('data', (bytes: Buffer) => {
    texts.stdout += bytes
  })
  child.stderr?.on('data', (bytes: Buffer) => {
    texts.stderr += bytes
  })
  const [code] = await once(child, 'close')
  return { code, ...texts }
}

/** Packs the packages into `folder`; the paths of their archives by name. */
export async function packAll(folder: string): Promise<ReadonlyMap<string, string>> {
  const archives = new Map<string, string>()
  for (const each of packageFolders) {
    const child = spawn('npm', ['pack', '--json', '--pack-destination', folder, distOf(each)], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { code, stdout } = await outcomeOf(child)
    if (code !== 0) throw new Error(`npm pack of ${each} failed`)
    const [, name = ''] = /"name": "([^"]+)"/.exec(stdout) ?? []
    const [, file = ''] = /"filename": "([^"]+)"/.exec(stdout) ?? []
    archives.set(name, join(folder, file))
  }
  return archives
}

/** Bytes on disk of a folder, as `du` counts them. */
export async function diskBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries.map(async (entry) => {
    if (entry.isSymbolicLink()) return 0
    return (await stat(join(entry.parentPath, entry.name))).blocks * 512
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** Files below a folder, as paths within it. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

/** A JSON file that is an object. */
export async function readObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  const found: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (typeof found !== 'object' || found === null) throw new Error(`${file} is no object`)
  return { ...found }
}
