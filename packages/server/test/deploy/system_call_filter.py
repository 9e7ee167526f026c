"""Writes the filter of system calls of a systemd unit as a program for the kernel: UNIT OUTPUT.

systemd itself expands the names of groups, such as @system-service.
"""

import errno
import re
import subprocess
import sys

import seccomp

# What systemd allows whatever a unit says.
ALWAYS = {"execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "brk", "mmap"}


def members(name):
    """The system calls of a group, or the one call of that name."""
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", name]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(members(line) for line in lines if line and not line.startswith("#")))


def allowed_by(unit):
    calls = set(ALWAYS)
    for value in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        for name in value.lstrip("~").split():
            calls = calls - members(name) if value.startswith("~") else calls | members(name)
    return calls | ALWAYS


def main():
    unit, output = sys.argv[1:]
    program = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    with open(unit) as file:
        calls = allowed_by(file.read())
    for name in sorted(calls):
        try:
            program.add_rule(seccomp.ALLOW, name)
        except (RuntimeError, OSError):
            pass  # No call of this processor.
    with open(output, "wb") as file:
        program.export_bpf(file)


main()
