import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CommandError } from '../base/exit.ts'
import { type Settings, UsageError } from '../base/options.ts'
import { readSettings } from './config-file.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-settings-'))
after(() => rm(folder, { recursive: true }))

async function read(name: string, text: string): Promise<Settings> {
  const file = join(folder, name)
  await writeFile(file, text)
  return readSettings(file)
}

const expected = new Map([
  ['port', ['9001']],
  ['host', ['::1']],
  ['domain', ['a.example', 'b.example']],
  ['signature-v1', ['on']],
  ['signature-v2', ['off']],
])

test('settings are read from TOML and from JSON', async () => {
  const toml = `
    # our server
    port = 9_001
    host = '::1'
    domain = ["a.example", "b.example"]
    signature-v1 = true
    signature-v2 = false
  `
  const json = {
    port: 9001,
    host: '::1',
    domain: ['a.example', 'b.example'],
    'signature-v1': true,
    'signature-v2': false,
  }
  const ofToml = await read('holdfast.toml', toml)
  assert.equal(ofToml.file, 'holdfast.toml')
  assert.deepEqual(ofToml.values, expected)
  assert.deepEqual((await read('holdfast.json', JSON.stringify(json))).values, expected)
})

test('a file that is missing, or is not understood, is named, and no secret in it is shown', async () => {
  await assert.rejects(readSettings(join(folder, 'none.toml')), CommandError)
  for (const [name, text] of [
    ['bad.toml', 'root-secret-key = "hush'],
    ['bad.json', '{"root-secret-key": "hush"'],
    ['list.json', '["hush"]'],
    ['table.toml', '[root-secret-key]\nhush = 1'],
    ['null.json', '{"root-secret-key": null}'],
    ['empty.toml', 'root-secret-key = ""'],
    ['time.toml', 'root-secret-key = 2026-01-01'],
  ]) {
    await assert.rejects(read(name ?? '', text ?? ''), (error) => {
      assert.ok(error instanceof UsageError, name)
      assert.match(error.message, new RegExp(name ?? ''))
      assert.doesNotMatch(error.message, /hush/)
      return true
    })
  }
})
