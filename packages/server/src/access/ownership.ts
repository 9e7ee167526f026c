// Ownership controls of a bucket: the owner of new objects, and whether lists of grants are in force.

/** With `BucketOwnerEnforced`, the bucket's owner owns every object and no list of grants is in force. */
export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter'
