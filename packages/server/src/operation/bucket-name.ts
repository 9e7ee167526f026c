// The names that buckets may have.

/** S3's rules for the names of general purpose buckets (userguide/bucketnamingrules.html). */
const bucketName =
  /^(?=.{3,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const ipAddress = /^\d{1,3}(\.\d{1,3}){3}$/
const reservedPrefixes = ['xn--', 'sthree-', 'amzn-s3-demo-']
const reservedSuffixes = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3']

/** True if a new bucket may have this name. */
/** True for a name that a new bucket may have. */
export function isBucketName(name: string): boolean {
  if (!bucketName.test(name) || ipAddress.test(name)) return false
  if (reservedPrefixes.some((prefix) => name.startsWith(prefix))) return false
  return !reservedSuffixes.some((suffix) => name.endsWith(suffix))
}
