// The form of access keys' ids.

/** Ids that every client can send, in every version of signatures. */
export const accessKeyIdForm: RegExp = /^[\w.-]{1,128}$/

/** True for a text that may be the id of an access key. */
export function isAccessKeyId(text: string): boolean {
  return accessKeyIdForm.test(text)
}
