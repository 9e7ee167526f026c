import type { DoctorConfig } from '../config.ts'
export async function doctor(_config: DoctorConfig): Promise<number> {
  return 0
}
