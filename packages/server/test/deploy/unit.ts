// The files in deploy/ that other programs read: each is checked by the program itself, and the command of the
// systemd unit runs under the same restrictions.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pythonCommand } from '../clients/install.ts'
import { freePort } from '../harness.ts'

const deploy = fileURLToPath(new URL('../../../../deploy/', import.meta.url))
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

function succeeds(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`)
}

test('Prometheus accepts the alerts and the configuration', () => {
  succeeds('promtool', 'check', 'rules', join(deploy, 'monitoring/alerts.yaml'))
  succeeds('promtool', 'check', 'config', join(deploy, 'monitoring/prometheus.yaml'))
})

test('hadolint finds nothing in the Dockerfile', async () => {
  succeeds(await pythonCommand('hadolint', 'hadolint'), join(deploy, 'docker/Dockerfile'))
})

test('the manifests are valid for Kubernetes', async () => {
  const validate = await pythonCommand('kubernetes', 'kubernetes-validate')
  for (const file of ['service.yaml', 'statefulset.yaml']) {
    succeeds(validate, '--strict', join(deploy, 'kubernetes', file))
  }
})

test('systemd accepts the unit', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-unit-'))
  const unit = await readFile(join(deploy, 'systemd/holdfast.service'), 'utf8')
  const file = join(scratch, 'holdfast.service')
  await writeFile(file, unit.replace('/opt/holdfast/bin/holdfast', process.execPath))
  succeeds('systemd-analyze', 'verify', file)
  await rm(scratch, { recursive: true })
})

/** Debian's Python, for which the package python3-seccomp is. */
const python = '/usr/bin/python3'
const filterProgram = fileURLToPath(new URL('system_call_filter.py', import.meta.url))

test('a server works under the restrictions of the unit', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-unit-'))
  const data = join(scratch, 'data')
  await mkdir(data)
  const bpf = join(scratch, 'filter.bpf')
  succeeds(python, filterProgram, join(deploy, 'systemd/holdfast.service'), bpf)
  const port = await freePort()
  const serve = [process.execPath, main, 'serve', '--data', data, '--port', String(port)]
  // A file system that is read only but for the data, no capabilities, no devices, no homes.
  const restrictions = [
    ...['--ro-bind', '/', '/', '--bind', data, data, '--dev', '/dev', '--proc', '/proc'],
    ...[
      '--cap-drop',
      'ALL',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      '--new-session',
    ],
    ...['--die-with-parent', '--seccomp', '9'],
  ]
  const line = `exec bwrap ${[...restrictions, ...serve].map((word) => `'${word}'`).join(' ')} 9<'${bpf}'`
  const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'ignore', 'pipe'] })
  let messages = ''
  child.stderr.on('data', (chunk) => {
    messages += chunk
  })
  try {
    await answers(`http://127.0.0.1:${port}/_/health`, () => messages)
    succeeds(
      ...([process.execPath, main, 'mb', 'a-bucket', '--data', data] as const),
      ...['--endpoint', `http://127.0.0.1:${port}`],
    )
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
    await rm(scratch, { recursive: true, force: true })
  }
})

async function answers(url: string, messages: () => string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.status === 200) return
    await sleep(100)
  }
  throw new Error(`the server does not answer: ${messages()}`)
}
