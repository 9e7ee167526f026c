// Common clients, each against a fresh server: AWS CLI 1 and 2, boto3, rclone, s3cmd, restic. Installs them first (see
// install.ts). `--only NAME` runs one; `--against URL` with the
// keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY tests another server.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { awsCliSteps, awsEnvironment } from './aws-cli.ts'
import { debianCommand, pythonCommand } from './install.ts'
import { rcloneEnvironment, rcloneSteps } from './rclone.ts'
import { resticEnvironment, resticSteps } from './restic.ts'
import { s3cmdEnvironment, s3cmdSteps } from './s3cmd.ts'
import { type Session, type Target, withSession } from './session.ts'
import { cliSimpleDbSteps, recipeSteps, runSteps, sdkV2Folder, sdkV2Steps } from './simpledb.ts'
import { largeFile } from './tree.ts'

const boto3SimpleDbProgram = fileURLToPath(new URL('boto3_simpledb_steps.py', import.meta.url))
const boto3SelectProgram = fileURLToPath(new URL('boto3_select_steps.py', import.meta.url))
const boto3Program = fileURLToPath(new URL('boto3_steps.py', import.meta.url))

const { values } = parseArgs({
  options: { only: { type: 'string' }, against: { type: 'string' } },
})

interface Client {
  readonly name: string
  readonly install: () => Promise<string>
  readonly versionArgs: readonly string[]
  readonly env: (session: Session) => Record<string, string>
  readonly steps: (t: TestContext, command: string, session: Session) => Promise<void>
}

const s3Clients: readonly Client[] = [
  {
    name: 'aws cli v1',
    install: () => pythonCommand('awscli', 'aws'),
    versionArgs: ['--version'],
    env: awsEnvironment,
    steps: awsCliSteps,
  },
  {
    name: 'aws cli v2',
    install: () => debianCommand('awscli', '/usr/bin/aws'),
    versionArgs: ['--version'],
    env: awsEnvironment,
    steps: awsCliSteps,
  },
  {
    name: 'boto3',
    install: () => pythonCommand('boto3', 'python3'),
    versionArgs: ['-c', 'import boto3; print("boto3", boto3.__version__)'],
    env: awsEnvironment,
    steps: boto3Steps,
  },
  {
    name: 'rclone',
    install: () => debianCommand('rclone', '/usr/bin/rclone'),
    versionArgs: ['version'],
    env: rcloneEnvironment,
    steps: rcloneSteps,
  },
  {
    name: 's3cmd',
    install: () => pythonCommand('s3cmd', 's3cmd'),
    versionArgs: ['--version'],
    env: s3cmdEnvironment,
    steps: s3cmdSteps,
  },
  {
    name: 'restic',
    install: () => debianCommand('restic', '/usr/bin/restic'),
    versionArgs: ['version'],
    env: resticEnvironment,
    steps: resticSteps,
  },
]

/** Clients of SelectObjectContent. */
const selectClients: readonly Client[] = [
  {
    name: 'boto3 select',
    install: () => pythonCommand('boto3', 'python3'),
    versionArgs: ['-c', 'import boto3; print("boto3", boto3.__version__)'],
    env: awsEnvironment,
    steps: (t, python, session) =>
      runSteps(t, session, [python, boto3SelectProgram, session.endpoint]),
  },
]

/** Clients of SimpleDB, and the recipes of its guide. */
const simpleDbClients: readonly Client[] = [
  {
    name: 'boto3 sdb',
    install: () => pythonCommand('boto3', 'python3'),
    versionArgs: ['-c', 'import boto3; print("boto3", boto3.__version__)'],
    env: awsEnvironment,
    steps: (t, python, session) =>
      runSteps(t, session, [python, boto3SimpleDbProgram, session.endpoint]),
  },
  {
    name: 'aws cli sdb',
    install: () => pythonCommand('awscli', 'aws'),
    versionArgs: ['--version'],
    env: awsEnvironment,
    steps: cliSimpleDbSteps,
  },
  {
    name: 'aws-sdk v2 sdb',
    install: async () => process.execPath,
    versionArgs: ['--version'],
    env: awsEnvironment,
    steps: async (t, _, session) => sdkV2Steps(t, await sdkV2Folder(), session),
  },
  {
    name: 'SimpleDB recipes',
    install: async () => process.execPath,
    versionArgs: ['--version'],
    env: (session) => ({ ...awsEnvironment(session), AWS_ENDPOINT_URL: session.endpoint }),
    steps: async (t, _, session) => recipeSteps(t, await sdkV2Folder(), session),
  },
]

async function boto3Steps(t: TestContext, python: string, session: Session): Promise<void> {
  const { endpoint, tree, scratch } = session
  const output = await session.run(python, [boto3Program, endpoint, tree, scratch, largeFile])
  const lines = output.trim().split('\n')
  assert.ok(lines.length > 10, `boto3 ran only ${lines.length} steps`)
  for (const line of lines) {
    const { step, error } = parseStep(line)
    await t.test(step, () => assert.ok(error === undefined, error))
  }
}

function parseStep(line: string): { readonly step: string; readonly error: string | undefined } {
  const parsed: unknown = JSON.parse(line)
  assert.ok(typeof parsed === 'object' && parsed !== null && 'step' in parsed && 'error' in parsed)
  const error = parsed.error === null ? undefined : String(parsed.error)
  return { step: String(parsed.step), error }
}

function otherServer(): Target | undefined {
  if (values.against === undefined) return undefined
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env
  return {
    endpoint: values.against,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
  }
}

for (const client of [...s3Clients, ...selectClients, ...simpleDbClients]) {
  if (values.only !== undefined && values.only !== client.name) continue
  test(client.name, async (t) => {
    const command = await client.install()
    await withSession(otherServer(), client.env, async (session) => {
      const version = await session.run(command, client.versionArgs)
      t.diagnostic(version.split('\n')[0] ?? '')
      await client.steps(t, command, session)
    })
  })
}
