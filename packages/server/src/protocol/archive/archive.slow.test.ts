// Archives beyond the limits of the formats' first versions: more entries than 16 bits count, files
// larger than 32 bits or eleven octal digits.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Bytes, utf8 } from '../../base/bytes.ts'
import { bytesOf, entries, file } from './archive.fixture.ts'
import type { ArchiveEntries } from './entry.ts'
import { tar } from './tar.ts'
import { zip } from './zip.ts'

const run = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'holdfast-archive-'))
after(() => rm(folder, { recursive: true }))

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
