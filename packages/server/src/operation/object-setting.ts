// Reads of an object's settings, none of which can be changed yet.

import type { Owner } from '../access/principal.ts'
import type { Need } from './need.ts'
import { headObject, type ObjectAddress, readNeed } from './object.ts'
import type { Query } from './operation.ts'

interface SettingInput extends ObjectAddress {
  readonly versionId?: string | undefined
}

/** Returns an object's owner, the only account that has or can have rights on it. */
export const getObjectAcl: Query<SettingInput, { readonly owner: Owner }> = {
  kind: 'query',
  name: 'GetObjectAcl',
  needs: needs('s3:GetObjectAcl'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
    return { owner: step.owner }
  },
}

/** Reports that an object has no tags. */
export const getObjectTagging: Query<SettingInput, void> = {
  kind: 'query',
  name: 'GetObjectTagging',
  needs: needs('s3:GetObjectTagging'),
  async check(step, input) {
    await headObject.check(step, { ...input, conditions: {} })
  },
}

function needs(action: Parameters<typeof readNeed>[0]): (input: SettingInput) => Need[] {
  return (input) => [readNeed(action, input)]
}
