// Log levels and formats. Plain data, so that reading the configuration doesn't load the logger.

/** From most to least verbose; `silent` writes nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines, or coloured lines for a terminal. */
export const logFormats = ['json', 'pretty'] as const
export type LogFormat = (typeof logFormats)[number]
