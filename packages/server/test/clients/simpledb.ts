// SimpleDB's clients: boto3, the AWS CLI, and the JavaScript SDK v2, the last one of that language with SimpleDB. Also
// every recipe of docs/simpledb.md, verbatim.

import assert from 'node:assert/strict'
import { copyFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nodePackage, pythonCommand } from './install.ts'
import type { Session } from './session.ts'

const guide = fileURLToPath(new URL('../../../../docs/simpledb.md', import.meta.url))
const sdkSteps = fileURLToPath(new URL('aws-sdk-v2-steps.mjs', import.meta.url))

/** Runs a program of steps, which prints a line for each, and reports them one by one. */
export async function runSteps(
  t: TestContext,
  session: Session,
  [command, ...args]: readonly [string, ...string[]],
): Promise<void> {
  const output = await session.run(command, args)
  const lines = output.trim().split('\n')
  assert.ok(lines.length > 5, `only ${lines.length} steps were run`)
  for (const line of lines) {
    const parsed: unknown = JSON.parse(line)
    assert.ok(typeof parsed === 'object' && parsed !== null && 'step' in parsed)
    const error = 'error' in parsed && parsed.error !== null ? String(parsed.error) : undefined
    await t.test(String(parsed.step), () => assert.ok(error === undefined, error))
  }
}

/** The steps of the JavaScript SDK v2, run where it is installed. */
export async function sdkV2Steps(t: TestContext, folder: string, session: Session): Promise<void> {
  const program = join(folder, 'steps.mjs')
  await copyFile(sdkSteps, program)
  await runSteps(t, session, [process.execPath, program, session.endpoint])
}

/** The steps of the aws cli. */
export async function cliSimpleDbSteps(
  t: TestContext,
  aws: string,
  session: Session,
): Promise<void> {
  const sdb = (...args: string[]): Promise<string> =>
    session.run(aws, ['--endpoint-url', session.endpoint, '--output', 'json', 'sdb', ...args])
  // The cli keeps SimpleDB behind a switch.
  await session.run(aws, ['configure', 'set', 'preview.sdb', 'true'])
  const domain = ['--domain-name', 'cli-domain']
  await t.test('makes a domain and sees it', async () => {
    await sdb('create-domain', ...domain)
    assert.deepEqual(JSON.parse(await sdb('list-domains')).DomainNames, ['cli-domain'])
  })
  await t.test('puts, gets and selects', async () => {
    const attributes = '[{"Name":"a","Value":"x+y z/é","Replace":true},{"Name":"b","Value":"2"}]'
    await sdb('put-attributes', ...domain, '--item-name', 'i', '--attributes', attributes)
    const found = await sdb('get-attributes', ...domain, '--item-name', 'i', '--consistent-read')
    assert.deepEqual(JSON.parse(found).Attributes, [
      { Name: 'a', Value: 'x+y z/é' },
      { Name: 'b', Value: '2' },
    ])
    const query = "select b from `cli-domain` where a like 'x+%'"
    const { Items } = JSON.parse(await sdb('select', '--select-expression', query))
    assert.deepEqual(Items, [{ Name: 'i', Attributes: [{ Name: 'b', Value: '2' }] }])
  })
  await t.test('is refused on a condition that does not hold', async () => {
    const wrong = ['--expected', 'Name=b,Value=3']
    const refused = sdb('delete-attributes', ...domain, '--item-name', 'i', ...wrong)
    await assert.rejects(refused, /ConditionalCheckFailed/)
    await sdb('delete-attributes', ...domain, '--item-name', 'i', '--expected', 'Name=b,Value=2')
    assert.equal(JSON.parse(await sdb('domain-metadata', ...domain)).ItemCount, 0)
    await sdb('delete-domain', ...domain)
  })
}

/** One recipe: code below a heading. */
interface Recipe {
  readonly heading: string
  readonly language: string
  readonly code: string
}

/** Runs the recipes of the guide, each on a domain of its own making. */
export async function recipeSteps(t: TestContext, folder: string, session: Session): Promise<void> {
  const recipes = recipesIn(await readFile(guide, 'utf8'))
  assert.equal(recipes.length, 15)
  const python = await pythonCommand('boto3', 'python3')
  const aws = await pythonCommand('awscli', 'aws')
  await session.run(aws, ['configure', 'set', 'preview.sdb', 'true'])
  // Node runs no TypeScript below node_modules.
  await symlink(join(folder, 'node_modules'), join(session.scratch, 'node_modules'))
  for (const [index, { heading, language, code }] of recipes.entries()) {
    await t.test(`${heading}, ${language}`, async () => {
      switch (language) {
        case 'ts': {
          const file = join(session.scratch, `recipe-${index}.mts`)
          await writeFile(file, code)
          await session.run(process.execPath, [file])
          return
        }
        case 'python':
          await session.run(python, ['-c', code])
          return
        case 'sh':
          await session.run('bash', ['-euc', `aws() { '${aws}' "$@"; }\n${code}`])
          return
        default:
          assert.fail(`nobody runs ${language}`)
      }
    })
  }
}

function recipesIn(text: string): Recipe[] {
  const [, recipes = ''] = text.split('\n## Recipes\n')
  const sections = (recipes.split('\n## ')[0] ?? '').split('\n### ').slice(1)
  return sections.flatMap((section) => {
    const heading = section.split('\n')[0] ?? ''
    const blocks = section.matchAll(/^```(\w+)\n(.*?)^```$/gms)
    return [...blocks].map(([, language = '', code = '']) => ({ heading, language, code }))
  })
}

/** The folder in which the JavaScript SDK v2 is installed. */
export function sdkV2Folder(): Promise<string> {
  return nodePackage('aws-sdk')
}
