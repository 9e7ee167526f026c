// Starts and stops the references: bare node:http, nginx, moto, and LMDB alone.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonCommand } from '../test/clients/install.ts'
import { bodyOf } from '../test/crash/content.ts'
import { freePort } from '../test/harness.ts'

const run = promisify(execFile)
const bareProgram = fileURLToPath(new URL('bare.ts', import.meta.url))
const commitsProgram = fileURLToPath(new URL('commits.ts', import.meta.url))
const nginxProgram = '/usr/sbin/nginx'
const startTimeoutMs = 10_000
const motoStartMs = 60_000

/** A reference server. */
export interface Reference {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** `node:http` with two workers. */
export async function startBare(): Promise<Reference> {
  const port = await freePort()
  const child = spawn(process.execPath, [bareProgram, String(port)], {
    detached: true,
    stdio: 'inherit',
  })
  return untilListening(child, port)
}

/** nginx with two workers and the files `/small` and `/large`; `undefined` if not installed. */
export async function startNginx(
  folder: string,
  sizes: { readonly smallBytes: number; readonly largeBytes: number },
): Promise<Reference | undefined> {
  const isThere = await access(nginxProgram).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const prefix = await mkdtemp(join(folder, 'nginx-'))
  await mkdir(join(prefix, 'files'))
  await writeFile(join(prefix, 'files', 'small'), bodyOf('bench', sizes.smallBytes))
  await writeFile(join(prefix, 'files', 'large'), bodyOf('bench', sizes.largeBytes))
  const port = await freePort()
  const config = join(prefix, 'nginx.conf')
  await writeFile(config, nginxConfig(prefix, port))
  const child = spawn(nginxProgram, ['-p', prefix, '-c', config, '-e', join(prefix, 'error.log')], {
    detached: true,
    stdio: 'inherit',
  })
  return untilListening(child, port)
}

/** moto; `undefined` without Python. @throws Error when it can't be installed */
export async function startMoto(): Promise<Reference | undefined> {
  const isThere = await run('python3', ['-c', 'import ensurepip, venv']).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const server = await pythonCommand('moto', 'moto_server')
  const port = await freePort()
  const child = spawn(server, ['-p', String(port)], { detached: true, stdio: 'ignore' })
  return untilListening(child, port, motoStartMs)
}

/** 4 KiB commits per second with this number of concurrent writers. */
export async function measureCommits(
  folder: string,
  job: { readonly writers: number; readonly durationMs: number },
): Promise<number> {
  const store = await mkdtemp(join(folder, 'commits-'))
  const args = [commitsProgram, store, String(job.writers), String(job.durationMs)]
  const { stdout } = await run(process.execPath, args)
  await rm(store, { recursive: true })
  return Number(stdout)
}

function nginxConfig(prefix: string, port: number): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `
${user}
worker_processes 2;
daemon off;
pid ${prefix}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  server { listen 127.0.0.1:${port}; root ${prefix}/files; }
}
`
}

async function untilListening(
  child: ChildProcess,
  port: number,
  startMs = startTimeoutMs,
): Promise<Reference> {
  const killGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has exited already.
    }
  }
  process.on('exit', killGroup)
  const deadline = performance.now() + startMs
  while (!(await accepts(port))) {
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`)
    await delay(20)
  }
  return {
    host: '127.0.0.1',
    port,
    stop: async () => {
      const exited = once(child, 'exit')
      killGroup()
      await exited
      process.off('exit', killGroup)
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
