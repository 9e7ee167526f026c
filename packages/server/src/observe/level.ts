// What can be chosen about the log: plain data, so that reading the configuration loads no logger.

/** From the most to the least talkative; `silent` writes nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines for programs, or coloured lines for a terminal. */
export const logFormats = ['json', 'pretty'] as const
export type LogFormat = (typeof logFormats)[number]
