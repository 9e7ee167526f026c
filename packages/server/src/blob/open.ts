// Opens a blob store by its URL. Files, at `file:` URLs, are the only ones so far.

import { folderOf } from '../base/store-location.ts'
import type { BlobStore } from './blob.ts'
import { type FileBlobsOptions, openFileBlobs } from './file.ts'

/**
 * Opens the blobs at `url`. Several processes may have them open, each with its own start.
 * @throws Error for a scheme that no blob store has
 */
export async function openBlobs(
  url: URL,
  options: Omit<FileBlobsOptions, 'folder'>,
): Promise<BlobStore> {
  return openFileBlobs({ ...options, folder: folderOf(url, 'the blobs') })
}
