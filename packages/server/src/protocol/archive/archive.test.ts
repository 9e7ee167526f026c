// Both formats, read back by independent programs: Python's zipfile and tar.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Bytes, utf8 } from '../../base/bytes.ts'
import type { ArchiveEntries, ArchiveEntry } from './entry.ts'
import { tar } from './tar.ts'
import { zip } from './zip.ts'

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'))
after(() => rm(folder, { recursive: true }))
const modifiedAt = Date.UTC(2026, 1, 3, 4, 5, 6)
const longName = `${'long/'.repeat(40)}näme.txt`

function file(name: string, content: ArchiveEntry['content'], sizeBytes: number): ArchiveEntry {
  return { name: utf8(name), isFolder: false, sizeBytes, modifiedAt, content }
}

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

function entries(list: readonly ArchiveEntry[]): ArchiveEntries {
  return async function* () {
    yield* list
  }
}

async function bytesOf(pieces: AsyncIterable<Bytes>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const piece of pieces) parts.push(Buffer.from(piece))
  return Buffer.concat(parts)
}

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

test('a zip of more than 65,535 entries uses Zip64', async () => {
  const path = join(folder, 'many.zip')
  const count = 66_000
  const list = Array.from({ length: count }, (_, n) => file(`${n}`, Buffer.alloc(0), 0))
  await writeFile(path, await bytesOf(zip(entries(list))))
  const program = 'import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).infolist()))'
  assert.equal((await run('python3', ['-c', program, path])).stdout.trim(), String(count))
})

/** Exceeds 32 bits and eleven octal digits. */
const hugeBytes = 9 * 1024 ** 3
const hugeChunk = Buffer.alloc(64 * 1024 ** 2)

async function* hugeContent(): AsyncGenerator<Bytes> {
  for (let at = 0; at < hugeBytes; at += hugeChunk.length) yield hugeChunk
}

/** The beginning and the end of an archive with one huge file, without the file's bytes. */
async function ends(
  pieces: AsyncIterable<Bytes>,
): Promise<{ readonly head: Buffer; readonly tail: Buffer; readonly sizeBytes: number }> {
  let head = Buffer.alloc(0)
  let tail = Buffer.alloc(0)
  let sizeBytes = 0
  for await (const piece of pieces) {
    if (piece.byteLength !== hugeChunk.length) {
      if (sizeBytes < hugeBytes) head = Buffer.concat([head, piece])
      else tail = Buffer.concat([tail, piece])
    }
    sizeBytes += piece.byteLength
  }
  return { head, tail, sizeBytes }
}

/** Lets Python read the archive with a hole in place of the huge file's zeros. */
async function readHuge(
  name: string,
  write: (entries: ArchiveEntries) => AsyncIterable<Bytes>,
  program: string,
): Promise<unknown> {
  const huge = { ...file('huge', hugeContent, hugeBytes), crc32: 0x1234_5678 }
  const after = file('after', utf8('after'), 5)
  const { head, tail, sizeBytes } = await ends(write(entries([huge, after])))
  const path = join(folder, name)
  await writeFile(path, head)
  const handle = await open(path, 'r+')
  await handle.write(tail, 0, tail.length, sizeBytes - tail.length)
  await handle.close()
  const { stdout } = await run('python3', ['-c', program, path])
  return JSON.parse(stdout)
}

test('a file beyond 4 GiB, and what follows it, are found in a zip', async () => {
  const program = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print(json.dumps([[[i.filename, i.file_size, i.CRC] for i in z.infolist()], z.read('after').decode()]))
`
  assert.deepEqual(await readHuge('huge.zip', zip, program), [
    [
      ['huge', hugeBytes, 0x1234_5678],
      ['after', 5, crc32(utf8('after'))],
    ],
    'after',
  ])
})

test('a file beyond 8 GiB, and what follows it, are found in a tar', async () => {
  const program = `
import json, sys, tarfile
with tarfile.open(sys.argv[1]) as t:
    print(json.dumps([[[i.name, i.size] for i in t.getmembers()], t.extractfile('after').read().decode()]))
`
  const names = [
    ['huge', hugeBytes],
    ['after', 5],
  ]
  assert.deepEqual(await readHuge('huge.tar', tar, program), [names, 'after'])
})

test('an object that is longer or shorter than it said ends the archive with an error', async () => {
  for (const form of [zip, tar]) {
    for (const said of [4, 6]) {
      const wrong = file('wrong', () => streamed(utf8('12345')), said)
      await assert.rejects(bytesOf(form(entries([wrong]))), /has \d/)
    }
  }
})
