// Both formats, read back by independent programs: Python's zipfile and tar.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Bytes, utf8 } from '../../base/bytes.ts'
import { bytesOf, entries, file, modifiedAt } from './archive.fixture.ts'
import type { ArchiveEntry } from './entry.ts'
import { tar } from './tar.ts'
import { zip } from './zip.ts'

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'))
after(() => rm(folder, { recursive: true }))
const longName = `${'long/'.repeat(40)}näme.txt`

async function* streamed(...chunks: Bytes[]): AsyncGenerator<Bytes> {
  yield* chunks
}

const large = Buffer.alloc(100_000, 'large')

const samples: readonly ArchiveEntry[] = [
  file('empty', Buffer.alloc(0), 0),
  file('small.txt', utf8('small'), 5),
  { name: utf8('folder/'), isFolder: true, sizeBytes: 0, modifiedAt, content: Buffer.alloc(0) },
  { ...file('known', () => streamed(large), large.length), crc32: crc32(large) },
  file('streamed', () => streamed(utf8('one'), large), 3 + large.length),
  file(longName, utf8('unicode'), 7),
]

test('a zip is what Python reads, with names, bytes, times and modes', async () => {
  const path = join(folder, 'a.zip')
  await writeFile(path, await bytesOf(zip(entries(samples))))
  const program = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    print(json.dumps([[i.filename, i.file_size, z.read(i)[:7].decode(), i.date_time, i.external_attr >> 16] for i in z.infolist()]))
`
  const { stdout } = await run('python3', ['-c', program, path])
  const time = [2026, 2, 3, 4, 5, 6]
  assert.deepEqual(JSON.parse(stdout), [
    ['empty', 0, '', time, 0o100644],
    ['small.txt', 5, 'small', time, 0o100644],
    ['folder/', 0, '', time, 0o40755],
    ['known', 100_000, 'largela', time, 0o100644],
    ['streamed', 100_003, 'onelarg', time, 0o100644],
    [longName, 7, 'unicode', time, 0o100644],
  ])
})

test('a tar is what tar reads, with names, bytes and times', async () => {
  const path = join(folder, 'a.tar')
  await writeFile(path, await bytesOf(tar(entries(samples))))
  const into = await mkdtemp(join(folder, 'tar-'))
  await run('tar', ['-xf', path, '-C', into])
  assert.deepEqual((await readdir(into)).sort(), [
    ...['empty', 'folder', 'known', 'long', 'small.txt', 'streamed'],
  ])
  assert.equal(await readFile(join(into, longName), 'utf8'), 'unicode')
  assert.ok((await readFile(join(into, 'streamed'))).equals(Buffer.concat([utf8('one'), large])))
  assert.equal((await stat(join(into, 'small.txt'))).mtimeMs, modifiedAt)
})

test('an object that is longer or shorter than it said ends the archive with an error', async () => {
  for (const form of [zip, tar]) {
    for (const said of [4, 6]) {
      const wrong = file('wrong', () => streamed(utf8('12345')), said)
      await assert.rejects(bytesOf(form(entries([wrong]))), /has \d/)
    }
  }
})
