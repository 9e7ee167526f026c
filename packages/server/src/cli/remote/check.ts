// `holdfast check`: lists the differences of two folders, one of which may be on this machine.

import { exitCodes } from '../../base/exit.ts'
import { isSame, pair } from './compare.ts'
import { formatCount, printable } from './format.ts'
import { Progress } from './progress.ts'
import { type Session, withServer } from './session.ts'
import { showPlace } from './side.ts'
import { Skipped } from './skipping.ts'
import type { CheckConfig } from './sync-config.ts'

interface Counts {
  same: number
  different: number
  onlySource: number
  onlyTarget: number
}

type Difference = Exclude<keyof Counts, 'same'>

const marks: Readonly<Record<Difference, string>> = {
  different: '*',
  onlySource: '+',
  onlyTarget: '-',
}

/** Prints each name that differs. The exit code is 1 if there is one, or an entry could not be read. */
export async function check(config: CheckConfig): Promise<number> {
  const { counts, skipped } = await withServer(config.server, (session) => compare(session, config))
  const { same, different, onlySource, onlyTarget } = counts
  if (config.isJson) console.log(JSON.stringify({ summary: { ...counts, skipped } }))
  else {
    console.log(
      `${formatCount(same, 'name')} the same, ${different} different, ${onlySource} only in ` +
        `${showPlace(config.from)}, ${onlyTarget} only in ${showPlace(config.to)}`,
    )
  }
  const isEqual = different + onlySource + onlyTarget + skipped === 0
  return isEqual ? exitCodes.ok : exitCodes.failure
}

async function compare(
  session: Session,
  config: CheckConfig,
): Promise<{ readonly counts: Counts; readonly skipped: number }> {
  const progress = new Progress()
  const skipped = new Skipped(progress)
  const counts: Counts = { same: 0, different: 0, onlySource: 0, onlyTarget: 0 }
  const reading = {
    asking: session,
    excluded: config.excluded,
    hasMarks: config.from.kind === config.to.kind,
    onSkipped: (name: string, why: string) => skipped.skip(name, why),
    onOther: (name: string, why: string) => skipped.note(name, why),
  }
  const total = { objects: 0, bytes: 0 }
  const note = (difference: Difference, name: string): void => {
    counts[difference] += 1
    progress.clear()
    if (config.isJson) console.log(JSON.stringify({ name, difference }))
    else console.log(`${marks[difference]} ${printable(name)}`)
  }
  try {
    for await (const pairing of pair(config, { from: reading, to: reading })) {
      session.signal.throwIfAborted()
      if (pairing.kind === 'source') note('onlySource', pairing.from.name)
      else if (pairing.kind === 'target') note('onlyTarget', pairing.to.name)
      else {
        const how = config.isQuick ? 'size' : 'content'
        if (await isSame(session, config, pairing, how)) counts.same += 1
        else note('different', pairing.from.name)
        total.bytes += pairing.from.sizeBytes
      }
      total.objects += 1
      progress.show({ what: 'comparing', ...total })
    }
  } finally {
    progress.clear()
  }
  return { counts, skipped: skipped.count }
}
