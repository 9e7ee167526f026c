// The regions of buckets: the server's own, or what their creators chose.

import { StoreError } from '../base/errors.ts'
import { isRegionName } from '../base/region.ts'
import type { BucketRecord } from '../store/tree/bucket.ts'
import type { Services } from './operation.ts'

/** The location that means S3's first region in Europe. */
const oldEurope = { location: 'EU', region: 'eu-west-1' }

/** @throws StoreError `InvalidLocationConstraint`; `IllegalLocationConstraint` for another region than the server's */
export function checkLocation(services: Services, constraint: string | undefined): void {
  const { region, isRegionFixed } = services
  if (constraint === region) return
  if (constraint !== undefined && !isRegionName(constraint)) {
    throw new StoreError({ code: 'InvalidLocationConstraint', location: constraint })
  }
  if (!isRegionFixed) return
  // Only in the oldest region, a missing constraint means the region itself.
  if (constraint === undefined && region === 'us-east-1') return
  if (constraint === oldEurope.location && region === oldEurope.region) return
  throw new StoreError({ code: 'IllegalLocationConstraint', location: constraint })
}

/** A bucket's region: the server's, if one is configured. */
export function regionOf(
  { region, isRegionFixed }: Pick<Services, 'region' | 'isRegionFixed'>,
  bucket: Pick<BucketRecord, 'region'>,
): string {
  if (isRegionFixed) return region
  return bucket.region === oldEurope.location ? oldEurope.region : bucket.region
}

/** A bucket's location: its region, or the region's older name if the bucket was created with it. */
export function locationOf(services: Services, bucket: BucketRecord): string {
  const region = regionOf(services, bucket)
  const isOldEurope = bucket.region === oldEurope.location && region === oldEurope.region
  return isOldEurope ? oldEurope.location : region
}
