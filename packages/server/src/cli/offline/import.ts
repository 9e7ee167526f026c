// `holdfast import`: puts the items of an export's files into a domain. A server may be running on the data folder.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  anyText,
  count,
  DocumentError,
  exactly,
  type Form,
  fields,
  list,
  matching,
  parseDocument,
  text,
} from '../../base/document.ts'
import { isStoreError, type StoreError } from '../../base/errors.ts'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import type { OpenServices } from '../../compose.ts'
import type { ImportConfig } from '../../config.ts'
import { silentLog } from '../../observe/log.ts'
import { silentMetrics } from '../../observe/metrics.ts'
import { openShared } from '../../open-shared.ts'
import { batchPutAttributes, type ItemPairs, type PutPair } from '../../operation/attribute.ts'
import { createDomain } from '../../operation/domain.ts'
import { MisfitError } from '../../operation/fit.ts'
import type { Caller, Services } from '../../operation/operation.ts'
import { run } from '../../operation/run.ts'
import { reportError } from '../../protocol/simpledb/error.ts'
import { loadCredentials } from '../credentials.ts'
import { prepareDataFolder } from '../data-folder.ts'

/** Imports the files. Returns the exit code. @throws CommandError for files that can't be used */
export async function importExport(config: ImportConfig): Promise<number> {
  const { dataFolder, folder, domain } = config
  const manifest = await readManifest(folder)
  const given = [config.credentialsFile]
  await prepareDataFolder(dataFolder, given)
  const { root } = await loadCredentials({ file: config.credentialsFile, dataFolder })
  const { services, close } = await openStore(dataFolder, given)
  try {
    const { accessKeyId, owner } = root
    const caller: Caller = {
      principal: { accessKeyId, owner },
      requestId: 'import',
      signal: new AbortController().signal,
    }
    await run(services, caller, createDomain, { domain })
    let items = 0
    for (const { name, md5 } of manifest.files) {
      items += await importFile({ services, caller, domain, file: join(folder, name), md5 })
    }
    if (items !== manifest.items) {
      throw new CommandError(`the files have ${items} items, the manifest ${manifest.items}`)
    }
    console.log(`imported ${items} items into the domain ${domain}`)
    return exitCodes.ok
  } catch (error) {
    if (isStoreError(error)) throw new CommandError(messageOf(error), { cause: error })
    throw error
  } finally {
    await close()
  }
}

async function openStore(
  dataFolder: string,
  given: readonly (string | undefined)[],
): Promise<OpenServices> {
  const facts = { region: 'us-east-1', log: silentLog, metrics: silentMetrics, isSweeping: false }
  try {
    return await openShared({ ...facts, dataFolder }, given)
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error
    throw new CommandError(error.message, { exitCode: exitCodes.refused, cause: error })
  }
}

/** SimpleDB's sentence, or for a fault, the text for the log. */
function messageOf(error: StoreError): string {
  const { isFault, message } = reportError(error)
  return isFault ? error.message : message
}

interface Manifest {
  readonly items: number
  readonly files: readonly { readonly name: string; readonly md5: string }[]
}

/** The key of a data file, with any prefix. */
const fileKey = matching(
  /(?:^|\/)data-\d{5,}\.json$/,
  'must end like a file of an export: data-00001.json',
)

const manifestForm = fields({
  format: exactly(1),
  itemsCount: count,
  files: list(fields({ key: fileKey, etag: text })),
})

const itemForm = fields({
  itemName: anyText,
  attributes: list(fields({ name: anyText, values: list(anyText) })),
})

async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, 'manifest.json')
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandError(`can't read ${file}: ${systemCode(error) ?? error}`, { cause: error })
  }
  const { itemsCount, files } = parse(manifestForm, content, `${file} is no manifest of an export`)
  return {
    items: itemsCount,
    files: files.map(({ key, etag }) => ({ name: basename(key), md5: etag })),
  }
}

async function importFile(input: {
  readonly services: Services
  readonly caller: Caller
  readonly domain: string
  readonly file: string
  readonly md5: string
}): Promise<number> {
  const { services, caller, domain, file, md5 } = input
  await checkFile(file, md5)
  const batchItems = services.simpleDb.limits.submittedItems
  let batch: ItemPairs<PutPair>[] = []
  let items = 0
  const put = async (): Promise<void> => {
    if (batch.length > 0) {
      await run(services, caller, batchPutAttributes, { domain, items: batch })
    }
    items += batch.length
    batch = []
  }
  for await (const line of linesOf(file)) {
    batch.push(parseItem(line, file))
    if (batch.length === batchItems) await put()
  }
  await put()
  return items
}

/** The lines of a file. Node's own reader would also break lines at U+2028, which JSON doesn't escape. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file)) {
    rest = Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a, start)) {
      yield rest.toString('utf8', start, end)
      start = end + 1
    }
    rest = rest.subarray(start)
  }
  if (rest.byteLength > 0) yield rest.toString('utf8')
}

/** Checks that a file is complete. A part of one would otherwise be imported silently. */
async function checkFile(file: string, md5: string): Promise<void> {
  const hash = createHash('md5')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk)
  } catch (error) {
    throw new CommandError(`can't read ${file}: ${systemCode(error) ?? error}`, { cause: error })
  }
  if (hash.digest('hex') !== md5) throw new CommandError(`${file} is not what was exported`)
}

function parseItem(line: string, file: string): ItemPairs<PutPair> {
  const { itemName, attributes } = parse(itemForm, line, `${file} has a line that is no item`)
  const pairs = attributes.flatMap(({ name, values }) =>
    values.map((value) => ({ name, value, replace: false })),
  )
  return { name: itemName, pairs }
}

/** Parses a document of an export. @throws CommandError that begins with `refusal` */
function parse<T>(form: Form<T>, content: string, refusal: string): T {
  try {
    return parseDocument(form, content)
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    throw new CommandError(`${refusal}: ${error.message}`, { cause: error })
  }
}
