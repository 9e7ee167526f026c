// The number of the format of rows. A store, or a backup, with a greater number is refused.

export const storeFormat = 1
