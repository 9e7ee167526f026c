// Opens a blob store by its URL. Only `file:` URLs are supported so far.

import { folderOf } from '../base/store-location.ts'
import type { BlobStore } from './blob.ts'
import { type FileBlobsOptions, openFileBlobs } from './file.ts'

/**
 * Opens the blob store at `url`. Several processes may have it open, each with its own start.
 * @throws Error for an unsupported scheme
 */
export async function openBlobs(
  url: URL,
  options: Omit<FileBlobsOptions, 'folder'>,
): Promise<BlobStore> {
  return openFileBlobs({ ...options, folder: folderOf(url, 'the blobs') })
}
