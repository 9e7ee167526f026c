// Names of regions.

/**
 * Whether a bucket or a server may be in `name`: `eu-west-1`, `auto`, `default:placement`. Clients put the name
 * into host names and headers, so it has none of a URL's delimiters.
 */
export function isRegionName(name: string): boolean {
  return /^(?=.*[A-Za-z0-9])[\w.:-]{1,64}$/.test(name)
}
