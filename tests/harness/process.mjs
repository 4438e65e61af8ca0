// What a process uses, as the kernel counts it. None of it depends on how busy the machine is.

import { readdirSync, readFileSync } from 'node:fs';

const MiB = 1024 * 1024;

/** One figure of /proc/PID/status in bytes, such as VmRSS. */
function statusBytes(pid, name) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))[1]) * 1024;
}

export const residentBytes = (pid) => statusBytes(pid, 'VmRSS');

/** Whether this is a build with sanitizers: these map terabytes of shadow memory. */
export const isSanitized = (pid) => statusBytes(pid, 'VmPeak') > 1024 * 1024 * MiB;

/** How many files and sockets the process has open. */
export const openDescriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** Milliseconds of processor time that all threads have used, in the program and in the kernel for it. */
export function cpuMilliseconds(pid) {
  // /proc/PID/stat counts in hundredths of a second; schedstat of each thread in nanoseconds.
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]))
    .reduce((sum, nanoseconds) => sum + nanoseconds / 1e6, 0);
}

/** The processor time of a process while `work` runs. */
export async function cpuOf(pid, work) {
  const before = cpuMilliseconds(pid);
  await work();
  return cpuMilliseconds(pid) - before;
}
