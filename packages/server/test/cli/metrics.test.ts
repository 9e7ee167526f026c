// Compares the table in docs/metrics.md with a server's metrics.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { startServer } from '../harness.ts'

const page = new URL('../../../../docs/metrics.md', import.meta.url)

/** One metric, written as a row of the page's table. */
function rowOf(text: string, { name, help }: { name: string; help: string }): string {
  const type = new RegExp(`^# TYPE ${name} (\\S+)$`, 'm').exec(text)?.[1]
  const series = new RegExp(`^${name}(?:_bucket)?\\{(.+)\\} `, 'm').exec(text)?.[1] ?? ''
  const labels = [...series.matchAll(/(\w+)="/g)].map(([, label]) => label)
  const shown = labels.filter((label) => label !== 'le').map((label) => `\`${label}\``)
  return `| \`${name}\` | ${type} | ${shown.join(', ')} | ${help} |`
}

test('a server tells exactly the metrics that the documentation lists', async () => {
  await using server = await startServer({ workers: 1 })
  const scrape = async (): Promise<string> => (await fetch(`${server.endpoint}/_/metrics`)).text()
  // The first request is counted at its end, so the second response includes it.
  await scrape()
  const text = await scrape()
  const told = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '', help = '']) =>
    rowOf(text, { name, help }),
  )
  const listed = (await readFile(page, 'utf8')).match(/^\| `holdfast_.+$/gm) ?? []
  assert.deepEqual(told.toSorted(), listed.toSorted())
})

test('the dashboard and the alerts use metrics that exist', async () => {
  const listed = new Set((await readFile(page, 'utf8')).match(/holdfast_\w+/g))
  for (const file of ['grafana-dashboard.json', 'alerts.yaml']) {
    const text = await readFile(new URL(`../deploy/monitoring/${file}`, page), 'utf8')
    const used = new Set(text.match(/holdfast_[a-z_]+/g))
    assert.ok(used.size > 5, file)
    for (const name of used) {
      const family = name.replace(/_bucket$/, '')
      assert.ok(listed.has(family), `${name} in ${file}`)
    }
  }
})
