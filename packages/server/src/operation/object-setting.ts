// Reads of an object's settings that can't be changed yet.

import type { Action } from '../access/decide.ts'
import type { Owner } from '../access/principal.ts'
import type { Need } from './need.ts'
import { headObject, type ObjectAddress } from './object.ts'
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

function needs(action: Action): (input: ObjectAddress) => Need[] {
  return ({ bucket, key }) => [{ action, resource: { kind: 'key', bucket, key } }]
}
