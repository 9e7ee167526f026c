import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MisfitError, open } from './index.ts'

const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-embed-'))
after(() => rm(dataFolder, { recursive: true, force: true }))
const owner = { id: 'o', displayName: 'owner' }
const keys = [{ accessKeyId: 'key', secretAccessKey: 'secret', owner }]

test('a program opens a store, serves it, closes it, and opens it again', async () => {
  for (let round = 0; round < 2; round++) {
    const server = await open({ dataFolder, keys })
    const port = await server.listen()
    const health = await fetch(`http://127.0.0.1:${port}/_/health`)
    assert.equal(health.status, 200)
    assert.equal(await health.text(), 'ok\n')
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 403)
    await server.close()
    await assert.rejects(fetch(`http://127.0.0.1:${port}/_/health`))
  }
})

test('a program is refused a folder with files of others, and leaves nothing in it', async () => {
  const foreign = await mkdtemp(join(tmpdir(), 'holdfast-foreign-'))
  try {
    await writeFile(join(foreign, 'thesis.txt'), 'years of work')
    await assert.rejects(open({ dataFolder: foreign, keys }), /is no data folder.*"thesis\.txt"/)
    await assert.rejects(open({ dataFolder: join(foreign, 'thesis.txt'), keys }), /is a file/)
    await assert.rejects(
      open({ dataFolder: join(foreign, 'new'), keys, region: 'a\nb' }),
      /not the name of a region/,
    )
    assert.deepEqual(await readdir(foreign), ['thesis.txt'])
    await rm(join(foreign, 'thesis.txt'))
    await (await open({ dataFolder: join(foreign, 'a', 'new', 'one'), keys })).close()
  } finally {
    await rm(foreign, { recursive: true, force: true })
  }
})

test('a program is refused rows and bodies that do not fit, unless it accepts that', async () => {
  await rm(join(dataFolder, 'engine'), { recursive: true })
  await assert.rejects(open({ dataFolder, keys }), (error) => {
    return error instanceof MisfitError && error.misfit === 'lost-rows'
  })
  await (await open({ dataFolder, keys, accepts: ['lost-rows'] })).close()
  await (await open({ dataFolder, keys })).close()
})
